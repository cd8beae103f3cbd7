// One connection of a client: frames in, calls to its session, replies out.

import type { Socket } from 'node:net';
import { isRrtsError, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { FrameDecoder } from '../../protocol/decode.ts';
import type { Frame } from '../../protocol/frame.ts';
import { type Call, encodeError } from '../../protocol/rpc/call.ts';
import { encodeFailure } from '../rpc-router/codecs.ts';
import { CallError } from '../rpc-router/method.ts';
import type { RpcRouter } from '../rpc-router/router.ts';
import type { Peer, RpcSession } from '../rpc-router/session.ts';
import { AUTHENTICATE, AUTHENTICATE_MS, Gate, isAuthentication, STRANGER_MAX_PAYLOAD } from './authentication.ts';

/** A call that says it is larger is not read to its end. */
const MOST_SKIPPED = 256 * 1024 * 1024;
/** Time for the client to take the last answer of a connection that is closed on it. */
const LAST_WORDS_MS = 2000;
/** So much is read while as many calls run as may: on a socket that is not read the end of the client goes unnoticed. */
const READ_AHEAD = 128 * 1024;
/** Longest pause inside a call: what was read of it is kept in memory all the time. */
const PAUSE_MS = 60_000;

/** What a connection is made of. */
export interface ConnectionOptions {
  readonly router: RpcRouter;
  readonly logger: Logger;
  /** Digest of the token that the client has to say first; undefined when none is asked for. */
  readonly digest: Buffer | undefined;
}

/** A connection. Made for an accepted socket that allows half-open. */
export class Connection implements Peer {
  readonly name: string;
  readonly debug = false;
  readonly quietZero = false;
  readonly #socket: Socket;
  readonly #logger: Logger;
  readonly #decoder: FrameDecoder;
  readonly #session: RpcSession;
  readonly #maxPayload: number;
  readonly #gate: Gate;
  /** True until the client has said the token. */
  #stranger: boolean;
  /** True when no further call will come. */
  #ending = false;
  /** As many calls run as may. */
  #full = false;
  /** Bytes that were read since then. */
  #ahead = 0;
  /** The client does not take what we answer beside its calls. */
  #blocked = false;
  /** Closes a stranger who says nothing, or a client who does not take the last answer. */
  #deadline: NodeJS.Timeout | undefined;

  constructor(socket: Socket, { router, logger, digest }: ConnectionOptions) {
    this.name = socket.remoteAddress === undefined ? 'a unix socket' : `${socket.remoteAddress}:${socket.remotePort}`;
    this.#socket = socket;
    this.#logger = logger;
    this.#maxPayload = router.limits.maxPayload;
    this.#stranger = digest !== undefined;
    this.#decoder = new FrameDecoder(this.#stranger ? STRANGER_MAX_PAYLOAD : this.#maxPayload);
    this.#decoder.onTooLarge = (frame, length) => this.#tooLarge(frame, length);
    this.#session = router.open(this);
    this.#gate = new Gate(digest, this.#session);
    if (this.#stranger) this.#closeIn(AUTHENTICATE_MS, `it did not call ${AUTHENTICATE} within ${AUTHENTICATE_MS} ms`);
    this.#listen();
  }

  write(frame: Buffer, sent: () => void): void {
    // Called when the system has taken it: a client that reads no answers is not read either, once its calls are as many as may run.
    this.#socket.write(frame, sent);
  }

  full(): void {
    this.#full = true;
  }

  free(): void {
    this.#full = false;
    this.#ahead = 0;
    this.#readOn();
  }

  /** Takes no further call and closes when those that run are answered. */
  end(): void {
    this.#ending = true;
    this.#session.drain(() => this.#socket.destroySoon());
  }

  #listen(): void {
    const socket = this.#socket;
    const onFrame = (frame: Frame): void => this.#receive(frame);
    socket.on('data', (chunk: Buffer) => this.#read(chunk, onFrame));
    socket.on('error', () => socket.destroy());
    socket.once('end', () => this.#ended());
    socket.setTimeout(PAUSE_MS, () => {
      if (this.#decoder.pendingBytes > 0 && !socket.isPaused()) this.#fault(`a call stopped for ${PAUSE_MS} ms`);
    });
    socket.once('close', () => {
      clearTimeout(this.#deadline);
      this.#session.close();
    });
  }

  #read(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    if (this.#ending) return;
    try {
      this.#decoder.push(chunk, onFrame);
    } catch (error) {
      if (!isRrtsError(error)) throw error;
      this.#fault(error.message);
    }
    if (this.#full) this.#ahead += chunk.length;
    if (this.#ahead > READ_AHEAD) this.#socket.pause();
  }

  #receive(frame: Frame): void {
    if (this.#ending) return;
    if (this.#stranger || isAuthentication(frame)) this.#authenticate(frame);
    else this.#session.receive(frame);
  }

  #authenticate(frame: Frame): void {
    const { reply, open } = this.#gate.receive(frame);
    this.#answer(reply);
    if (open && this.#stranger) {
      this.#stranger = false;
      clearTimeout(this.#deadline);
      this.#decoder.maxPayload = this.#maxPayload;
    }
    if (this.#gate.exhausted) this.#refuse(`it called without the token too often`);
  }

  /** The name of the method is in the payload, so the answer has none. */
  #tooLarge({ flags, options }: Frame, length: number): void {
    if (this.#ending) return;
    const [sequence] = options;
    if (sequence === undefined || options.length < 2) {
      throw new RrtsError('ERR_PROTOCOL_SEQUENCE', `a frame of ${length} bytes that is no RPC call`);
    }
    const text = this.#stranger
      ? `rpc: this connection has to call ${AUTHENTICATE} with the token first`
      : `rpc: the call has ${length} bytes, allowed are ${this.#maxPayload}`;
    const call: Call = { sequence, method: Buffer.alloc(0), argument: Buffer.alloc(0), codec: flags, deadlineMs: 0 };
    const error = new CallError(text, this.#stranger ? 'ERR_RPC_TOKEN' : 'ERR_RPC_TOO_LARGE');
    this.#answer(encodeError(call, encodeFailure(flags, error, this.#session).bytes));
    if (this.#stranger || length > MOST_SKIPPED) this.#refuse(text);
  }

  /** An answer that the session does not count. */
  #answer(frame: Buffer): void {
    if (this.#socket.write(frame) || this.#blocked) return;
    this.#blocked = true;
    this.#socket.pause();
    this.#socket.once('drain', () => {
      this.#blocked = false;
      this.#readOn();
    });
  }

  #readOn(): void {
    if (this.#ahead <= READ_AHEAD && !this.#blocked && this.#socket.isPaused()) this.#socket.resume();
  }

  #ended(): void {
    if (this.#decoder.pendingBytes > 0 && !this.#ending) this.#fault('the input ended inside a frame');
    else this.#finish();
  }

  /** The client has said all it has to say: what waits is still run and answered. */
  #finish(): void {
    this.#ending = true;
    this.#session.finish(() => this.#socket.destroySoon());
  }

  /** Reads no further call. What still comes is thrown away, so that the client gets the last answer instead of a reset. */
  #refuse(why: string): void {
    this.#ending = true;
    this.#logger.warn({ caller: this.name }, `rpc: a connection is closed: ${why}`);
    this.#session.drain(() => this.#socket.end());
    this.#closeIn(LAST_WORDS_MS);
  }

  #closeIn(ms: number, why?: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      if (why !== undefined) this.#logger.warn({ caller: this.name }, `rpc: a connection is closed: ${why}`);
      this.#socket.destroy();
    }, ms);
  }

  #fault(message: string): void {
    this.#ending = true;
    this.#logger.warn({ error: message }, `rpc: a connection was closed because of what came over it: ${message}`);
    this.#socket.destroy();
  }
}
