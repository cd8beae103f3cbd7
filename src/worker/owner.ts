// What a worker is given, and whom it tells what becomes of it.

import type { Logger } from '../core/logger.ts';
import type { Exchange, Outcome } from './exchange.ts';
import type { Worker } from './worker.ts';

/** Why and how a process ended. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The first reason that was given for ending it, or `died`. */
  readonly reason: string;
  /** Last lines it printed. */
  readonly tail: readonly string[];
}

/** The pool, as its workers see it. */
export interface WorkerOwner {
  /** The handshake is done. */
  workerReady(worker: Worker): void;
  /** The exchange ended; the worker has none now. It can take another one when its state is `ready`. */
  exchangeEnded(worker: Worker, exchange: Exchange, outcome: Outcome): void;
  /** The process is gone. `booted` is false when it never became ready. */
  workerExited(worker: Worker, exit: WorkerExit, booted: boolean): void;
}

/** What a worker needs beside its process. */
export interface WorkerOptions {
  readonly owner: WorkerOwner;
  readonly logger: Logger;
  readonly sdkCodec: 'json' | 'proto';
  /** Script or command, for messages. */
  readonly script: string;
  /** Handshake time in milliseconds. */
  readonly bootTimeout: number;
  /** Time a cancelled stream may take to end, in milliseconds. */
  readonly streamTimeout: number;
  /** For socket relays the connection comes by `adopt`; stdin and stdout carry no frames then. */
  readonly socketRelay: boolean;
  readonly debug: boolean;
}
