// Takes dead letters back to where they failed.

import { revived } from './dead-letter.ts';
import type { Delivery } from './driver.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pipelines } from './pipelines.ts';

/** A queue that hands over nothing for so long has nothing more. */
const IDLE_MS = 500;

/**
 * Pushes up to `limit` jobs of a dead-letter pipeline back to the pipelines where they failed, and gives their number. Jobs that are no dead
 * letters stay. A job is acknowledged after its push: one that was under way at a crash is in both. `signal` ends it early.
 * @throws RrtsError ERR_JOBS_INVALID for a pipeline that is consumed, ERR_JOBS_PIPELINE, ERR_JOBS_STORE.
 */
export async function retryDead(
  pipelines: Pipelines,
  name: string,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  const dead = pipelines.get(name);
  const back = new DeadLetterReader(pipelines, dead, limit);
  return await back.run(signal);
}

class DeadLetterReader {
  readonly #pipelines: Pipelines;
  readonly #dead: Pipeline;
  readonly #limit: number;
  readonly #kept: Delivery[] = [];
  readonly #begunAt = Date.now();
  #seen = 0;
  #count = 0;
  #pending = 0;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(pipelines: Pipelines, dead: Pipeline, limit: number) {
    this.#pipelines = pipelines;
    this.#dead = dead;
    this.#limit = limit;
  }

  async run(signal: AbortSignal): Promise<number> {
    const end = this.#dead.borrow((delivery) => void this.#take(delivery));
    try {
      while (!signal.aborted && this.#failure === undefined && (await this.#somethingHappens())) {
        if (this.#seen >= this.#limit && this.#pending === 0) break;
      }
    } finally {
      end();
      for (const delivery of this.#kept) delivery.release(delivery.job, 0);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#count;
  }

  async #take(delivery: Delivery): Promise<void> {
    const dead = revived(delivery.job);
    // One that has failed again already is for the next call, or this one would never end.
    if (
      dead === undefined ||
      dead.failedAt >= this.#begunAt ||
      this.#seen >= this.#limit ||
      this.#failure !== undefined
    ) {
      this.#kept.push(delivery);
      return;
    }
    this.#seen++;
    this.#pending++;
    try {
      await this.#pipelines.get(dead.pipeline).push([{ job: dead.job, delayMs: 0 }]);
      delivery.ack();
      this.#count++;
    } catch (thrown) {
      this.#failure ??= thrown;
      this.#kept.push(delivery);
    } finally {
      this.#pending--;
      this.#wake?.();
    }
  }

  /** False when nothing has come for a while and nothing is under way. */
  #somethingHappens(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(this.#pending > 0), IDLE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
