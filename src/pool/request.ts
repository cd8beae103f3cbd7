// A unit of work on its way through queue, worker and back; http (and later jobs) derive from it.

import type { RrtsError } from '../core/errors.ts';
import type { FifoEntry } from '../core/fifo.ts';
import type { HeadCodec, Payload } from '../protocol/payload.ts';
import type { Exchange } from '../worker/exchange.ts';
import { STALL_MS, type Worker } from '../worker/worker.ts';

/**
 * One request. The pool calls exactly one of {@link onDone} and {@link onFailure}, exactly once, unless the request was
 * cancelled. It is a class with plain fields, not an object of callbacks: there is one per request, on the hot path.
 */
export abstract class PoolRequest implements FifoEntry, Exchange {
  fifoNext: FifoEntry | undefined = undefined;
  fifoPrevious: FifoEntry | undefined = undefined;
  fifoOwner: object | undefined = undefined;

  /** True when running it twice does no harm and its bytes are still at hand: GET, HEAD, OPTIONS, PUT, DELETE. */
  readonly replayable: boolean;
  /** 1, then 2 when it is replayed. Goes into the head. */
  attempt = 1;
  /** How often a worker gave it back without having begun it. */
  handedOn = 0;
  /** Milliseconds of `performance.now()` when it was queued and when a worker got it. */
  queuedAt = 0;
  startedAt = 0;
  /** The worker that has it now. */
  worker: Worker | undefined = undefined;
  /** Set by the worker as soon as a part of the reply was handed to {@link onReply}: from then on it cannot be replayed. */
  replyStarted = false;
  /** Set when the client went away; nothing more is reported to the request. */
  cancelled = false;
  /** Milliseconds it may run, 0 for no limit; undefined for the pool's `exec_ttl`. */
  execTtl: number | undefined = undefined;

  constructor(replayable: boolean) {
    this.replayable = replayable;
  }

  /** Whether a busy worker may be sent it ahead of time: what may run twice, or is not run twice by its own rules. */
  get mayBeSentAhead(): boolean {
    return this.replayable;
  }

  /** Milliseconds that it may wait at a worker behind one that has begun; then it is given to another. */
  get stallMs(): number {
    return STALL_MS;
  }

  /** What it is, for the view of the workers: `GET /page`. */
  get label(): string {
    return '';
  }

  /** Head and body in the codec of the worker that takes it; called once per attempt. */
  abstract encode(codec: HeadCodec): Payload;

  /**
   * A part of the reply. `head` is empty on later parts. `flags` are the frame's.
   * @returns false when no more can be taken now; the worker is then not read until `pool.resume(request)`.
   * @throws RrtsError ERR_PROTOCOL_HEAD when the head makes no sense; the worker is then replaced.
   */
  abstract onReply(head: Buffer, body: Buffer, flags: number, last: boolean): boolean;

  /** The reply is complete. */
  abstract onDone(): void;

  /** There will be no (further) reply. `outcomeStatus(error.code)` of outcome.ts says which HTTP status it means. */
  abstract onFailure(error: RrtsError): void;
}
