// What the control socket tells about a running server: plain data, made once and read by the commands.

import type { Pool } from '../../pool/pool.ts';
import type { RecentExit, WorkerStats } from '../../pool/stats.ts';
import type { UsageReader, WorkerUsage } from '../../worker/usage.ts';
import type { ServerPhase } from '../server.ts';

/** One worker. */
export interface WorkerReport extends Omit<WorkerStats, 'activity' | 'leaving' | 'execs'> {
  readonly requests: number;
  /** Resident memory; null when the system does not tell. */
  readonly memoryBytes: number | null;
  /** Of one core, since the last time somebody asked; null when the system does not tell. */
  readonly cpuPercent: number | null;
  /** The request it runs, `GET /page`. */
  readonly activity: string | null;
  /** Why it is going to be replaced. */
  readonly leaving: string | null;
}

/** One pool. */
export interface PoolReport {
  readonly name: string;
  readonly command: string;
  readonly target: number;
  readonly queueLength: number;
  readonly bootFailures: number;
  /** Workers that have ended since the start, by reason. */
  readonly exits: Readonly<Record<string, number>>;
  readonly recentExits: readonly RecentExit[];
  readonly workers: readonly WorkerReport[];
}

/** A server, at the moment of asking. */
export interface ServerStatus {
  readonly pid: number;
  readonly version: string;
  readonly phase: ServerPhase;
  /** The configuration file, by its absolute path. */
  readonly config: string;
  /** Wall clock, milliseconds. */
  readonly startedAt: number;
  /** The server's clock now: ages are differences to it. */
  readonly now: number;
}

/** A server with all its pools. */
export interface ServerReport extends ServerStatus {
  readonly pools: readonly PoolReport[];
}

/** Reports on pools; memory and processor time are read from the system now. */
export async function reportPools(pools: readonly Pool[], readUsage: UsageReader): Promise<PoolReport[]> {
  const all = pools.map((pool) => pool.stats());
  const usage = await readUsage(all.flatMap(({ workers }) => workers.map(({ pid }) => pid)));
  return all.map(({ name, command, target, queueLength, bootFailures, exits, recentExits, workers }) => ({
    name,
    command,
    target,
    queueLength,
    bootFailures,
    exits: Object.fromEntries(exits),
    recentExits,
    workers: workers.map((worker) => reportWorker(worker, usage.get(worker.pid))),
  }));
}

function reportWorker(
  { execs, activity, leaving, ...rest }: WorkerStats,
  usage: WorkerUsage | undefined,
): WorkerReport {
  return {
    ...rest,
    requests: execs,
    memoryBytes: usage?.memoryBytes ?? null,
    cpuPercent: usage === undefined ? null : Math.round(usage.cpuRatio * 1000) / 10,
    activity: activity ?? null,
    leaving: leaving ?? null,
  };
}
