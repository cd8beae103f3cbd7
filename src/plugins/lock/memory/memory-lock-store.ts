// Locks in the memory of this process: fair, and gone at a restart.

import { RrtsError } from '../../../core/errors.ts';
import { ANYBODY, type LockRequest, type LockStore } from '../lock-store.ts';
import { LockTable, type Waiter } from './lock-table.ts';

/** Limits of the store. */
export interface MemoryLockOptions {
  /** Resources that are held or waited for at the same time. */
  readonly maxResources: number;
  /** Requests that wait at the same time. */
  readonly maxWaiting: number;
}

/** A timer set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  readonly table: LockTable;
  /** The ends of those who hold it. */
  readonly ends: Map<string, Deadline>;
}

/** Requests for one resource are served in the order in which they came. */
export class MemoryLockStore implements LockStore {
  readonly #options: MemoryLockOptions;
  readonly #entries = new Map<string, Entry>();
  /** What ends the wait of a request without the lock. */
  readonly #waiting = new Set<() => void>();

  constructor(options: MemoryLockOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resources that are held or waited for. */
  get resources(): number {
    return this.#entries.size;
  }

  async start(): Promise<void> {}

  async acquire(request: LockRequest): Promise<boolean> {
    const { resource, id, mode, ttlMs } = request;
    const entry = this.#entry(resource);
    if (entry.table.take({ id, mode })) {
      this.#end(resource, entry, id, ttlMs);
      return true;
    }
    if (this.#waiting.size >= this.#options.maxWaiting) {
      throw new RrtsError('ERR_STORE', `${this.#waiting.size} requests wait for locks already`);
    }
    return this.#wait(request, entry);
  }

  async release(resource: string, id: string): Promise<boolean> {
    return this.#release(resource, id);
  }

  async forceRelease(resource: string): Promise<boolean> {
    const holders = this.#entries.get(resource)?.table.holders() ?? [];
    // Only those who hold it now: whoever waits comes next and keeps it.
    const entry = this.#entries.get(resource);
    for (const id of holders) this.#drop(entry, id);
    if (entry !== undefined) this.#goOn(resource, entry);
    return holders.length > 0;
  }

  async exists(resource: string, id: string): Promise<boolean> {
    const table = this.#entries.get(resource)?.table;
    if (table === undefined) return false;
    return id === ANYBODY ? table.isHeld : table.modeOf(id) !== undefined;
  }

  async updateTtl(resource: string, id: string, ttlMs: number): Promise<boolean> {
    const entry = this.#entries.get(resource);
    if (entry?.table.modeOf(id) === undefined) return false;
    this.#end(resource, entry, id, ttlMs);
    return true;
  }

  async stop(): Promise<void> {
    for (const giveUp of [...this.#waiting]) giveUp();
    for (const { ends } of this.#entries.values()) {
      for (const deadline of ends.values()) deadline.cancel();
    }
    this.#entries.clear();
  }

  #wait({ resource, id, mode, ttlMs, waitMs, signal }: LockRequest, entry: Entry): Promise<boolean> {
    return new Promise((resolve) => {
      const aborting = signal();
      const settle = (held: boolean): void => {
        timer.cancel();
        aborting.removeEventListener('abort', giveUp);
        this.#waiting.delete(giveUp);
        resolve(held);
      };
      const grant = (): void => {
        this.#end(resource, entry, id, ttlMs);
        settle(true);
      };
      const waiter: Waiter = { id, mode, ttlMs, grant };
      const giveUp = (): void => {
        entry.table.leave(waiter);
        settle(false);
        this.#goOn(resource, entry);
      };
      const timer = new Deadline(waitMs, giveUp);
      timer.holdProcess();
      entry.table.wait(waiter);
      this.#waiting.add(giveUp);
      if (aborting.aborted) giveUp();
      else aborting.addEventListener('abort', giveUp, { once: true });
    });
  }

  #release(resource: string, id: string): boolean {
    const entry = this.#entries.get(resource);
    if (!this.#drop(entry, id) || entry === undefined) return false;
    this.#goOn(resource, entry);
    return true;
  }

  #drop(entry: Entry | undefined, id: string): boolean {
    if (entry?.table.release(id) !== true) return false;
    entry.ends.get(id)?.cancel();
    entry.ends.delete(id);
    return true;
  }

  /** After a change: whoever may have the lock now gets it. */
  #goOn(resource: string, entry: Entry): void {
    for (const waiter of entry.table.admit()) waiter.grant();
    if (entry.table.isIdle && this.#entries.get(resource) === entry) this.#entries.delete(resource);
  }

  #end(resource: string, entry: Entry, id: string, ttlMs: number): void {
    entry.ends.get(id)?.cancel();
    entry.ends.set(id, new Deadline(ttlMs, () => this.#release(resource, id)));
  }

  #entry(resource: string): Entry {
    const known = this.#entries.get(resource);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#options.maxResources) {
      throw new RrtsError('ERR_STORE', `${this.#entries.size} resources are locked already`);
    }
    const entry = { table: new LockTable(), ends: new Map<string, Deadline>() };
    this.#entries.set(resource, entry);
    return entry;
  }
}

/** A timer of any length. It does not keep the process alive, unless somebody waits for it. */
class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #holdsProcess = false;

  constructor(milliseconds: number, done: () => void) {
    this.#arm(performance.now() + milliseconds, done);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  holdProcess(): void {
    this.#holdsProcess = true;
    this.#timer?.ref();
  }

  #arm(end: number, done: () => void): void {
    const left = end - performance.now();
    const next = left > LONGEST_TIMER_MS ? () => this.#arm(end, done) : done;
    this.#timer = setTimeout(next, Math.min(left, LONGEST_TIMER_MS));
    if (!this.#holdsProcess) this.#timer.unref();
  }
}
