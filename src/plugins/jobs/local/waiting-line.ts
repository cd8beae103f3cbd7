// Which job is next: those that are ready by priority and age, those that are delayed by their time.

import { Heap } from '../../../core/heap.ts';
import type { Entry } from './entry.ts';

/** Delayed jobs that become ready in one turn of the event loop; a hundred thousand may be due at once. */
const RIPEN_AT_ONCE = 5000;

/** The jobs that wait. */
export class WaitingLine {
  readonly #ready = new Heap<Entry>((a, b) =>
    a.priority === b.priority ? a.order < b.order : a.priority < b.priority,
  );
  readonly #delayed = new Heap<Entry>((a, b) => (a.runAt === b.runAt ? a.order < b.order : a.runAt < b.runAt));

  /** How many could be handed over now. */
  get ready(): number {
    return this.#ready.size;
  }

  /** How many wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** When the next delayed one is due; undefined when there is none. */
  get nextDue(): number | undefined {
    return this.#delayed.first?.runAt;
  }

  /** The next one; it stays. */
  get first(): Entry | undefined {
    return this.#ready.first;
  }

  add(entry: Entry, now: number): void {
    if (entry.runAt > now) this.#delayed.push(entry);
    else this.#ready.push(entry);
  }

  /** Takes the next one. */
  shift(): Entry | undefined {
    return this.#ready.shift();
  }

  /** Makes ready what is due. False when there is more than one turn should do. */
  ripen(now: number): boolean {
    for (let count = 0; count < RIPEN_AT_ONCE; count++) {
      const { first } = this.#delayed;
      if (first === undefined || first.runAt > now) return true;
      this.#delayed.shift();
      this.#ready.push(first);
    }
    return false;
  }

  /** Forgets all. */
  clear(): void {
    this.#ready.removeAll(() => true);
    this.#delayed.removeAll(() => true);
  }
}
