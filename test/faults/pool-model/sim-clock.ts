// Simulated time: timers fire one by one, and what each of them sets in motion settles before the next.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, install } from '@sinonjs/fake-timers';

/** Wall clock at the start of a sequence. */
const START = Date.UTC(2026, 0, 1);

/** `performance.now()` at the start of a sequence; not 0, which means "never" in places. */
const AWAKE_MS = 1000;

/** Replaces the timers of this process. Immediates, ticks and promises stay real: they end a turn, they take no time. */
export class SimClock {
  readonly #clock: Clock;

  constructor() {
    this.#clock = install({
      now: START,
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    });
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#clock.countTimers();
  }

  /** Forgets all timers and starts time anew. */
  restart(): void {
    this.#clock.reset();
    this.#clock.tick(AWAKE_MS);
  }

  /** Lets streams, promises and immediates run until nothing is left to do at this moment. */
  async settle(): Promise<void> {
    await nextTurn();
    await nextTurn();
  }

  /** Lets so many milliseconds pass. */
  async advance(ms: number): Promise<void> {
    let reached = false;
    setTimeout(() => {
      reached = true;
    }, ms);
    while (!reached) {
      this.#clock.next();
      await this.settle();
    }
  }

  /** Lets time pass until `reached` is true, looking every `step` ms; false when it is not after `limit` ms. */
  async advanceUntil(reached: () => boolean, step: number, limit: number): Promise<boolean> {
    await this.settle();
    for (let passed = 0; !reached(); passed += step) {
      if (passed >= limit) return false;
      await this.advance(step);
    }
    return true;
  }

  /** Gives the timers back. */
  uninstall(): void {
    this.#clock.uninstall();
  }
}
