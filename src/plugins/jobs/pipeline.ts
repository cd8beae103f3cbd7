// One pipeline: its queue, who is handed its jobs, and its end.

import { RrtsError } from '../../core/errors.ts';
import { commonSettings, type PipelineConfig } from './config.ts';
import { noCounts, type PipelineCounts, PipelineTimes } from './counts.ts';
import type { Delivery, Driver, DriverStats, DriverType, NewJob, PushResult } from './driver.ts';
import type { DeliveryOwner, JobRun, RunResult } from './job-run.ts';
import { Outcome, type OutcomeContext } from './outcome.ts';
import type { Runner } from './runner.ts';
import { UnderWay } from './under-way.ts';

/** Longest wait for pushes under way before a queue is removed. */
const REMOVE_MS = 5000;

/** What a pipeline needs of its surroundings. */
export interface PipelineContext extends OutcomeContext {
  /** Undefined until the workers have booted. */
  runner(): Runner | undefined;
}

/** What makes a pipeline. */
export interface PipelineOptions {
  readonly name: string;
  readonly config: PipelineConfig;
  readonly type: DriverType;
  /** Started. */
  readonly driver: Driver;
  /** Whether it came by `jobs.Declare`, and may go by `jobs.Destroy`. */
  readonly declared: boolean;
}

/** Somebody who is handed the jobs of a pipeline instead of its workers. */
export interface Borrower {
  /** Settles it one day. */
  take(delivery: Delivery): void;
  /** The pipeline is being closed: it is to be given back soon. */
  cut(): void;
}

/** A pipeline whose driver has been started. */
export class Pipeline implements DeliveryOwner {
  readonly pipeline: string;
  readonly config: PipelineConfig;
  readonly driverName: string;
  readonly driver: string;
  readonly queue: string;
  /** Of jobs that are pushed without one. */
  readonly priority: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number | undefined;
  readonly declared: boolean;
  readonly counts: PipelineCounts = noCounts();
  readonly times = new PipelineTimes();
  readonly #driver: Driver;
  readonly #context: PipelineContext;
  readonly #outcome: Outcome;
  /** Pushes that its driver has not answered. */
  readonly #pushes = new UnderWay();
  #consuming = false;
  /** Nothing is handed over any more, for good. */
  #halted = false;
  #closed = false;
  #borrower: Borrower | undefined;

  constructor(options: PipelineOptions, context: PipelineContext) {
    const { name, config, type } = options;
    this.pipeline = name;
    this.config = config;
    this.driverName = type.name;
    this.driver = type.roadRunnerName ?? type.name;
    const { queue = name, priority } = commonSettings(config);
    this.queue = queue;
    this.priority = priority;
    this.maxAttempts = config.retry.maxAttempts;
    this.timeoutMs = config.timeout;
    this.declared = options.declared;
    this.#driver = options.driver;
    this.#context = context;
    this.#outcome = new Outcome(this, context, (job) => this.#keep(job));
  }

  /** Whether its jobs are run. */
  get consuming(): boolean {
    return this.#consuming;
  }

  /**
   * Stores jobs. @throws RrtsError ERR_JOBS_TOO_LARGE, ERR_JOBS_FULL, ERR_JOBS_STORE.
   */
  push(jobs: readonly NewJob[]): Promise<readonly PushResult[]> {
    return this.#count(jobs, true);
  }

  /** Stores jobs that are in rrts already, and come from another pipeline. @throws RrtsError ERR_JOBS_FULL, ERR_JOBS_STORE. */
  take(jobs: readonly NewJob[]): Promise<readonly PushResult[]> {
    return this.#count(jobs, false);
  }

  /** @throws RrtsError ERR_JOBS_TOO_LARGE */
  refuseLarge(payload: Buffer): void {
    const { maxPayload } = this.config;
    if (payload.length <= maxPayload) return;
    throw new RrtsError(
      'ERR_JOBS_TOO_LARGE',
      `the payload has ${payload.length} bytes, and the pipeline ${this.pipeline} takes ${maxPayload}`,
      {
        cure: 'Store the data elsewhere and push its name, or raise max_payload.',
      },
    );
  }

