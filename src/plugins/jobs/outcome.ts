// What becomes of a job after its run: the rules by which it is done, tried again, or a dead letter.

import type { Logger } from '../../core/logger.ts';
import { retryDelay } from './back-off.ts';
import type { PipelineConfig } from './config.ts';
import type { PipelineCounts, PipelineTimes } from './counts.ts';
import { deadLetter, LONGEST_ERROR } from './dead-letter.ts';
import type { Delivery, NewJob } from './driver.ts';
import type { FollowUps } from './follow-ups.ts';
import type { ChainLink, Job, JobEnd } from './job.ts';
import type { JobRun, RunResult } from './job-run.ts';

/** The pipeline whose jobs they are. */
export interface OutcomePipeline {
  readonly pipeline: string;
  readonly config: PipelineConfig;
  readonly counts: PipelineCounts;
  readonly times: PipelineTimes;
}

/** What the rules need of their surroundings. */
export interface OutcomeContext {
  readonly logger: Logger;
  /** Of all pipelines. */
  readonly followUps: FollowUps;
  readonly now: () => number;
}

/** The rules of one pipeline. Each delivery that comes here is settled, once. */
export class Outcome {
  readonly #pipeline: OutcomePipeline;
  readonly #context: OutcomeContext;
  readonly #store: (job: NewJob) => Promise<void>;

  /** @param store - puts a job that was acknowledged before its run into its queue again. */
  constructor(pipeline: OutcomePipeline, context: OutcomeContext, store: (job: NewJob) => Promise<void>) {
    this.#pipeline = pipeline;
    this.#context = context;
    this.#store = store;
  }

  /** A run of one of its jobs has ended. */
  delivered(run: JobRun, delivery: Delivery, result: RunResult): void {
    const { job } = run;
    if (result.kind !== 'not_run') this.#measure(run);
    switch (result.kind) {
      case 'done':
        this.#pipeline.counts.done++;
        this.end(job, delivery, { result: 'done' });
        return;
      case 'not_run':
        // It is the server's matter, not the job's: the attempt does not count.
        this.#again(job, delivery, job, 0);
        return;
      case 'requeue':
        this.#pipeline.counts.requeued++;
        this.#again(job, delivery, { ...job, headers: { ...job.headers, ...result.headers } }, result.delayMs);
        return;
      case 'failed':
        this.#pipeline.counts.failed++;
        this.#failed(run, delivery, result);
    }
  }

  /** It is not run again. What follows it is stored first. */
  end(job: Job, delivery: Delivery, end: JobEnd): void {
    const to = end.result === 'dead' ? this.#pipeline.config.deadLetter : job.options.chain?.[0]?.pipeline;
    if (to === undefined) {
      if (end.result === 'dead' && job.options.ended !== undefined) {
        const facts = { job: job.id, name: job.name, pipeline: this.#pipeline.pipeline, error: end.error };
        this.#context.logger.error(facts, 'a dead job is dropped: its pipeline has no dead_letter any more');
      }
      if (job.options.autoAck !== true) delivery.ack();
      return;
    }
    const now = this.#context.now();
    const next =
      end.result === 'dead'
        ? { job: deadLetter(job, this.#pipeline.pipeline, end.error, end.at), delayMs: 0 }
        : nextOfChain(job.options.chain ?? [], now);
    this.#context.followUps.follow({ job, delivery, end, pipeline: to, next });
  }

  #measure({ job, startedAt }: JobRun): void {
    const ms = performance.now() - startedAt;
    this.#pipeline.times.run.observe(ms / 1000);
    if (job.attempt === 1)
      this.#pipeline.times.wait.observe(Math.max(0, this.#context.now() - ms - job.pushedAt) / 1000);
  }

  #failed(run: JobRun, delivery: Delivery, failure: Extract<RunResult, { kind: 'failed' }>): void {
    const { maxAttempts } = run;
    const job = { ...run.job, headers: { ...run.job.headers, ...failure.headers } };
    const facts = { job: job.id, name: job.name, pipeline: this.#pipeline.pipeline, attempt: job.attempt, maxAttempts };
    if (job.options.autoAck === true) {
      this.#context.logger.error(
        { ...facts, error: failure.message },
        'a job failed that was acknowledged before its run: it is lost',
      );
      return;
    }
    if (failure.retry && job.attempt < maxAttempts) {
      const delayMs = failure.delayMs ?? retryDelay(this.#pipeline.config.retry, job.attempt);
      this.#context.logger.warn({ ...facts, error: failure.message, delayMs }, 'a job failed and is tried again');
      delivery.release({ ...job, attempt: job.attempt + 1 }, delayMs);
      return;
    }
    this.#pipeline.counts.dead++;
    const to = this.#pipeline.config.deadLetter;
    const end = to === undefined ? 'is dropped: its pipeline has no dead_letter' : `goes to the pipeline ${to}`;
    this.#context.logger.error({ ...facts, error: failure.message }, `a job failed for the last time and ${end}`);
    this.end(job, delivery, {
      result: 'dead',
      error: failure.message.slice(0, LONGEST_ERROR),
      at: this.#context.now(),
    });
  }

  #again(job: Job, delivery: Delivery, next: Job, delayMs: number): void {
    if (job.options.autoAck !== true) delivery.release(next, delayMs);
    else this.#context.followUps.again(job, this.#pipeline.pipeline, () => this.#store({ job: next, delayMs }));
  }
}

function nextOfChain([link, ...rest]: readonly ChainLink[], now: number): NewJob {
  const { id, name, payload, headers, priority, delayMs, options: own } = link as ChainLink;
  const options = rest.length === 0 ? own : { ...own, chain: rest };
  return { job: { id, name, payload, headers, priority, attempt: 1, pushedAt: now, options }, delayMs };
}
