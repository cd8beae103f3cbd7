// All pipelines of a server, by name: made from the configuration or by `jobs.Declare`, found for pushes, stopped together.

import { RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { steadyNow } from '../../core/steady-clock.ts';
import { commonSettings, type PipelineConfig } from './config.ts';
import { addCounts, noCounts, type PipelineCounts } from './counts.ts';
import type { Delivery, Driver, NewJob, PushResult } from './driver.ts';
import { findDriver } from './drivers.ts';
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
}

/** The pipelines. */
export class Pipelines {
  readonly #context: PipelinesContext;
  readonly #pipelines = new Map<string, Pipeline>();
  /** What pipelines that were removed have counted. */
  readonly gone: PipelineCounts = noCounts();
  /** Names that are being made: two calls must not open one store. */
  readonly #making = new Set<string>();

  constructor(context: PipelinesContext) {
    this.#context = context;
  }

  get all(): readonly Pipeline[] {
    return [...this.#pipelines.values()];
  }

  /** Undefined when there is none of this name. */
  find(name: string): Pipeline | undefined {
    return this.#pipelines.get(name);
  }

  /** @throws RrtsError ERR_JOBS_PIPELINE */
  get(name: string): Pipeline {
    const pipeline = this.#pipelines.get(name);
    if (pipeline !== undefined) return pipeline;
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
    if (this.#pipelines.has(name) || this.#making.has(name)) {
      throw new RrtsError('ERR_JOBS_INVALID', `there is a pipeline ${name} already`);
    }
    const type = findDriver(config.driver);
    if (type === undefined) throw new RrtsError('ERR_JOBS_INVALID', `no such driver: ${config.driver}`);
    this.#making.add(name);
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
      await startDriver(driver);
      const push = (to: string, jobs: readonly NewJob[]): Promise<readonly PushResult[]> => this.get(to).push(jobs);
      pipeline = new Pipeline(
        { name, config, type, driver, declared },
        { logger, runner: () => this.#context.runner(config.pool), push, now },
      );
      this.#pipelines.set(name, pipeline);
      return pipeline;
    } finally {
      this.#making.delete(name);
    }
  }

  /** Removes a pipeline with all its jobs. @throws RrtsError ERR_JOBS_PIPELINE, ERR_JOBS_STORE. */
  async destroy(name: string): Promise<void> {
    const pipeline = this.get(name);
    this.#pipelines.delete(name);
    addCounts(this.gone, pipeline.counts);
    await pipeline.destroy();
  }

  /** Nothing more is handed over. */
  pause(): void {
    for (const pipeline of this.#pipelines.values()) pipeline.pause();
  }

  /** Closes all queues. Failures are logged: the others are closed all the same. */
  async stop(): Promise<void> {
    const all = this.all;
    this.#pipelines.clear();
    const ends = await Promise.allSettled(all.map((pipeline) => pipeline.stop()));
    ends.forEach((end, index) => {
      if (end.status === 'rejected') {
        this.#context.logger.error(
          { pipeline: all[index]?.pipeline, error: end.reason },
          'a queue was not closed well',
        );
      }
    });
  }
}

/** A driver that does not start has nothing left open. */
async function startDriver(driver: Driver): Promise<void> {
  try {
    await driver.start();
  } catch (thrown) {
    await driver.stop();
    throw thrown;
  }
}
