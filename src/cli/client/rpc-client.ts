// Calls a running server: one connection, JSON, and a deadline for everything.

import { connect, type Socket } from 'node:net';
import { messageOf, RrtsError } from '../../core/errors.ts';
import { type Address, formatAddress, formatDuration, listenOptions } from '../../core/scalars.ts';
import { FrameDecoder } from '../../protocol/decode.ts';
import { encodeFrame } from '../../protocol/encode.ts';
import { FLAG, type Frame } from '../../protocol/frame.ts';

/** A listener of this machine accepts at once. */
const CONNECT_TIMEOUT_MS = 2000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** A connection to a server. */
export class RpcClient {
  /** Settles when the connection is closed, by whichever side. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #where: string;
  readonly #decoder = new FrameDecoder();
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;

  private constructor(socket: Socket, where: string) {
    this.#socket = socket;
    this.#where = where;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error.message));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#fail('the server closed the connection');
        resolve();
      });
    });
  }

  /** Connects. @throws the system's error (ENOENT, ECONNREFUSED, EACCES ...), or ETIMEDOUT. */
  static connect(address: Address): Promise<RpcClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(listenOptions(address));
      const timer = setTimeout(
        () => socket.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })),
        CONNECT_TIMEOUT_MS,
      );
      socket.once('close', () => clearTimeout(timer));
      socket.once('error', reject);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('error', reject);
        resolve(new RpcClient(socket, formatAddress(address)));
      });
    });
  }

  /**
   * The result of a call.
   * @throws RrtsError ERR_CONTROL_CALL with the server's words, ERR_CONTROL_TIMEOUT when it says nothing within `timeoutMs`.
   */
  async call<T>(method: string, argument: unknown, timeoutMs: number): Promise<T> {
    const sequence = ++this.#sequence;
    const name = Buffer.from(method);
    const payload = Buffer.concat([name, Buffer.from(JSON.stringify(argument))]);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#waiting.set(sequence, { resolve: (result) => resolve(result as T), reject });
        timer = setTimeout(() => reject(tooLate(this.#where, method, timeoutMs)), timeoutMs);
        if (this.#socket.destroyed) this.#fail('the server closed the connection');
        else this.#socket.write(encodeFrame(FLAG.JSON, 0, [sequence, name.length], payload));
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(sequence);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      this.#decoder.push(chunk, (frame) => this.#receive(frame));
    } catch (error) {
      this.#fail(`it does not speak RPC: ${messageOf(error)}`);
      this.#socket.destroy();
    }
  }

  #receive({ flags, options, payload }: Frame): void {
    const [sequence = 0, length = 0] = options;
    const waiting = this.#waiting.get(sequence);
    const text = payload.subarray(length).toString();
    if (waiting === undefined) return;
    if ((flags & FLAG.ERROR) !== 0) waiting.reject(new RrtsError('ERR_CONTROL_CALL', text));
    else waiting.resolve(JSON.parse(text));
  }

  #fail(why: string): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new RrtsError('ERR_CONTROL_CALL', `${this.#where}: ${why}`));
  }
}

function tooLate(where: string, method: string, timeoutMs: number): RrtsError {
  const message = `the server at ${where} did not answer ${method} within ${formatDuration(timeoutMs)}`;
  return new RrtsError('ERR_CONTROL_TIMEOUT', message, { cure: 'Its log may say why; rrts stop -f ends it.' });
}
