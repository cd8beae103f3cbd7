// The contract of a queue driver: it keeps jobs and hands them over. Retries, limits, dead letters and chains are not its concern.

import type { z } from 'zod';
import type { Logger } from '../../core/logger.ts';
import type { Job } from './job.ts';

/** A job on its way into a queue. */
export interface NewJob {
  readonly job: Job;
  /** Milliseconds until it may be handed over; 0 for at once. */
  readonly delayMs: number;
}

/** `duplicate`: a job with the same `options.unique` is there; this one was not stored. */
export type PushResult = 'stored' | 'duplicate';

/**
 * A job that was handed over. Exactly one of the methods is called, once. They return at once and never throw: the driver sees to it, also over a
 * lost connection; what cannot be told any more is handed over again one day, which is what "at least once" means.
 */
export interface Delivery {
  readonly job: Job;
  /** It is done: it is not handed over again, and its unique key is free. */
  ack(): void;
  /**
   * It goes back, to be handed over again after `delayMs`, as `job` (the same id; attempt and headers may differ). One that was not begun
   * comes back with the same object and 0: it keeps its place in line where the driver can do that.
   */
  release(job: Job, delayMs: number): void;
}

/** How much is in a queue. What a server of somebody else's cannot tell is 0. */
export interface DriverStats {
  /** Could be handed over now. RoadRunner's `active`. */
  readonly waiting: number;
  /** Wait for their time. */
  readonly delayed: number;
  /** Handed over, by this process, and not settled. */
  readonly reserved: number;
}

/**
 * One queue. Methods that return promises reject with an RrtsError ERR_JOBS_STORE that says what to do, within a bounded time.
 *
 * Order of calls: `start`, then any others, `stop` last and always. A driver starts paused.
 */
export interface Driver {
  /**
   * Opens the queue, and takes up what an earlier process left in it. A server that is not there is a warning, and attempts go on in the background (each 2 s at
   * most, and never more than 5 in a second); wrong credentials and a wrong configuration reject.
   */
  start(): Promise<void>;
  /**
   * Stores jobs. Settles when they are as safe as the driver promises: `local` on the disk, a broker when it has confirmed. Rejects when
   * none, or not all, are known to be stored. One result per job, in order.
   */
  push(jobs: readonly NewJob[]): Promise<readonly PushResult[]>;
  /** From now on hands over, by `context.deliver`, as long as fewer than `prefetch` deliveries are unsettled. */
  resume(): void;
  /** Hands over nothing more. What was handed over stays so until it is settled. */
  pause(): void;
  /** A snapshot. */
  stats(): Promise<DriverStats>;
  /** Removes the queue with all that is in it. `stop` follows. */
  destroy(): Promise<void>;
  /** Tells the store what has been settled, and closes everything; at most 5 s. Deliveries that are not settled will be handed over again. */
  stop(): Promise<void>;
}

/** What every driver is given. */
export interface DriverContext {
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Place of its settings in the configuration, for errors: `jobs.pipelines.emails.config`. */
  readonly key: string;
  readonly logger: Logger;
  /** Relative paths start here. */
  readonly directory: string;
  /** The clock, in whole milliseconds since 1970. It does not jump when the clock of the system is set. */
  readonly now: () => number;
  /** Most deliveries that may be unsettled. */
  readonly prefetch: number;
  /** Most jobs that may be in the queue, delayed ones included; a push beyond it rejects with ERR_JOBS_FULL and stores nothing of its batch. */
  readonly maxWaiting: number;
  /** Takes a job that is handed over. Never throws. */
  deliver(delivery: Delivery): void;
}

/** One kind of driver. Its folder exports one of these; `drivers.ts` lists them. */
export interface DriverType {
  /** As in the configuration. */
  readonly name: string;
  /** What clients are told it is, where that must be a name that RoadRunner's package knows. Default: the name. */
  readonly roadRunnerName?: string;
  /** Default of `prefetch`. */
  readonly prefetch: number;
  /** Its own keys in `config` of a pipeline. Keys that several drivers have must be the same schema object. */
  readonly shape: Readonly<Record<string, z.ZodType>>;
  /** RoadRunner's keys for it that mean nothing here: accepted and ignored. */
  readonly ignored: readonly string[];
  /** A section of the configuration's root with the same name, that all its pipelines share, as RoadRunner has them. */
  readonly section?: z.ZodType;
  /**
   * Makes one, which is not started. Packages that only it needs are loaded when it starts.
   * @param settings - `config` of the pipeline, names in camelCase.
   * @param section - its section of the root, names in camelCase; undefined when there is none.
   * @throws RrtsError ERR_CONFIG_INVALID
   */
  create(settings: Readonly<Record<string, unknown>>, section: unknown, context: DriverContext): Driver;
}
