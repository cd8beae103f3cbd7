// What follows a job that has ended, and must be stored before anybody forgets that job: the next of its chain, its dead letter, the job itself once more.

import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Delivery, NewJob, PushResult } from './driver.ts';
import type { Job, JobEnd } from './job.ts';
import { UnderWay } from './under-way.ts';

/** What cannot be stored is tried again after so long: its queue may have room then, or its store be back. Until then the job waits in its own queue. */
const STORE_RETRY_MS = 5000;
/** A job that nothing but memory holds is tried for so long: a broker may be away for a minute. */
const AGAIN_MS = 120_000;

/** What a job is followed by. */
export interface FollowUp {
  /** The job that has ended, and its delivery, which is settled here. */
  readonly job: Job;
  readonly delivery: Delivery;
  readonly end: JobEnd;
  /** Where it goes. */
  readonly pipeline: string;
  readonly next: NewJob;
}

/** The follow-ups of all pipelines: none of their queues may be closed while there are any, neither where they go nor where they come from. */
export class FollowUps {
  readonly #logger: Logger;
  readonly #push: (pipeline: string, jobs: readonly NewJob[]) => Promise<readonly PushResult[]>;
  /** Dead letters on their way back are among them. */
  readonly underWay = new UnderWay();
  /** What waits to be tried again. */
  readonly #pauses = new Set<() => void>();
  #closing = false;

  /** @param push - to a pipeline, by its name. */
  constructor(logger: Logger, push: (pipeline: string, jobs: readonly NewJob[]) => Promise<readonly PushResult[]>) {
    this.#logger = logger;
    this.#push = push;
  }

  /** Pushes what comes after a job and only then ends the job: a crash in between runs it again, and never forgets what comes after. */
  follow(followUp: FollowUp): void {
    void this.underWay.run(() => this.#follow(followUp));
  }

  /** A job that was acknowledged before its run, and shall run again after all. `store` puts it into its queue; it is tried for two minutes. */
  again(job: Job, pipeline: string, store: () => Promise<unknown>): void {
    void this.underWay.run(() => this.#again(job, pipeline, store));
  }

  /** The queues are going to be closed: what waits to be tried again is tried once more, now. */
  hurry(): void {
    this.#closing = true;
    for (const end of [...this.#pauses]) end();
  }

  async #again(job: Job, pipeline: string, store: () => Promise<unknown>): Promise<void> {
    const end = performance.now() + AGAIN_MS;
    for (;;) {
      const last = this.#closing || performance.now() >= end;
      try {
        await store();
        return;
      } catch (thrown) {
        if (last) {
          this.#logger.error(
            { job: job.id, pipeline, error: messageOf(thrown) },
            'a job that was acknowledged before its run cannot be stored again: it is lost',
          );
          return;
        }
      }
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    if (this.#closing) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, STORE_RETRY_MS);
      this.#pauses.add(end);
    });
  }

  async #follow({ job, delivery, end, pipeline, next }: FollowUp): Promise<void> {
    const gone = job.options.autoAck === true;
    try {
      await this.#push(pipeline, [next]);
      if (!gone) delivery.ack();
    } catch (thrown) {
      // It is said once, and not every few seconds for each of many jobs.
      const level = job.options.ended === undefined ? 'error' : 'debug';
      const what = end.result === 'dead' ? `the dead job ${job.id}` : `what follows the job ${job.id}`;
      const then = gone ? 'it is lost' : 'it is kept, and that is tried again';
      this.#logger[level](
        { job: job.id, pipeline, error: messageOf(thrown) },
        `${what} cannot be stored in the pipeline ${pipeline}: ${then}`,
      );
      if (!gone) delivery.release({ ...job, options: { ...job.options, ended: end } }, STORE_RETRY_MS);
    }
  }
}
