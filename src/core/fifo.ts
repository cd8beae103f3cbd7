// A queue with O(1) push, shift and removal from the middle.

/** What an entry of a {@link Fifo} carries for the list. All three start undefined. An entry is in at most one list at a time. */
export interface FifoEntry {
  fifoNext: FifoEntry | undefined;
  fifoPrevious: FifoEntry | undefined;
  fifoOwner: object | undefined;
}

/**
 * Intrusive doubly linked list: the links live in the entries, so queueing allocates nothing. It is both the queue of
 * waiting requests, from which a client that left is removed, and the ring of ready workers.
 */
export class Fifo<T extends FifoEntry> {
  #head: FifoEntry | undefined;
  #tail: FifoEntry | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The oldest entry, still in the queue. */
  get first(): T | undefined {
    return this.#head as T | undefined;
  }

  /** Appends. Throws when the entry is in a list already: that would corrupt both. */
  push(entry: T): void {
    this.#claim(entry);
    entry.fifoPrevious = this.#tail;
    entry.fifoNext = undefined;
    if (this.#tail === undefined) this.#head = entry;
    else this.#tail.fifoNext = entry;
    this.#tail = entry;
  }

  /** Puts an entry before all others: a request that is given back keeps its place in line. */
  unshift(entry: T): void {
    this.#claim(entry);
    entry.fifoNext = this.#head;
    entry.fifoPrevious = undefined;
    if (this.#head === undefined) this.#tail = entry;
    else this.#head.fifoPrevious = entry;
    this.#head = entry;
  }

  /** Takes the oldest entry. */
  shift(): T | undefined {
    const entry = this.#head as T | undefined;
    if (entry !== undefined) this.remove(entry);
    return entry;
  }

  /** Takes an entry out, wherever it is. False when it is not in this list. */
  remove(entry: T): boolean {
    if (entry.fifoOwner !== this) return false;
    const { fifoNext: next, fifoPrevious: previous } = entry;
    if (previous === undefined) this.#head = next;
    else previous.fifoNext = next;
    if (next === undefined) this.#tail = previous;
    else next.fifoPrevious = previous;
    entry.fifoNext = undefined;
    entry.fifoPrevious = undefined;
    entry.fifoOwner = undefined;
    this.#size--;
    return true;
  }

  *[Symbol.iterator](): Generator<T> {
    let entry = this.#head;
    while (entry !== undefined) {
      const next: FifoEntry | undefined = entry.fifoNext;
      yield entry as T;
      entry = next;
    }
  }

  #claim(entry: T): void {
    if (entry.fifoOwner !== undefined) throw new Error('entry is queued already');
    entry.fifoOwner = this;
    this.#size++;
  }
}
