// What a command shows of a server: the control socket tells all, RoadRunner's informer a part.

import { RrtsError } from '../../core/errors.ts';
import type { PoolReport, ServerReport, ServerStatus, WorkerReport } from '../../server/control/report.ts';
import type { ReachedServer } from './reach-server.ts';

/** A server that is asked for what it knows at once. */
export const QUICK_MS = 5000;

/** What is shown. `status` is absent over rpc.listen. */
export interface ServerView {
  readonly status: ServerStatus | undefined;
  readonly pools: readonly PoolView[];
}

/** A pool; what rpc.listen does not tell is null. */
export interface PoolView extends Omit<PoolReport, 'queueLength'> {
  readonly queueLength: number | null;
}

interface InformerWorker {
  readonly pid: number;
  readonly statusStr: string;
  readonly numExecs: number;
  /** Unix time in nanoseconds. */
  readonly created: number;
  readonly memoryUsage: number;
  readonly CPUPercent: number;
  readonly command: string;
}

/** Asks for all pools, or for the named ones. @throws RrtsError ERR_CONTROL_CALL when there is none of a name. */
export async function askReport(server: ReachedServer, names: readonly string[]): Promise<ServerView> {
  const view = server.via === 'control' ? await askControl(server) : await askInformer(server);
  const known = view.pools.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined && view.status?.phase !== 'starting') throw noSuchPool(unknown, known);
  return names.length === 0 ? view : { ...view, pools: view.pools.filter(({ name }) => names.includes(name)) };
}

/** New workers for a server that is about to end would only make it end later. Over rpc.listen it does not tell. */
export async function refuseWhenStopping({ client, via }: ReachedServer): Promise<void> {
  if (via !== 'control') return;
  const { pid, phase } = await client.call<ServerStatus>('control.Status', null, QUICK_MS);
  if (phase === 'stopping') throw new RrtsError('ERR_CONTROL_CALL', `the server (${pid}) is stopping`);
}

/** There is no pool of this name. */
export function noSuchPool(name: string, known: readonly string[]): RrtsError {
  const there =
    known.length === 0 ? 'the server has none' : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  return new RrtsError('ERR_CONTROL_CALL', `no pool is called ${name}; ${there}`);
}

async function askControl({ client }: ReachedServer): Promise<ServerView> {
  const { pools, ...status } = await client.call<ServerReport>('control.Workers', null, QUICK_MS);
  return { status, pools };
}

async function askInformer({ client }: ReachedServer): Promise<ServerView> {
  const names = await client.call<string[]>('informer.List', true, QUICK_MS);
  const ask = (name: string) => client.call<{ workers: InformerWorker[] }>('informer.Workers', name, QUICK_MS);
  const pools = await Promise.all(names.map(async (name) => poolFrom(name, (await ask(name)).workers)));
  return { status: undefined, pools };
}

function poolFrom(name: string, workers: readonly InformerWorker[]): PoolView {
  return {
    name,
    command: workers[0]?.command ?? '',
    target: workers.length,
    queueLength: null,
    bootFailures: 0,
    exits: {},
    recentExits: [],
    workers: workers.map(workerFrom),
  };
}

function workerFrom(worker: InformerWorker): WorkerReport {
  return {
    pid: worker.pid,
    state: worker.statusStr === 'inactive' ? 'starting' : (worker.statusStr as WorkerReport['state']),
    requests: worker.numExecs,
    held: 0,
    startedAt: worker.created / 1e6,
    codec: 'json',
    phpVersion: '',
    busyMs: 0,
    memoryBytes: worker.memoryUsage === 0 ? null : worker.memoryUsage,
    cpuPercent: worker.CPUPercent,
    activity: null,
    leaving: null,
  };
}
