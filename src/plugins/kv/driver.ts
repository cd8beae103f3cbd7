// The contract of a storage driver. The service checks and translates; a driver stores.

import type { Logger } from '../../core/logger.ts';

/** A value under a key. */
export interface Entry {
  /** Never empty. */
  readonly key: string;
  /** Belongs to nobody else: a driver may keep it. */
  readonly value: Buffer;
  /** Milliseconds since 1970 at which it ends; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** When a key ends. */
export interface Expiry {
  readonly key: string;
  readonly expiresAt: number | undefined;
}

/** A key and its value. */
export type Found = Pick<Entry, 'key' | 'value'>;

/**
 * One storage. What is past its end does not exist, whether it was removed already or not. A method settles when its effect is there for
 * all that come after; each method is one step for the others, except that `set` of several keys may be seen half done.
 * Every method rejects with an RrtsError ERR_STORE when the store does not answer.
 */
export interface Driver {
  /** Opens the store. Rejects with an RrtsError that says what to do; then nothing is left open. */
  start(): Promise<void>;
  /** Those of the keys that exist. */
  has(keys: readonly string[]): Promise<string[]>;
  /** Those that exist, with their values. */
  get(keys: readonly string[]): Promise<Found[]>;
  /** Those that exist, with their ends. */
  expiries(keys: readonly string[]): Promise<Expiry[]>;
  /** Stores; an end in the past removes the key. */
  set(entries: readonly Entry[]): Promise<void>;
  /** Gives keys that exist a new end and leaves their values alone; an end in the past removes the key. */
  expire(expiries: readonly (Expiry & { readonly expiresAt: number })[]): Promise<void>;
  /** Removes keys; those that do not exist are no error. */
  delete(keys: readonly string[]): Promise<void>;
  /** Removes every key of this storage. */
  clear(): Promise<void>;
  /** Ends timers, connections and files. Methods must not be called any more. */
  stop(): Promise<void>;
}

/** What every driver is given. */
export interface DriverContext {
  /** Name of the storage. */
  readonly storage: string;
  readonly logger: Logger;
  /** Relative paths start here. */
  readonly directory: string;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}
