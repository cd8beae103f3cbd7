// A small RPC client for tests: raw bytes, single frames, or calls by name.

import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG, type Frame } from '../../../src/protocol/frame.ts';
import { within } from '../../helpers/wait-for.ts';

/** What came back for a call. */
export interface Reply {
  readonly sequence: number;
  readonly flags: number;
  readonly method: string;
  readonly text: string;
}

/** One connection. Replies are matched to calls by their sequence number. */
export class RpcClient {
  readonly socket: Socket;
  /** Settles when the other side has closed. */
  readonly closed: Promise<void>;
  /** Whole frames, as they came. */
  readonly frames: Frame[] = [];
  readonly #decoder = new FrameDecoder();
  readonly #waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  #sequence = 0;

  constructor(to: NetConnectOpts) {
    this.socket = connect({ ...to, allowHalfOpen: true });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('end', () => this.socket.end());
      this.socket.once('close', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error('the connection was closed'));
        resolve();
      });
    });
    this.socket.on('data', (chunk: Buffer) => this.#decoder.push(chunk, (frame) => this.#receive(frame)));
  }

  /** Calls with a JSON argument, or with other flags and bytes. */
  send(method: string, argument: unknown, flags: number = FLAG.JSON): Promise<Reply> {
    const sequence = ++this.#sequence;
    const name = Buffer.from(method);
    const bytes = Buffer.isBuffer(argument) ? argument : Buffer.from(JSON.stringify(argument));
    this.socket.write(encodeFrame(flags, 0, [sequence, name.length], Buffer.concat([name, bytes])));
    return this.reply(sequence);
  }

  /** The reply to a call that was sent by hand. */
  reply(sequence: number): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.set(sequence, { resolve, reject }));
    return within(reply, 15_000, `the reply to call ${sequence}`);
  }

  /** The result of a call; throws the text of an error. */
  async call<T>(method: string, argument: unknown): Promise<T> {
    const reply = await this.send(method, argument);
    if ((reply.flags & FLAG.ERROR) !== 0) throw new Error(reply.text);
    return JSON.parse(reply.text);
  }

  close(): void {
    this.socket.destroy();
  }

  #receive(frame: Frame): void {
    this.frames.push(frame);
    const [sequence = 0, length = 0] = frame.options;
    const [method, text] = [frame.payload.subarray(0, length).toString(), frame.payload.subarray(length).toString()];
    this.#waiting.get(sequence)?.resolve({ sequence, flags: frame.flags, method, text });
    this.#waiting.delete(sequence);
  }
}
