// One run of a job: the unit of work for the pool, and what becomes of it.

import { type ErrorCode, RrtsError } from '../../core/errors.ts';
import { PoolRequest } from '../../pool/request.ts';
import { decodeJobReply, encodeJobRequest } from '../../protocol/jobs/codecs.ts';
import { DONE, type JobHead, type JobReply } from '../../protocol/jobs/head.ts';
import type { HeadCodec, Payload } from '../../protocol/payload.ts';
import type { Delivery } from './driver.ts';
import type { Job } from './job.ts';

/** What became of a run: the worker's own word, or `not_run` when no worker has finished it and none is to blame. */
export type RunResult = JobReply | { readonly kind: 'not_run'; readonly error: RrtsError };

/** How far a job says it is. */
export interface Progress {
  /** 0 to 100. */
  readonly percent: number;
  readonly message: string;
}

/** What a run needs to know of its pipeline. */
export interface RunPlace {
  readonly pipeline: string;
  /** Name of the driver and of the queue, as workers are told. */
  readonly driver: string;
  readonly queue: string;
  readonly maxAttempts: number;
  /** Milliseconds; undefined: as the pool says. */
  readonly timeoutMs: number | undefined;
}

/** Whom a run tells of its end, once. */
export interface RunOwner {
  runEnded(run: JobRun, result: RunResult): void;
}

/** Whom a delivery came from, and who settles it. */
export interface DeliveryOwner extends RunPlace {
  delivered(run: JobRun, delivery: Delivery, result: RunResult): void;
}

/** Where a run comes from: a pipeline, or somebody who waits for its result. */
export type RunSource =
  | { readonly owner: DeliveryOwner; readonly delivery: Delivery }
  | { readonly resolve: (result: RunResult) => void };

/** Errors that are the job's own fault, or may be. All others mean that it has not been run. */
const FAULTS: ReadonlySet<ErrorCode> = new Set([
  'ERR_WORKER_ERROR',
  'ERR_WORKER_DIED',
  'ERR_WORKER_CUT',
  'ERR_WORKER_MALFORMED_REPLY',
  'ERR_WORKER_MEMORY',
  'ERR_WORKER_EXEC_TTL',
  'ERR_WORKER_STREAM_TIMEOUT',
]);

/**
 * How long a job may keep those that were sent to its worker behind it, before they are taken back. The order to give back can cross the
 * begin of the next one on its way: then that one runs twice, and a job should do so only after a failure. So it is given late, and hence
 * for few: not for every worker that had to wait for a core, as it would be after the ten milliseconds of a request.
 */
const STALL_MS = 1000;

/** A run. The core counts attempts and gives it to a worker again: the pool never replays it. */
export class JobRun extends PoolRequest implements JobHead {
  readonly job: Job;
  readonly pipeline: string;
  readonly driver: string;
  readonly queue: string;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly source: RunSource;
  progress: Progress | undefined = undefined;
  readonly #owner: RunOwner;
  #codec: HeadCodec = 'json';
  #reply: JobReply = DONE;

  /** @param poolTimeoutMs - `exec_ttl` of the pool. */
  constructor(job: Job, place: RunPlace, poolTimeoutMs: number, owner: RunOwner, source: RunSource) {
    super(false);
    this.job = job;
    this.pipeline = place.pipeline;
    this.driver = place.driver;
    this.queue = place.queue;
    this.maxAttempts = job.options.maxAttempts ?? place.maxAttempts;
    this.execTtl = job.options.timeoutMs ?? place.timeoutMs;
    this.timeoutMs = this.execTtl ?? poolTimeoutMs;
    this.source = source;
    this.attempt = job.attempt;
    this.#owner = owner;
  }

  get id(): string {
    return this.job.id;
  }

  get name(): string {
    return this.job.name;
  }

  get headers(): Job['headers'] {
    return this.job.headers;
  }

  get pushedAt(): number {
    return this.job.pushedAt;
  }

  override get label(): string {
    return `${this.pipeline}: ${this.job.name}`;
  }

  override get mayBeSentAhead(): boolean {
    return true;
  }

  override get stallMs(): number {
    return STALL_MS;
  }

  encode(codec: HeadCodec): Payload {
    this.#codec = codec;
    return encodeJobRequest(codec, this, this.job.payload);
  }

  onReply(head: Buffer, body: Buffer, flags: number, last: boolean): boolean {
    if (!last) throw new RrtsError('ERR_PROTOCOL_HEAD', 'a job is answered in one piece, not by a stream');
    this.#reply = decodeJobReply(this.#codec, flags, head, body);
    return true;
  }

  onDone(): void {
    this.#owner.runEnded(this, this.#reply);
  }

  onFailure(error: RrtsError): void {
    this.#owner.runEnded(this, FAULTS.has(error.code) ? failed(error) : { kind: 'not_run', error });
  }
}

function failed(error: RrtsError): RunResult {
  return { kind: 'failed', message: error.message, retry: true, delayMs: undefined };
}
