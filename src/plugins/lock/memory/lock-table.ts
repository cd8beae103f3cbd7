// Who holds one resource and who waits for it: the rules, without clocks.

import type { Mode } from '../lock-store.ts';

/** Somebody who waits. */
export interface Waiter {
  readonly id: string;
  readonly mode: Mode;
  readonly ttlMs: number;
  /** The lock is theirs. */
  readonly grant: () => void;
}

/** A lock that is held. */
export interface Holder {
  readonly id: string;
  readonly mode: Mode;
}

/** One resource. */
export class LockTable {
  #writer: string | undefined;
  readonly #readers = new Set<string>();
  /** First come, first served: readers do not overtake a writer that waits. */
  readonly #queue = new Set<Waiter>();
  /** Readers that want to write go before the queue: whoever waits there waits for them. */
  readonly #promotions = new Set<Waiter>();

  get isIdle(): boolean {
    return !this.isHeld && this.#queue.size === 0 && this.#promotions.size === 0;
  }

  get isHeld(): boolean {
    return this.#writer !== undefined || this.#readers.size > 0;
  }

  /** How this id holds the resource. */
  modeOf(id: string): Mode | undefined {
    if (this.#writer === id) return 'exclusive';
    return this.#readers.has(id) ? 'shared' : undefined;
  }

  holders(): string[] {
    return this.#writer === undefined ? [...this.#readers] : [this.#writer];
  }

  /** Takes the lock if nobody is in the way, and nobody waits who came before. */
  take({ id, mode }: Holder): boolean {
    const isReader = this.#readers.has(id);
    if (this.#queue.size + this.#promotions.size > 0 && !isReader) return false;
    return this.#take(id, mode);
  }

  wait(waiter: Waiter): void {
    if (waiter.mode === 'exclusive' && this.#readers.has(waiter.id)) this.#promotions.add(waiter);
    else this.#queue.add(waiter);
  }

  /** No longer waits. Whoever stood behind may go on: call {@link admit}. */
  leave(waiter: Waiter): void {
    this.#queue.delete(waiter);
    this.#promotions.delete(waiter);
  }

  /** @returns false when this id holds nothing. */
  release(id: string): boolean {
    if (this.#writer !== id) return this.#readers.delete(id);
    this.#writer = undefined;
    return true;
  }

  /** Those whose turn it is now, as holders. */
  admit(): Waiter[] {
    const admitted: Waiter[] = [];
    for (const waiters of [this.#promotions, this.#queue]) {
      for (const waiter of waiters) {
        if (!this.#take(waiter.id, waiter.mode)) return admitted;
        waiters.delete(waiter);
        admitted.push(waiter);
      }
    }
    return admitted;
  }

  #take(id: string, mode: Mode): boolean {
    if (this.#writer !== undefined) return false;
    if (mode === 'shared') {
      this.#readers.add(id);
      return true;
    }
    if (this.#readers.size > 1 || (this.#readers.size === 1 && !this.#readers.has(id))) return false;
    this.#readers.clear();
    this.#writer = id;
    return true;
  }
}
