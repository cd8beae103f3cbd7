// A storage in the memory of this process: bounded, gone at a restart.

import { RrtsError } from '../../../core/errors.ts';
import { formatDuration } from '../../../core/scalars.ts';
import type { Driver, DriverContext, Entry, Expiry, Found } from '../driver.ts';

/** Limits of a memory storage. */
export interface MemoryOptions {
  /** Milliseconds between two searches for what has ended. */
  readonly intervalMs: number;
  /** 0: no limit. */
  readonly maxEntries: number;
  /** Bytes of keys and values, with an allowance for what an entry costs besides. */
  readonly maxMemory: number;
}

interface Stored {
  readonly value: Buffer;
  expiresAt: number | undefined;
}

/** What an entry takes besides key and value, roughly: map slot, object, buffer. */
const ENTRY_BYTES = 200;
/** Entries that are looked at in one go, so that requests are served in between. */
const SLICE = 5000;

/** Makes room by dropping what was not used for the longest time. */
export class MemoryDriver implements Driver {
  readonly #options: MemoryOptions;
  readonly #context: DriverContext;
  /** Least recently used first. */
  readonly #entries = new Map<string, Stored>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #slice: NodeJS.Immediate | undefined;
  /** Entries that had to go since the last search, for one log line. */
  #dropped = 0;

  constructor(options: MemoryOptions, context: DriverContext) {
    this.#options = options;
    this.#context = context;
  }

  /** Entries that are held, ended ones included, and their bytes. */
  get usage(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#sweep(), this.#options.intervalMs);
    this.#timer.unref();
  }

  async has(keys: readonly string[]): Promise<string[]> {
    return keys.filter((key) => this.#find(key) !== undefined);
  }

  async get(keys: readonly string[]): Promise<Found[]> {
    return keys.flatMap((key) => {
      const stored = this.#find(key);
      if (stored === undefined) return [];
      this.#entries.delete(key);
      this.#entries.set(key, stored);
      return [{ key, value: stored.value }];
    });
  }

  async expiries(keys: readonly string[]): Promise<Expiry[]> {
    return keys.flatMap((key) => {
      const stored = this.#find(key);
      return stored === undefined ? [] : [{ key, expiresAt: stored.expiresAt }];
    });
  }

  async set(entries: readonly Entry[]): Promise<void> {
    const tooLarge = entries.find((entry) => cost(entry.key, entry.value) > this.#options.maxMemory);
    if (tooLarge !== undefined) throw this.#tooLarge(tooLarge);
    for (const { key, value, expiresAt } of entries) {
      this.#remove(key);
      if (this.#isPast(expiresAt)) continue;
      this.#entries.set(key, { value: ownCopy(value), expiresAt });
      this.#bytes += cost(key, value);
    }
    this.#makeRoom();
  }

  async expire(expiries: readonly (Expiry & { readonly expiresAt: number })[]): Promise<void> {
    for (const { key, expiresAt } of expiries) {
      const stored = this.#find(key);
      if (stored === undefined) continue;
      if (this.#isPast(expiresAt)) this.#remove(key);
      else stored.expiresAt = expiresAt;
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#remove(key);
  }

  async clear(): Promise<void> {
    this.#entries.clear();
    this.#bytes = 0;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearImmediate(this.#slice);
    await this.clear();
  }

  #find(key: string): Stored | undefined {
    const stored = this.#entries.get(key);
    if (stored === undefined || !this.#isPast(stored.expiresAt)) return stored;
    this.#remove(key);
    return undefined;
  }

  #remove(key: string): void {
    const stored = this.#entries.get(key);
    if (stored === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= cost(key, stored.value);
  }

  #isPast(expiresAt: number | undefined): boolean {
    return expiresAt !== undefined && expiresAt <= this.#context.now();
  }

  #makeRoom(): void {
    const { maxEntries, maxMemory } = this.#options;
    for (const key of this.#entries.keys()) {
      if (this.#bytes <= maxMemory && (maxEntries === 0 || this.#entries.size <= maxEntries)) return;
      this.#remove(key);
      this.#dropped++;
    }
  }

  #sweep(): void {
    this.#reportDropped();
    if (this.#slice !== undefined) return;
    const keys = this.#entries.keys();
    // An entry that is read goes to the end and would be met again: no search is longer than the map was at its begin.
    let left = this.#entries.size;
    const next = (): void => {
      this.#slice = undefined;
      for (let count = 0; count < SLICE; count++) {
        const { done, value: key } = keys.next();
        if (done === true || left-- === 0) return;
        this.#find(key);
      }
      this.#slice = setImmediate(next);
    };
    next();
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const { storage, logger } = this.#context;
    const text = `kv storage ${storage} is full: ${this.#dropped} entries were dropped within ${formatDuration(this.#options.intervalMs)}`;
    logger.warn({ storage, dropped: this.#dropped, ...this.usage }, `${text}; raise max_memory or max_entries`);
    this.#dropped = 0;
  }

  #tooLarge({ key, value }: Entry): RrtsError {
    const text = `a value of ${value.length} bytes is larger than the whole storage ${this.#context.storage} may be`;
    return new RrtsError('ERR_STORE', `${text} (max_memory, ${this.#options.maxMemory} bytes)`, { facts: { key } });
  }
}

function cost(key: string, value: Buffer): number {
  return ENTRY_BYTES + 2 * key.length + value.length;
}

/** A small Buffer is a part of a larger one, and would keep all of that. */
function ownCopy(value: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(value.length);
  value.copy(copy);
  return copy;
}
