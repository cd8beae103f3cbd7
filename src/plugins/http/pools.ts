// The pools of the front: `http` for every request, and those of `http.pools` for the requests that routes lead to them.

import { isRrtsError, RrtsError } from '../../core/errors.ts';
import type { Pool } from '../../pool/pool.ts';
import type { PluginContext, PoolSpec } from '../plugin.ts';
import type { HttpConfig, HttpPoolConfig } from './config.ts';
import type { HttpMetrics } from './metrics.ts';
import { routeTable } from './routes.ts';
import type { Destination, HttpServices, PoolsByName } from './services.ts';

/** Name of the default pool: that of the plugin. */
const DEFAULT_POOL = 'http';

/** A pool that has booted. */
export interface HttpPool {
  /** `http`, or `http.reports`. */
  readonly name: string;
  readonly pool: Pool;
  /** Its workers come with the requests. A reload cannot change it. */
  readonly debug: boolean;
}

/**
 * Boots all pools at the same time.
 * @throws what the first boot that failed was rejected with, and the name of its pool when there are several. The host ends the others.
 */
export function bootPools(config: HttpConfig, context: Pick<PluginContext, 'createPool'>): Promise<HttpPool[]> {
  const names = [DEFAULT_POOL, ...Object.keys(config.pools).map(fullName)];
  return Promise.all(
    names.map(async (name) => {
      const spec = poolSpec(config, name);
      try {
        return { name, debug: spec.config.debug, pool: await context.createPool(spec) };
      } catch (error) {
        throw names.length === 1 ? error : withName(error, name);
      }
    }),
  );
}

/** True when nobody can serve its requests now. */
export function hasNoWorker({ pool, debug }: HttpPool): boolean {
  if (debug) return false;
  const { ready, working } = pool.stats();
  return ready + working === 0;
}

/**
 * Where requests go: to the default pool, or where their route leads.
 * @throws RrtsError ERR_CONFIG_INVALID for a route to a pool that was not started: only a reload can bring such a one.
 */
export function destinationsOf(
  config: Pick<HttpConfig, 'pool' | 'pools' | 'routes'>,
  pools: PoolsByName,
  metrics: HttpMetrics,
): Pick<HttpServices, 'destination' | 'routes'> {
  const towards = (name: string): Destination => {
    const pool = pools.get(name);
    if (pool === undefined) throw notStarted(name);
    const { debug, supervisor } = configOf(config, name);
    const queueTime = metrics.queueTimeOf(name);
    return { pool, debug, queueTime, execTtl: undefined, poolExecTtl: supervisor.execTtl };
  };
  const destination = towards(DEFAULT_POOL);
  const routes = routeTable(config.routes, ({ pool, execTtl }): Destination => {
    return { ...(pool === undefined ? destination : towards(fullName(pool))), execTtl };
  });
  return { destination, routes };
}

/** What a pool is asked to be. @param name - `http`, or `http.reports`. */
export function poolSpec(config: Pick<HttpConfig, 'pool' | 'pools'>, name: string): PoolSpec {
  const { codec, ...pool } = configOf(config, name);
  return { name, config: pool, mode: 'http', sdkCodec: codec };
}

/** Name of one of `http.pools` in logs, metrics and RPC: `http.reports`. */
function fullName(name: string): string {
  return `${DEFAULT_POOL}.${name}`;
}

function configOf(config: Pick<HttpConfig, 'pool' | 'pools'>, name: string): HttpPoolConfig {
  const own = name === DEFAULT_POOL ? config.pool : config.pools[name.slice(DEFAULT_POOL.length + 1)];
  if (own === undefined) throw notStarted(name);
  return own;
}

function notStarted(name: string): RrtsError {
  return new RrtsError('ERR_CONFIG_INVALID', `http.routes: the pool ${name} does not run: a new pool needs a restart`);
}

function withName(error: unknown, name: string): unknown {
  if (!isRrtsError(error)) return error;
  const { code, message, place, cure, facts } = error;
  return new RrtsError(code, `pool ${name}: ${message}`, {
    cause: error,
    facts,
    ...(place === undefined ? {} : { place }),
    ...(cure === undefined ? {} : { cure }),
  });
}
