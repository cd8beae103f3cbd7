// Refuses new requests while those that are there hold more memory than the process shall use.

import type { HttpConfig } from './config.ts';
import type { HttpMetrics } from './metrics.ts';
import type { IdleConnection } from './services.ts';

/** Reading the memory costs some ten microseconds, so it is not done for each request. */
const LOOK_EVERY_MS = 100;

/** What the guard looks at. */
export interface GuardedFront {
  readonly config: Pick<HttpConfig, 'limits'>;
  readonly metrics: Pick<HttpMetrics, 'inFlight'>;
  readonly connections: ReadonlySet<Pick<IdleConnection, 'unsentBytes'>>;
}

/**
 * Says when `http.limits.memory` is used up. It counts what JavaScript holds, buffers included, not the resident set: memory that
 * was freed may stay with the process for long, and would keep everybody out for nothing.
 */
export class MemoryGuard {
  readonly #used: () => number;
  readonly #now: () => number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #full = false;

  /** @param used - bytes in use. @param now - a clock in milliseconds. */
  constructor(used: () => number = memoryInUse, now: () => number = () => performance.now()) {
    this.#used = used;
    this.#now = now;
  }

  /**
   * True when no request may be added to those that `front` has. While nothing runs and nothing is being sent there is nothing to
   * wait for: what still counts then is garbage, and only further work brings its collection.
   */
  isFull(front: GuardedFront): boolean {
    const limit = front.config.limits.memory;
    if (limit === 0) return false;
    const now = this.#now();
    if (now - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = now;
      this.#full = this.#used() > limit && isBusy(front);
    }
    return this.#full;
  }
}

function isBusy({ metrics, connections }: GuardedFront): boolean {
  if (metrics.inFlight > 0) return true;
  for (const connection of connections) if (connection.unsentBytes > 0) return true;
  return false;
}

function memoryInUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
