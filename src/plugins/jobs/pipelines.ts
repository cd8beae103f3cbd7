// All pipelines of a server, by name: made from the configuration or by `jobs.Declare`, found for pushes, stopped together.

import { messageOf, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { steadyNow } from '../../core/steady-clock.ts';
import { commonSettings, type PipelineConfig } from './config.ts';
import { addCounts, noCounts, type PipelineCounts } from './counts.ts';
import type { Delivery, Driver, DriverType } from './driver.ts';
import { findDriver } from './drivers.ts';
import { FollowUps } from './follow-ups.ts';
import { Pipeline } from './pipeline.ts';
import type { Runner } from './runner.ts';

/** What the pipelines share. */
export interface PipelinesContext {
  readonly logger: Logger;
  readonly directory: string;
  /** `jobs.pipeline_size` */
  readonly pipelineSize: number;
  /** Runs the jobs of a pool; undefined for the default one. Gives undefined until they have booted. @throws for a pool that there is not. */
  runner(pool: string | undefined): Runner | undefined;
  /** The section of the configuration's root that belongs to a driver. */
  section(name: string): unknown;
  readonly now: () => number;
  /** Default: those that come with rrts. */
  readonly findDriver?: (name: string) => DriverType | undefined;
}

/** The pipelines. */
export class Pipelines {
  readonly #context: PipelinesContext;
  readonly #pipelines = new Map<string, Pipeline>();
  /** What pipelines that were removed have counted; those of which jobs still run count on. */
  readonly #gone: PipelineCounts = noCounts();
  readonly #leaving = new Set<Pipeline>();
  /** What goes from one to another. */
  readonly followUps: FollowUps;
  /** Names that are being made or removed: two must not have one store open. */
  readonly #busy = new Set<string>();
  /** No pipeline is made any more. */
  #halted = false;
  #closed = false;

  constructor(context: PipelinesContext) {
    this.#context = context;
    this.followUps = new FollowUps(context.logger, async (name, jobs) => await this.get(name).take(jobs));
  }

  get all(): readonly Pipeline[] {
    return [...this.#pipelines.values()];
  }

  /** What pipelines that were removed have counted. */
  get gone(): PipelineCounts {
    const sum = { ...this.#gone };
    for (const pipeline of this.#leaving) {
      addCounts(sum, pipeline.counts);
      if (pipeline.runs.length > 0) continue;
      addCounts(this.#gone, pipeline.counts);
      this.#leaving.delete(pipeline);
    }
    return sum;
  }

  /** Undefined when there is none of this name. */
  find(name: string): Pipeline | undefined {
    return this.#pipelines.get(name);
  }

  /** @throws RrtsError ERR_JOBS_PIPELINE, or ERR_JOBS_STORE when the queues have been closed. */
  get(name: string): Pipeline {
    const pipeline = this.#pipelines.get(name);
    if (pipeline !== undefined) return pipeline;
    if (this.#closed) throw stopping();
    const names = [...this.#pipelines.keys()];
    throw new RrtsError('ERR_JOBS_PIPELINE', `no such pipeline: ${JSON.stringify(name.slice(0, 128))}`, {
      cure: names.length === 0 ? 'There is none.' : `There are ${names.join(', ')}.`,
    });
  }

  /**
   * Makes a pipeline and opens its queue; it is not consumed yet.
   * @throws RrtsError ERR_JOBS_INVALID for a name that is taken, ERR_JOBS_STORE and ERR_CONFIG_INVALID of its driver.
   */
  async add(name: string, config: PipelineConfig, declared: boolean): Promise<Pipeline> {
    if (this.#halted) throw stopping();
    if (this.#pipelines.has(name) || this.#busy.has(name)) {
      throw new RrtsError('ERR_JOBS_INVALID', `there is a pipeline ${name} already`);
    }
    this.#refuseCircle(name, config.deadLetter);
    const type = (this.#context.findDriver ?? findDriver)(config.driver);
    if (type === undefined) throw new RrtsError('ERR_JOBS_INVALID', `no such driver: ${config.driver}`);
    this.#busy.add(name);
    const { logger, directory, now } = this.#context;
    let pipeline: Pipeline | undefined;
    try {
      this.#context.runner(config.pool); // a pool that there is not is told now
      const driver = type.create(config.config, this.#context.section(type.name), {
        pipeline: name,
        key: `jobs.pipelines.${name}.config`,
        logger,
        directory,
        // Delays are spans: somebody who sets the clock of the system must not make them longer or shorter.
        now: steadyNow,
        prefetch: commonSettings(config).prefetch ?? type.prefetch,
        maxWaiting: config.maxWaiting ?? this.#context.pipelineSize,
        deliver: (delivery: Delivery) => pipeline?.deliver(delivery),
      });
      await this.#start(driver);
      pipeline = new Pipeline(
        { name, config, type, driver, declared },
        { logger, runner: () => this.#context.runner(config.pool), followUps: this.followUps, now },
      );
      this.#pipelines.set(name, pipeline);
      return pipeline;
    } finally {
      this.#busy.delete(name);
    }
  }

  /** A job that always fails would go round for ever, as quickly as it can. The file is checked by its schema; this is for declared pipelines. */
  #refuseCircle(name: string, deadLetter: string | undefined): void {
    const way = [name];
    for (let at = deadLetter; at !== undefined; at = this.#pipelines.get(at)?.config.deadLetter) {
      way.push(at);
      if (at !== name) continue;
      throw new RrtsError('ERR_JOBS_INVALID', `jobs that fail would go round for ever: ${way.join(' -> ')}`, {
        cure: 'Let one of them end without a dead_letter.',
      });
    }
  }

  /** Removes a pipeline with all its jobs. @throws RrtsError ERR_JOBS_PIPELINE, ERR_JOBS_STORE. */
  async destroy(name: string): Promise<void> {
    const pipeline = this.get(name);
    this.#pipelines.delete(name);
    this.#leaving.add(pipeline);
    this.#busy.add(name);
    try {
      await pipeline.destroy();
    } finally {
      this.#busy.delete(name);
    }
  }

  /** Nothing more is handed over, to workers or to anybody else. */
  halt(): void {
    this.#halted = true;
    this.followUps.hurry();
    for (const pipeline of this.#pipelines.values()) pipeline.halt();
  }

  /**
   * Closes all queues, together, when nothing is on its way into one of them any more: what follows a job goes into one, and only then the job is
   * forgotten in another. For that it waits `ms` at most. Failures are logged: the others are closed all the same.
   */
  async stop(ms: number): Promise<void> {
    const end = performance.now() + ms;
    const left = (): number => Math.max(0, end - performance.now());
    const { logger } = this.#context;
    const { underWay } = this.followUps;
    if (!(await underWay.ended(ms))) {
      const what = 'jobs that have ended are not settled, because a queue has not taken in time what follows them';
      logger.warn({ jobs: underWay.count }, `${underWay.count} ${what}: they run again`);
    }
    this.#halted = true;
    this.#closed = true;
    const all = this.all;
    this.#pipelines.clear();
    await Promise.all(all.map((pipeline) => pipeline.close(left())));
    const ends = await Promise.allSettled(all.map((pipeline) => pipeline.stop()));
    ends.forEach((one, index) => {
      if (one.status === 'fulfilled') return;
      logger.error({ pipeline: all[index]?.pipeline, error: messageOf(one.reason) }, 'a queue was not closed well');
    });
  }

  /** A driver that does not start, or has nobody left to start for, has nothing left open. */
  async #start(driver: Driver): Promise<void> {
    try {
      await driver.start();
      if (this.#halted) throw stopping();
    } catch (thrown) {
      await driver.stop();
      throw thrown;
    }
  }
}

function stopping(): RrtsError {
  return new RrtsError('ERR_JOBS_STORE', 'the server is stopping: its queues are being closed');
}
