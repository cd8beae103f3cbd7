// Snapshots of a pool for metrics, status and commands.

import type { HeadCodec } from '../protocol/payload.ts';
import type { ExitReason } from '../worker/exit-reason.ts';
import type { WorkerState } from '../worker/state.ts';

/** One worker, at the moment of asking. */
export interface WorkerStats {
  readonly pid: number;
  readonly state: WorkerState;
  /** Requests it was given. */
  readonly execs: number;
  /** Requests that were sent ahead to it and wait behind the one it runs. */
  readonly held: number;
  /** Wall clock, milliseconds. */
  readonly startedAt: number;
  readonly codec: HeadCodec;
  /** Empty for an SDK worker, which does not say. */
  readonly phpVersion: string;
  /** The request it runs, `GET /page`; undefined when it runs none. */
  readonly activity: string | undefined;
  /** How long it has been running it, in milliseconds. */
  readonly busyMs: number;
  /** Why it is going to be replaced; undefined when it is not. */
  readonly leaving: ExitReason | undefined;
}

/** The end of one worker. */
export interface RecentExit {
  readonly pid: number;
  readonly reason: ExitReason;
  /** Wall clock, milliseconds. */
  readonly at: number;
}

/** A pool, at the moment of asking. */
export interface PoolStats {
  readonly name: string;
  /** The command its workers are started with. */
  readonly command: string;
  readonly workers: readonly WorkerStats[];
  /** Workers the pool wants to have. */
  readonly target: number;
  readonly ready: number;
  readonly working: number;
  readonly starting: number;
  readonly stopping: number;
  readonly queueLength: number;
  /** Boots that failed in a row; above 0 the pool is backing off. */
  readonly bootFailures: number;
  /** Workers that have ended since the start, by reason. */
  readonly exits: ReadonlyMap<ExitReason, number>;
  /** The last of them, the newest at the end. */
  readonly recentExits: readonly RecentExit[];
}
