// Takes dead letters back to where they failed.

import { revived } from './dead-letter.ts';
import type { Delivery } from './driver.ts';
import type { Borrower, Pipeline } from './pipeline.ts';
import type { Pipelines } from './pipelines.ts';

/** A queue that hands over nothing for so long is asked whether it has something. */
const IDLE_MS = 500;
/** One that says so, and hands over nothing for so long, does not hand over what it has: it is another server's, or unreadable. */
const LONGEST_IDLE_MS = 10_000;

/**
 * Pushes up to `limit` jobs of a dead-letter pipeline back to the pipelines where they failed, and gives their number. Jobs that are no dead
 * letters stay, and those whose unique key another job has meanwhile. A job is acknowledged after its push: one that was under way at a crash is in both.
 * `signal`, and the end of the pipeline, end it early.
 * @throws RrtsError ERR_JOBS_INVALID for a pipeline that is consumed, ERR_JOBS_PIPELINE, ERR_JOBS_STORE.
 */
export function retryDead(pipelines: Pipelines, name: string, limit: number, signal: AbortSignal): Promise<number> {
  const dead = pipelines.get(name);
  const back = new DeadLetterReader(pipelines, dead, limit);
  return pipelines.followUps.underWay.run(() => back.run(signal));
}

class DeadLetterReader implements Borrower {
  readonly #pipelines: Pipelines;
  readonly #dead: Pipeline;
  readonly #limit: number;
  readonly #kept: Delivery[] = [];
  readonly #begunAt = Date.now();
  #seen = 0;
  #count = 0;
  #pending = 0;
  #failure: unknown;
  #ended = false;
  #lastAt = performance.now();
  #wake: (() => void) | undefined;

  constructor(pipelines: Pipelines, dead: Pipeline, limit: number) {
    this.#pipelines = pipelines;
    this.#dead = dead;
    this.#limit = limit;
  }

  async run(signal: AbortSignal): Promise<number> {
    const cut = (): void => this.cut();
    const giveBack = this.#dead.borrow(this);
    signal.addEventListener('abort', cut);
    if (signal.aborted) cut();
    try {
      while (!this.#ended && (await this.#mayHaveMore())) await this.#somethingHappens();
    } finally {
      signal.removeEventListener('abort', cut);
      giveBack();
      // Each of them ends: a push has a bound.
      while (this.#pending > 0) await this.#somethingHappens();
      for (const delivery of this.#kept) delivery.release(delivery.job, 0);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#count;
  }

  take(delivery: Delivery): void {
    this.#lastAt = performance.now();
    const dead = revived(delivery.job);
    // One that has failed again already is for the next call, or this one would never end.
    if (dead === undefined || dead.failedAt >= this.#begunAt || this.#ended) this.#kept.push(delivery);
    else void this.#push(delivery, dead);
  }

  cut(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async #push(delivery: Delivery, { pipeline, job }: NonNullable<ReturnType<typeof revived>>): Promise<void> {
    this.#pending++;
    if (++this.#seen >= this.#limit) this.#ended = true;
    try {
      const [result] = await this.#pipelines.get(pipeline).take([{ job, delayMs: 0 }]);
      if (result === 'stored') {
        delivery.ack();
        this.#count++;
      } else this.#kept.push(delivery);
    } catch (thrown) {
      this.#failure ??= thrown;
      this.#kept.push(delivery);
      this.#ended = true;
    } finally {
      this.#pending--;
      this.#lastAt = performance.now();
      this.#wake?.();
    }
  }

  /** A queue that is slow to begin, or far away, is not an empty one. */
  async #mayHaveMore(): Promise<boolean> {
    const idleMs = performance.now() - this.#lastAt;
    if (this.#pending > 0 || idleMs < IDLE_MS) return true;
    if (this.#kept.length > 0 || idleMs > LONGEST_IDLE_MS) return false;
    return (await this.#dead.stats()).waiting > 0;
  }

  /** Something has come or gone, or nothing has for a while. */
  #somethingHappens(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, IDLE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
