// One connection of a client: frames in, calls to its session, replies out.

import type { Socket } from 'node:net';
import { isRrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { FrameDecoder } from '../../protocol/decode.ts';
import type { Frame } from '../../protocol/frame.ts';
import type { RpcRouter } from '../rpc-router/router.ts';
import type { Peer, RpcSession } from '../rpc-router/session.ts';

/** A connection. Made for an accepted socket that allows half-open. */
export class Connection implements Peer {
  readonly name: string;
  readonly debug = false;
  readonly quietZero = false;
  readonly #socket: Socket;
  readonly #logger: Logger;
  readonly #decoder: FrameDecoder;
  readonly #session: RpcSession;
  /** True when no further call will come. */
  #ending = false;

  constructor(socket: Socket, router: RpcRouter, logger: Logger) {
    this.name = socket.remoteAddress === undefined ? 'a unix socket' : `${socket.remoteAddress}:${socket.remotePort}`;
    this.#socket = socket;
    this.#logger = logger;
    this.#decoder = new FrameDecoder(router.limits.maxPayload);
    this.#session = router.open(this);
    const onFrame = (frame: Frame): void => this.#session.receive(frame);
    socket.on('data', (chunk: Buffer) => this.#read(chunk, onFrame));
    socket.on('error', () => socket.destroy());
    socket.once('end', () => this.#ended());
    socket.once('close', () => this.#session.close());
  }

  write(frame: Buffer, sent: () => void): void {
    // Called when the system has taken it: a client that reads no answers is not read either, once its calls are as many as may run.
    this.#socket.write(frame, sent);
  }

  full(): void {
    this.#socket.pause();
  }

  free(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Takes no further call and closes when those that run are answered. */
  end(): void {
    this.#ending = true;
    this.#session.drain(() => this.#socket.destroySoon());
  }

  #read(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    if (this.#ending) return;
    try {
      this.#decoder.push(chunk, onFrame);
    } catch (error) {
      if (!isRrtsError(error)) throw error;
      this.#fault(error.message);
    }
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

  #fault(message: string): void {
    this.#ending = true;
    this.#logger.warn({ error: message }, `rpc: a connection was closed because of what came over it: ${message}`);
    this.#socket.destroy();
  }
}
