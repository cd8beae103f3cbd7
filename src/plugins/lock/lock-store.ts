// The contract of a store of locks: many readers or one writer of a resource, each for a time.

/** Shared: with other readers. Exclusive: alone. */
export type Mode = 'shared' | 'exclusive';

/** Somebody wants a lock. */
export interface LockRequest {
  readonly resource: string;
  /** Who it is. A lock is not reentrant: a writer that asks again waits for itself. */
  readonly id: string;
  readonly mode: Mode;
  /** Milliseconds after which the lock ends by itself. */
  readonly ttlMs: number;
  /** Milliseconds to wait for it. */
  readonly waitMs: number;
  /** Asked for when there is something to wait for; when it aborts the caller is gone, and must not get the lock any more. */
  readonly signal: () => AbortSignal;
}

/**
 * Who holds what. The sole reader of a resource becomes its writer by asking for it; a reader that asks to read again keeps the lock with the new
 * ttl. A lock ends by its ttl or by its release, whatever becomes of its holder.
 * Methods reject with an RrtsError ERR_STORE when the store does not answer.
 */
export interface LockStore {
  /** Rejects with an RrtsError that says what to do. */
  start(): Promise<void>;
  /** True once the lock is held; false when the time to wait is over or the caller is gone. */
  acquire(request: LockRequest): Promise<boolean>;
  /** False when this id holds nothing there. */
  release(resource: string, id: string): Promise<boolean>;
  /** Takes the resource from whoever holds it. False when nobody does. */
  forceRelease(resource: string): Promise<boolean>;
  /** Whether this id holds the resource; `*`: whether anybody does. */
  exists(resource: string, id: string): Promise<boolean>;
  /** The lock ends `ttlMs` from now. False when this id holds nothing there. */
  updateTtl(resource: string, id: string, ttlMs: number): Promise<boolean>;
  /** Requests that wait now. */
  readonly waiting: number;
  /** Those that wait get false. Ends timers and connections. */
  stop(): Promise<void>;
}

/** As `id` of {@link LockStore.exists}. */
export const ANYBODY = '*';
