// One client: reads calls, runs them side by side, answers each as soon as it is done.

import type { Socket } from 'node:net';
import { isRrtsError, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { FrameDecoder } from '../../protocol/decode.ts';
import type { Frame } from '../../protocol/frame.ts';
import { type Call, encodeError, encodeResult, readCall } from './call.ts';
import { runCall, type Services, textForCaller } from './services.ts';

/** Largest call. What is managed here is small; a wrong length must not make us wait for gigabytes. */
const MAX_PAYLOAD = 16 * 1024 * 1024;
/** Calls that run at the same time; the next ones wait in the socket. A call whose reply was not taken yet counts. */
const MAX_IN_FLIGHT = 128;

/** A connection. Made for an accepted socket that allows half-open. Which services there are is asked at each call. */
export class Connection {
  readonly #socket: Socket;
  readonly #services: () => Services;
  readonly #logger: Logger;
  readonly #decoder = new FrameDecoder(MAX_PAYLOAD);
  /** Calls of the portion that was read when the limit was reached. */
  readonly #waiting: Call[] = [];
  #inFlight = 0;
  /** True when no further call will come. */
  #ending = false;

  constructor(socket: Socket, services: () => Services, logger: Logger) {
    this.#socket = socket;
    this.#services = services;
    this.#logger = logger;
    const onFrame = (frame: Frame): void => this.#receive(readCall(frame));
    socket.on('data', (chunk: Buffer) => this.#read(chunk, onFrame));
    socket.on('error', () => socket.destroy());
    socket.once('end', () => this.#ended());
  }

  /** Takes no further call and closes when those that run are answered. */
  end(): void {
    this.#ending = true;
    this.#waiting.length = 0;
    this.#endIfDone();
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
    this.#ending = true;
    this.#endIfDone();
  }

  #fault(message: string): void {
    this.#ending = true;
    this.#waiting.length = 0;
    this.#logger.warn({ error: message }, `rpc: a connection was closed because of what came over it: ${message}`);
    this.#socket.destroy();
  }

  #receive(call: Call): void {
    if (this.#inFlight < MAX_IN_FLIGHT) {
      void this.#run(call);
      return;
    }
    this.#waiting.push(call);
    this.#socket.pause();
  }

  async #run(call: Call): Promise<void> {
    this.#inFlight++;
    const reply = await this.#answer(call);
    if (this.#socket.destroyed) return;
    this.#socket.write(reply, () => this.#done());
  }

  /** Never rejects: whatever happens, the caller gets an answer. */
  async #answer(call: Call): Promise<Buffer> {
    try {
      return encodeResult(call, await runCall(this.#services(), call));
    } catch (error) {
      const text = textForCaller(error);
      if (text === undefined) this.#logger.error({ err: error }, `rpc: ${call.method} failed: ${messageOf(error)}`);
      return encodeError(call, text ?? 'internal error');
    }
  }

  #done(): void {
    this.#inFlight--;
    const next = this.#waiting.shift();
    if (next !== undefined) void this.#run(next);
    else if (this.#socket.isPaused()) this.#socket.resume();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#ending && this.#inFlight === 0 && this.#waiting.length === 0) this.#socket.destroySoon();
  }
}
