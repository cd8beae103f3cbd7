// Requests that wait for a worker: bounded in number and in time.

import { Fifo } from '../core/fifo.ts';
import type { PoolRequest } from './request.ts';

/** First in, first out; a request that is given back goes to the head. All times are `performance.now()` milliseconds. */
export class WaitQueue {
  readonly #waiting = new Fifo<PoolRequest>();
  readonly #limit: number;
  readonly #timeout: number;

  /** @param limit - most requests that may wait, 0 for no limit. @param timeout - longest wait in milliseconds, 0 for no limit. */
  constructor(limit: number, timeout: number) {
    this.#limit = limit;
    this.#timeout = timeout;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Appends; false when the queue is full. */
  push(request: PoolRequest): boolean {
    if (this.#limit > 0 && this.#waiting.size >= this.#limit) return false;
    this.#waiting.push(request);
    return true;
  }

  /** Gives back a request that a worker did not handle. Ignores the limit: it had a place already. */
  giveBack(request: PoolRequest): void {
    this.#waiting.unshift(request);
  }

  /** The next one; it stays. */
  get first(): PoolRequest | undefined {
    return this.#waiting.first;
  }

  /** Takes the next one. */
  shift(): PoolRequest | undefined {
    return this.#waiting.shift();
  }

  /** Takes out a request whose client left. */
  remove(request: PoolRequest): boolean {
    return this.#waiting.remove(request);
  }

  /** Takes the next one that has waited too long. The oldest stands first, because all have the same limit. */
  shiftExpired(now: number): PoolRequest | undefined {
    const first = this.#waiting.first;
    if (first === undefined || this.#timeout === 0 || now - first.queuedAt < this.#timeout) return undefined;
    return this.#waiting.shift();
  }
}
