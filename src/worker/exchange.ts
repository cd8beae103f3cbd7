// What a worker needs of the request it runs, and how it tells its owner what became of it.

import type { RrtsError } from '../core/errors.ts';
import type { HeadCodec, Payload } from '../protocol/payload.ts';

/** The request as the worker sees it. */
export interface Exchange {
  replyStarted: boolean;
  /** Milliseconds it may run, 0 for no limit; undefined for what its worker allows. */
  readonly execTtl: number | undefined;
  /** What it is, for people: `GET /page`. */
  readonly label: string;
  encode(codec: HeadCodec): Payload;
  onReply(head: Buffer, body: Buffer, flags: number, last: boolean): boolean;
}

/** What became of an exchange. The pool's outcome table maps each kind to the fate of worker and request. */
export type OutcomeKind =
  | 'reply'
  | 'error_frame'
  | 'stop_wish'
  | 'not_begun'
  | 'crash'
  | 'cut'
  | 'malformed_reply'
  | 'memory_limit'
  | 'exec_ttl'
  | 'stream_timeout';

/** An ended exchange; `error` is set for every kind but `reply` and `stop_wish`. `not_begun`: the worker ended before it said that it begins it. */
export interface Outcome {
  readonly kind: OutcomeKind;
  readonly error?: RrtsError;
}
