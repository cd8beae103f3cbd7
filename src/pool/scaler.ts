// More workers while requests wait, and fewer again when there is nothing for them to do.

import type { Dispatcher } from './dispatcher.ts';
import type { Limits } from './limits.ts';
import type { Roster } from './roster.ts';

/** What {@link Scaler} needs of the crew. */
export interface ScalerOwner {
  /** Workers the pool wants to have, those for the rush included. */
  readonly target: number;
  /** How many of them are for the rush. */
  readonly extra: number;
  /** Boots that failed in a row. */
  readonly bootFailures: number;
  /** Wants one more for the rush. */
  grow(): void;
  /** Wants one of those less. */
  shrink(): void;
}

/**
 * Looks at the queue at every tick. It grows by one worker at a time, and only when the last one serves, so that a rush costs no
 * storm of boots; RoadRunner waits until a request has failed, then starts several at once, and ends all of them together.
 */
export class Scaler {
  readonly #roster: Roster;
  readonly #dispatcher: Dispatcher;
  readonly #limits: Limits;
  readonly #owner: ScalerOwner;
  #lastStep = Number.NEGATIVE_INFINITY;
  /** When all workers were busy last. */
  #lastRush = 0;

  constructor(roster: Roster, dispatcher: Dispatcher, limits: Limits, owner: ScalerOwner) {
    this.#roster = roster;
    this.#dispatcher = dispatcher;
    this.#limits = limits;
    this.#owner = owner;
  }

  /** @param now - `performance.now()`. */
  tick(now: number): void {
    const { maxWorkers, spawnRate, idleTimeout } = this.#limits;
    const { target, extra } = this.#owner;
    if (extra === 0 && maxWorkers <= target) return;
    if (this.#roster.counts().ready === 0) this.#lastRush = now;
    if (now - this.#lastStep < 1000 / spawnRate) return;
    if (target < maxWorkers && this.#isWanted(now)) {
      this.#lastStep = now;
      this.#owner.grow();
    } else if (extra > 0 && (target > maxWorkers || now - this.#lastRush > idleTimeout)) {
      this.#lastStep = now;
      this.#owner.shrink();
    }
  }

  #isWanted(now: number): boolean {
    if (this.#dispatcher.longestWait(now) < this.#limits.queueTime) return false;
    // The one that was asked for last still boots, or cannot.
    return this.#owner.bootFailures === 0 && this.#roster.serving() >= this.#owner.target;
  }
}
