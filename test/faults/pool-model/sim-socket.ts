// The master's ends of a simulated worker's pipes: real Node streams, with memory in place of descriptors.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** What a pipe can do. */
export type Direction = 'in' | 'out' | 'both';

/** One end. What the pool writes goes to `onWrite`, which says whether anybody is there to read it. */
export class SimSocket extends Duplex {
  readonly #onWrite: (bytes: Buffer) => boolean;
  readonly #onClosed: () => void;

  constructor(direction: Direction, onWrite: (bytes: Buffer) => boolean, onClosed: () => void = () => undefined) {
    const ways: object = { readable: direction !== 'out', writable: direction !== 'in' };
    super({ ...ways, allowHalfOpen: false });
    this.#onWrite = onWrite;
    this.#onClosed = onClosed;
    this.on('error', () => undefined); // as in spawnProcess
  }

  /** For the pool, which takes sockets. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** The worker's bytes arrive. */
  deliver(bytes: Buffer): void {
    if (!this.destroyed && !this.readableEnded) this.push(bytes);
  }

  /** The worker's end is closed, and all it wrote has arrived. */
  deliverEnd(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }

  override _read(): void {
    // Bytes come when the worker sends them.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    done(this.#onWrite(bytes) ? undefined : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#onClosed();
    done(error);
  }
}
