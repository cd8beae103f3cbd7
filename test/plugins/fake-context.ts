// A host for one plugin: no server around it, pools that are only numbers.

import { Registry } from 'prom-client';
import { silentLogger } from '../../src/core/logger.ts';
import type { Health, PluginContext } from '../../src/plugins/plugin.ts';
import { DEFAULT_LIMITS, RpcRouter } from '../../src/plugins/rpc-router/router.ts';
import { type Service, serviceOf } from '../../src/plugins/rpc-router/services.ts';
import type { Pool } from '../../src/pool/pool.ts';
import type { PoolStats, WorkerStats } from '../../src/pool/stats.ts';

/** A context whose pools have these numbers. `stopping` may be set. */
export function fakeContext(stats: () => readonly PoolStats[]): PluginContext & { stopping: boolean } {
  const checks = new Map<string, () => Health>();
  const services = new Map<string, Service>();
  const router = new RpcRouter({ services: () => services, logger: silentLogger, limits: DEFAULT_LIMITS });
  return {
    logger: silentLogger,
    directory: '/nowhere',
    metrics: new Registry(),
    createPool: () => Promise.reject(new Error('no pools here')),
    reconfigurePool: () => Promise.reject(new Error('no pools here')),
    workerOwner: undefined,
    section: () => undefined,
    programSettings: () => ({
      environment: {},
      rpcAddress: undefined,
      rpcToken: undefined,
      user: undefined,
      group: undefined,
    }),
    pools: () => stats().map((one) => ({ name: one.name, stats: () => one }) as unknown as Pool),
    registerHealthCheck: (plugin, check) => void checks.set(plugin, check),
    healthChecks: () => checks,
    registerRpc: (service, methods, options) => void services.set(service, serviceOf(methods, options)),
    callRpc: (method, argument) => router.call(method, argument, 'test'),
    rpcRouter: router,
    claimFaults: () => undefined,
    starting: () => false,
    stopping: false,
  };
}

/** Numbers of a pool called http. */
export function poolStats(more: Partial<PoolStats> = {}): PoolStats {
  return {
    name: 'http',
    command: 'php worker.php',
    workers: [],
    target: 2,
    ready: 0,
    working: 0,
    starting: 0,
    stopping: 0,
    queueLength: 0,
    bootFailures: 0,
    exits: new Map(),
    recentExits: [],
    ...more,
  };
}

/** A worker as a snapshot shows it. */
export function workerStats(more: Partial<WorkerStats> & Pick<WorkerStats, 'pid' | 'state'>): WorkerStats {
  return {
    execs: 1,
    held: 0,
    startedAt: 0,
    codec: 'native',
    phpVersion: '8.2.0',
    activity: undefined,
    busyMs: 0,
    leaving: undefined,
    ...more,
  };
}
