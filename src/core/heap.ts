// A binary heap: the least entry first, in O(log n).

/** Least first, by `before`, which must be a strict order: entries of which neither is before the other come out in any order. */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;
  #entries: T[] = [];

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The least one; it stays. */
  get first(): T | undefined {
    return this.#entries[0];
  }

  /** How many entries `wanted` is true for. */
  count(wanted: (entry: T) => boolean): number {
    let count = 0;
    for (const entry of this.#entries) if (wanted(entry)) count++;
    return count;
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(entry, entries[parent] as T)) break;
      entries[at] = entries[parent] as T;
      at = parent;
    }
    entries[at] = entry;
  }

  /** Takes the least one. */
  shift(): T | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last !== undefined && entries.length > 0) this.#sink(last);
    return first;
  }

  /** Takes out all that `unwanted` is true for, in no order. */
  removeAll(unwanted: (entry: T) => boolean): T[] {
    const removed: T[] = [];
    const kept: T[] = [];
    for (const entry of this.#entries) (unwanted(entry) ? removed : kept).push(entry);
    if (removed.length === 0) return removed;
    this.#entries = [];
    for (const entry of kept) this.push(entry);
    return removed;
  }

  /** Puts an entry in at the top and lets it sink to its place. */
  #sink(entry: T): void {
    const entries = this.#entries;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && this.#before(entries[child + 1] as T, entries[child] as T)) child++;
      if (!this.#before(entries[child] as T, entry)) break;
      entries[at] = entries[child] as T;
      at = child;
    }
    entries[at] = entry;
  }
}
