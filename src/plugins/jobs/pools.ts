// The pools that run jobs: `jobs` by default, and those of `jobs.pools`, each with a runner.

import { limitsOf } from '../../pool/limits.ts';
import type { Pool } from '../../pool/pool.ts';
import type { PluginContext, PoolSpec } from '../plugin.ts';
import type { JobsConfig, JobsPoolConfig } from './config.ts';
import { Runner, type RunnerLimits } from './runner.ts';

/** Name of the default pool: that of the plugin. */
const DEFAULT_POOL = 'jobs';

/** A pool that has booted, and who gives it jobs. */
export interface JobsPool {
  /** `jobs`, or `jobs.heavy`. */
  readonly name: string;
  readonly pool: Pool;
  readonly runner: Runner;
}

/** Boots all pools at the same time. @throws what the first boot that failed was rejected with. The host ends the others. */
export function bootPools(config: JobsConfig, context: Pick<PluginContext, 'createPool'>): Promise<JobsPool[]> {
  return Promise.all(
    poolNames(config).map(async (name) => {
      const pool = await context.createPool(poolSpec(config, name));
      return { name, pool, runner: new Runner(pool, runnerLimits(config, name)) };
    }),
  );
}

/** Names of the pools that there are: the default one is left out when every pipeline names another. */
export function poolNames({ pools, pipelines }: JobsConfig): string[] {
  const further = Object.keys(pools);
  const all = Object.values(pipelines);
  const needsDefault = further.length === 0 || all.length === 0 || all.some(({ pool }) => pool === undefined);
  return [...(needsDefault ? [DEFAULT_POOL] : []), ...further.map(fullName)];
}

/** What a pool is asked to be. A job waits in its queue, not in the pool's: there it has no limit. */
export function poolSpec(config: JobsConfig, name: string): PoolSpec {
  return {
    name,
    config: { ...configOf(config, name), maxQueueSize: 0, queueTimeout: 0 },
    mode: 'jobs',
    sdkCodec: 'json',
  };
}

/** How many jobs a pool takes at once. */
export function runnerLimits(config: JobsConfig, name: string): RunnerLimits {
  const { maxWorkers, prefetch, execTtl } = limitsOf(configOf(config, name));
  return { workers: maxWorkers, prefetch, timeoutMs: execTtl };
}

/** Name of one of `jobs.pools` in logs, metrics and RPC: `jobs.heavy`; of the default one for undefined. */
export function fullName(pool: string | undefined): string {
  return pool === undefined ? DEFAULT_POOL : `${DEFAULT_POOL}.${pool}`;
}

function configOf(config: JobsConfig, name: string): JobsPoolConfig {
  return config.pools[name.slice(DEFAULT_POOL.length + 1)] ?? config.pool;
}