  /**
   * Hands its jobs to somebody instead of to workers, until the function that it gives is called.
   * @throws RrtsError ERR_JOBS_INVALID while its jobs are run, or somebody else has borrowed it; ERR_JOBS_STORE when it is closed.
   */
  borrow(borrower: Borrower): () => void {
    if (this.#halted) throw this.#gone();
    if (this.#consuming || this.#borrower !== undefined) {
      const message = `the jobs of ${this.pipeline} are being run, or taken back already: it cannot be read as a store of dead letters`;
      throw new RrtsError('ERR_JOBS_INVALID', message, { cure: 'Pause it first.' });
    }
    this.#borrower = borrower;
    this.#driver.resume();
    return () => {
      this.#borrower = undefined;
      if (!this.#consuming) this.#driver.pause();
    };
  }

  /** Its driver hands over a job. */
  deliver(delivery: Delivery): void {
    const runner = this.#context.runner();
    if (this.#borrower !== undefined) this.#borrower.take(delivery);
    else if (runner === undefined || !this.#consuming) delivery.release(delivery.job, 0);
    else if (delivery.job.options.ended !== undefined)
      this.#outcome.end(delivery.job, delivery, delivery.job.options.ended);
    else runner.offer(delivery, this);
  }

  /** Runs its jobs from now on. @throws RrtsError ERR_JOBS_INVALID before the workers have booted, and while dead letters are taken back. */
  resume(): void {
    if (this.#halted) throw this.#gone();
    if (this.#context.runner() === undefined) {
      throw new RrtsError(
        'ERR_JOBS_INVALID',
        `the pipeline ${this.pipeline} cannot be consumed yet: no worker has booted`,
      );
    }
    if (this.#borrower !== undefined)
      throw new RrtsError('ERR_JOBS_INVALID', `the dead letters of ${this.pipeline} are being taken back`);
    if (this.#consuming) return;
    this.#consuming = true;
    this.#driver.resume();
  }

  /** Runs no more of its jobs; those that run are let finish. */
  pause(): void {
    if (!this.#consuming) return;
    this.#consuming = false;
    this.#driver.pause();
    this.#context.runner()?.withdraw(this);
  }

  /** What is in it. Jobs that were taken from the queue ahead of time count as waiting; `reserved` are those that workers have. */
  async stats(): Promise<DriverStats> {
    const { waiting, delayed } = await this.#driver.stats();
    const ahead = this.#context.runner()?.waitingOf(this) ?? 0;
    return { waiting: waiting + ahead, delayed, reserved: this.runs.length };
  }

  /** Its jobs that workers have. */
  get runs(): readonly JobRun[] {
    const runner = this.#context.runner();
    // Not by the name: another one may have had it before, and a run without a queue may have any.
    return runner === undefined
      ? []
      : [...runner.running].filter(({ source }) => 'owner' in source && source.owner === this);
  }

  /** Nothing is handed over any more, to nobody. Pushes are taken. */
  halt(): void {
    this.#halted = true;
    this.pause();
    this.#borrower?.cut();
  }

  /** Takes nothing more. Settles when all that was pushed is stored or refused, after `ms` at most. False when it is not. */
  close(ms: number): Promise<boolean> {
    this.#closed = true;
    return this.#pushes.ended(ms);
  }

  /** Ends the driver. */
  stop(): Promise<void> {
    return this.#driver.stop();
  }

  /** Removes the queue with its jobs, and ends the driver, also when the queue cannot be removed. */
  async destroy(): Promise<void> {
    this.halt();
    // What others are about to store goes with the queue; refused in the middle, it would be an error of theirs.
    await this.close(REMOVE_MS);
    try {
      await this.#driver.destroy();
    } finally {
      await this.#driver.stop();
    }
  }

  delivered(run: JobRun, delivery: Delivery, result: RunResult): void {
    this.#outcome.delivered(run, delivery, result);
  }

  /** @param isNew - whether the limit of their size holds for them. */
  async #count(jobs: readonly NewJob[], isNew: boolean): Promise<readonly PushResult[]> {
    const stored = this.times.pushing(jobs.length);
    try {
      if (isNew) for (const { job } of jobs) this.refuseLarge(job.payload);
      const results = await this.#store(jobs);
      stored();
      for (const result of results) {
        if (result === 'stored') this.counts.pushed++;
        else this.counts.duplicates++;
      }
      return results;
    } catch (thrown) {
      this.counts.pushFailures += jobs.length;
      throw thrown;
    }
  }

  /** It goes with its queue, if that is removed meanwhile. */
  async #keep(job: NewJob): Promise<void> {
    if (!this.#closed) await this.#store([job]);
  }

  async #store(jobs: readonly NewJob[]): Promise<readonly PushResult[]> {
    if (this.#closed) throw this.#gone();
    return await this.#pushes.run(() => this.#driver.push(jobs));
  }

  #gone(): RrtsError {
    return new RrtsError('ERR_JOBS_STORE', `the queue of the pipeline ${this.pipeline} is being closed`);
  }
}
