// The jobs plugin: queues of background work, and pools of PHP workers that run it.

import { RrtsError } from '../../core/errors.ts';
import type { Health, Plugin, PluginContext, PluginType } from '../plugin.ts';
import { insideOnly } from '../rpc-router/inside-only.ts';
import { type JobsConfig, jobsSchema } from './config.ts';
import { registerJobsMetrics } from './metrics.ts';
import { ownMethods } from './own-methods.ts';
import { Pipelines } from './pipelines.ts';
import { bootPools, fullName, type JobsPool, poolNames, poolSpec, runnerLimits } from './pools.ts';
import { roadRunnerMethods } from './roadrunner-methods.ts';
import type { Runner } from './runner.ts';
import { pipelineStates } from './states.ts';

const MS_PER_SECOND = 1000;
/** What follows jobs that were cut, or ended in the last moment, is stored within this time. */
const SETTLE_MS = 2000;

class JobsPlugin implements Plugin {
  #config: JobsConfig;
  readonly #context: PluginContext;
  readonly #pipelines: Pipelines;
  #pools: readonly JobsPool[] = [];

  constructor(config: JobsConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    const { logger, directory } = context;
    this.#pipelines = new Pipelines({
      logger,
      directory,
      pipelineSize: config.pipelineSize,
      runner: (pool) => this.#runner(pool),
      section: (name) => context.section(name),
      now: Date.now,
    });
  }

  /** Queues open before workers boot, which may push at once; jobs are run when all is there. */
  async start(): Promise<void> {
    const { consume, pipelines, timeout } = this.#config;
    const now = Date.now;
    const methods = {
      ...roadRunnerMethods(this.#pipelines, now),
      ...ownMethods({ pipelines: this.#pipelines, runner: () => this.#runner(undefined), now }),
      States: insideOnly(() => pipelineStates(this.#pipelines.all)),
    };
    this.#context.registerRpc('jobs', methods, { timeoutMs: timeout * MS_PER_SECOND });
    registerJobsMetrics(this.#context.metrics, this.#pipelines);
    this.#context.registerHealthCheck('jobs', () => this.#health());
    for (const [name, config] of Object.entries(pipelines)) await this.#pipelines.add(name, config, false);
    this.#pools = await bootPools(this.#config, this.#context);
    for (const name of consume) this.#pipelines.get(name).resume();
    const consumed = consume.length === 0 ? 'none is consumed' : `consumes ${consume.join(', ')}`;
    this.#context.logger.info({ pipelines: Object.keys(pipelines), consume }, `jobs: ${consumed}`);
  }

  /** Only pools can change while it runs. */
  async reload(config: JobsConfig): Promise<void> {
    for (const { name, pool } of this.#pools) await this.#context.reconfigurePool(pool, poolSpec(config, name));
    this.#config = { ...this.#config, pool: config.pool, pools: config.pools };
    for (const { name, runner } of this.#pools) runner.limits = runnerLimits(config, name);
  }

  /** What was taken ahead of time goes back first; what runs is let finish; then it is cut, and goes back too. The queues close last. */
  async stop(graceMs: number): Promise<void> {
    const end = performance.now() + graceMs;
    this.#pipelines.halt();
    for (const { runner } of this.#pools) runner.stop();
    await Promise.all(this.#pools.map(({ pool }) => pool.stop(graceMs)));
    await this.#pipelines.stop(Math.max(SETTLE_MS, end - performance.now()));
  }

  #runner(pool: string | undefined): Runner | undefined {
    const name = fullName(pool);
    const found = this.#pools.find((one) => one.name === name);
    if (found !== undefined) return found.runner;
    if (this.#pools.length === 0 && poolNames(this.#config).includes(name)) return undefined;
    throw new RrtsError('ERR_JOBS_INVALID', `there is no pool ${pool ?? 'jobs.pool'}`);
  }

  #health(): Health {
    if (this.#pools.length === 0) return { live: true, ready: false, message: 'its workers boot' };
    const empty = this.#pools.filter(({ pool }) => {
      const { ready, working } = pool.stats();
      return ready + working === 0;
    });
    if (empty.length === 0) return { live: true, ready: true, message: '' };
    return { live: true, ready: false, message: empty.map(({ name }) => `${name} has no worker`).join(', ') };
  }
}

/** The `jobs:` section. */
export const jobsPlugin: PluginType<typeof jobsSchema, JobsConfig> = {
  name: 'jobs',
  schema: jobsSchema,
  create: (config, context) => new JobsPlugin(config, context),
  warnings: ({ pipelines, consume }) =>
    consume
      .filter((name) => pipelines[name] !== undefined && pipelines[name].deadLetter === undefined)
      .map((name) => ({
        path: ['pipelines', name],
        message: 'has no dead_letter: a job that fails too often is logged and dropped',
      })),
};
