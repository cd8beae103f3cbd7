// What a worker is given, and whom it tells what becomes of it.

import type { Logger } from '../core/logger.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Exchange, Outcome } from './exchange.ts';
import type { ExitReason } from './exit-reason.ts';
import type { Worker } from './worker.ts';

/** Why and how a process ended. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The first reason that was given for ending it, or `died`. */
  readonly reason: ExitReason;
  /** Last lines it printed. */
  readonly tail: readonly string[];
}

/** The pool, as its workers see it. */
export interface WorkerOwner {
  /** The handshake is done. */
  workerReady(worker: Worker): void;
  /**
   * The running exchange ended; undefined when nobody waits for it any more. The worker can take another one when its state
   * is `ready`; when it is `working` it runs one that was sent ahead.
   */
  exchangeEnded(worker: Worker, exchange: Exchange | undefined, outcome: Outcome): void;
  /** Requests that were sent ahead and not begun; they go to other workers, in order. */
  takenBack(exchanges: Exchange[]): void;
  /** The process is gone. `booted` is false when it never became ready. */
  workerExited(worker: Worker, exit: WorkerExit, booted: boolean): void;
}

/** What answers the calls that native workers make over their channel. */
export interface RpcDoor {
  /** A worker that may call is ready. */
  open(peer: RpcPeer): RpcCalls;
  /** Bytes of a call or a result; the worker is told. */
  readonly maxPayload: number;
}

/** A caller, as the door sees it. */
export interface RpcPeer {
  /** For logs. */
  readonly name: string;
  /** Whether it is shown stacks. */
  readonly debug: boolean;
  /** A call of sequence number 0 wants no reply. */
  readonly quietZero: boolean;
  /** Sends a frame; `sent` is called when the peer, or the system, has taken it. */
  write(frame: Buffer, sent: () => void): void;
}

/** The calls of one worker. */
export interface RpcCalls {
  /** @throws RrtsError ERR_PROTOCOL_SEQUENCE for a frame that is no call. */
  receive(frame: Frame): void;
  /** The worker is gone. */
  close(): void;
}

/** What a worker needs beside its process. */
export interface WorkerOptions {
  readonly rpc: RpcDoor | undefined;
  readonly owner: WorkerOwner;
  readonly logger: Logger;
  readonly sdkCodec: 'json' | 'proto';
  /** SDK workers get requests ahead too: they cannot say in a hello that they keep them, so the operator says it. */
  readonly sdkPrefetch: boolean;
  /** Script or command, for messages. */
  readonly script: string;
  /** Handshake time in milliseconds. */
  readonly bootTimeout: number;
  /** Time allowed for a reply, and then between two parts of it, in milliseconds; 0 for no limit. */
  readonly execTtl: number;
  /** Time a cancelled stream may take to end, in milliseconds. */
  readonly streamTimeout: number;
  /** For socket relays the connection comes by `adopt`; stdin and stdout carry no frames then. */
  readonly socketRelay: boolean;
  /** Clients are shown what went wrong: a native worker renders its exceptions, our errors hold what was printed line by line. */
  readonly debug: boolean;
}
