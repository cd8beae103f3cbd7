// Requests that wait for a worker: bounded in number and in time.

import { Fifo } from '../core/fifo.ts';
import type { PoolRequest } from './request.ts';

/** The limits of a queue. They are read at each step, so they may change. */
export interface QueueLimits {
  /** Most requests that may wait; 0 for no limit. */
  readonly maxQueueSize: number;
  /** Longest wait in milliseconds; 0 for no limit. */
  readonly queueTimeout: number;
}

/** First in, first out; a request that is given back goes to the head. All times are `performance.now()` milliseconds. */
export class WaitQueue {
  readonly #waiting = new Fifo<PoolRequest>();
  readonly #limits: QueueLimits;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Appends; false when the queue is full. */
  push(request: PoolRequest): boolean {
    const { maxQueueSize } = this.#limits;
    if (maxQueueSize > 0 && this.#waiting.size >= maxQueueSize) return false;
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

  /** Takes the next one that has waited too long. One that is replayed stands first and may have waited less than those behind. */
  shiftExpired(now: number): PoolRequest | undefined {
    const { queueTimeout } = this.#limits;
    if (queueTimeout === 0) return undefined;
    for (const request of this.#waiting) {
      if (now - request.queuedAt < queueTimeout) continue;
      this.#waiting.remove(request);
      return request;
    }
    return undefined;
  }
}
