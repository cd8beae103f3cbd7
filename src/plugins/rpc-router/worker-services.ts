// The services `informer` and `resetter`: who runs here, more of them, fewer of them, new ones.

import type { Pool } from '../../pool/pool.ts';
import type { WorkerStats } from '../../pool/stats.ts';
import type { WorkerState } from '../../worker/state.ts';
import type { UsageReader, WorkerUsage } from '../../worker/usage.ts';
import { CallError, type Method } from './method.ts';
import { type Service, serviceOf } from './services.ts';

/** RoadRunner's numbers and names of states. */
const STATUS: Readonly<Record<WorkerState, readonly [number, string]>> = {
  starting: [0, 'inactive'],
  ready: [1, 'ready'],
  working: [2, 'working'],
  stopping: [4, 'stopping'],
  dead: [5, 'stopped'],
};

const NS_PER_MS = 1e6;

/** What the services are about. */
export interface WorkerServicesOptions {
  /** Asked at each call. */
  readonly pools: () => readonly Pool[];
  readonly readUsage: UsageReader;
  /** Calls an RPC method as a part of rrts. */
  readonly callInside: (method: string, argument: unknown) => Promise<unknown>;
}

/**
 * The services, over the pools that run at the time of a call. A pool has the name of its plugin; a further one of the same plugin has
 * a name of its own after that and a dot: `http`, `http.reports`. To the informer each is one. A reset of `http` is one of all its
 * pools, because that is what a deployment means, and only of one when that one is named.
 */
export function workerServices({ pools, readUsage, callInside }: WorkerServicesOptions): Map<string, Service> {
  const names = (): string[] => pools().map(({ name }) => name);
  const find = (plugin: unknown): Pool | undefined => pools().find(({ name }) => name === pluginName(plugin));
  const managed = (plugin: unknown): Pool =>
    find(plugin) ?? refuse(`plugin ${pluginName(plugin)} does not support workers management`);
  const informer: Record<string, Method> = {
    List: names,
    Workers: (plugin: unknown) => listWorkers(find(plugin), readUsage),
    Jobs: (plugin: unknown) => listPipelines(pluginName(plugin), callInside),
    AddWorker: async (plugin: unknown) => {
      await managed(plugin).addWorker();
      return true;
    },
    RemoveWorker: (plugin: unknown) => {
      managed(plugin).removeWorker();
      return true;
    },
  };
  const resetter: Record<string, Method> = {
    // Whoever resets all that is listed shall reset each once.
    List: () => [...new Set(names().map(pluginOf))],
    Reset: async (plugin: unknown) => {
      const name = pluginName(plugin);
      const wanted = pools().filter((pool) => pool.name === name || pluginOf(pool.name) === name);
      if (wanted.length === 0) refuse(`no such plugin: ${name}`);
      await Promise.all(wanted.map((pool) => pool.reset()));
      return true;
    },
  };
  return new Map([
    // A boot takes as long as allocate_timeout allows, and a reset as many boots as it takes.
    ['informer', serviceOf(informer, { timeoutMs: 0 })],
    ['resetter', serviceOf(resetter, { timeoutMs: 0 })],
  ]);
}

/** The plugin that a pool belongs to. */
function pluginOf(pool: string): string {
  return pool.split('.', 1)[0] ?? pool;
}

function pluginName(argument: unknown): string {
  return typeof argument === 'string' ? argument : refuse('rpc: the argument must be the name of a plugin');
}

function refuse(text: string): never {
  throw new CallError(text);
}

/** The pipelines of the plugin, with RoadRunner's names of a Go structure; none for a plugin that has no queues. */
async function listPipelines(plugin: string, callInside: WorkerServicesOptions['callInside']): Promise<object[]> {
  if (plugin !== 'jobs') return [];
  try {
    return ((await callInside('jobs.States', null)) as Readonly<Record<string, unknown>>[]).map((state) => ({
      Pipeline: state['pipeline'],
      Driver: state['driver'],
      Queue: state['queue'],
      Active: state['active'],
      Delayed: state['delayed'],
      Reserved: state['reserved'],
      Ready: state['ready'],
      Priority: state['priority'],
      ErrorMessage: state['error_message'],
    }));
  } catch (thrown) {
    if (thrown instanceof CallError && thrown.code === 'ERR_RPC_METHOD') return [];
    throw thrown;
  }
}

/** Workers that are being stopped are left out, as RoadRunner does: whoever removed one sees one less. */
async function listWorkers(pool: Pool | undefined, readUsage: UsageReader): Promise<object> {
  if (pool === undefined) return { workers: [] };
  const { workers, command } = pool.stats();
  const listed = workers.filter(({ state }) => state !== 'stopping' && state !== 'dead');
  const usage = await readUsage(listed.map(({ pid }) => pid));
  return { workers: listed.map((worker) => describeWorker(worker, command, usage.get(worker.pid))) };
}

function describeWorker(worker: WorkerStats, command: string, usage: WorkerUsage | undefined): object {
  const [status, statusStr] = STATUS[worker.state];
  return {
    pid: worker.pid,
    status,
    numExecs: worker.execs,
    created: worker.startedAt * NS_PER_MS,
    memoryUsage: usage?.memoryBytes ?? 0,
    CPUPercent: (usage?.cpuRatio ?? 0) * 100,
    command,
    statusStr,
  };
}
