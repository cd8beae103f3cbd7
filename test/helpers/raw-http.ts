// An HTTP client that sends bytes as told and shows what came back, byte for byte, with the time of every chunk.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from './wait-for.ts';

/** A response as it was on the wire. Strings hold one byte per character. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** In the order sent, names as sent. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** The chunks of a chunked body, each with `performance.now()` of its arrival. */
  readonly chunks: readonly { readonly data: string; readonly at: number }[];
  readonly trailers: readonly (readonly [string, string])[];
}

/** All values of a header, whatever the case of its name. */
export function valuesOf(response: Pick<RawResponse, 'headers'>, name: string): string[] {
  return response.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** One connection. */
export class RawClient {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Bytes of strings are latin1. */
  send(bytes: string | Buffer): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Says that nothing more comes, and keeps listening. */
  end(): void {
    this.#socket.end();
  }

  /** Goes away at once, as a browser tab that is closed. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Whether the server ended the connection and everything it sent was read. */
  get isAtEnd(): boolean {
    return this.#ended && this.#buffer.length === 0;
  }

  /** The next response, 1xx ones included. `bodyless` is for answers to HEAD. */
  async response(ms = 30_000, bodyless = false): Promise<RawResponse> {
    return within(this.#read(bodyless), ms, 'a whole response');
  }

  /** The head of the next response alone; its body stays to be read with {@link rest}. */
  async head(ms = 30_000): Promise<Pick<RawResponse, 'status' | 'reason' | 'headers'>> {
    return within(this.#head(), ms, 'the head of a response');
  }

  /** Whatever comes until the server closes the connection. */
  async rest(ms = 30_000): Promise<Buffer> {
    const wait = async () => {
      while (!this.#ended) await this.#more();
      return this.#take(this.#buffer.length);
    };
    return within(wait(), ms, 'the end of the connection');
  }

  /** At least `count` bytes that have come, all there are. */
  async some(count: number, ms = 30_000): Promise<Buffer> {
    const wait = async () => {
      while (this.#buffer.length < count) await this.#moreOrFail();
      return this.#take(this.#buffer.length);
    };
    return within(wait(), ms, `${count} bytes`);
  }

  async #read(bodyless: boolean): Promise<RawResponse> {
    const head = await this.#head();
    const empty = { body: Buffer.alloc(0), chunks: [], trailers: [] };
    if (bodyless || head.status < 200 || head.status === 204 || head.status === 304) return { ...head, ...empty };
    const [length] = valuesOf(head, 'content-length');
    if (length !== undefined) return { ...head, ...empty, body: await this.#exactly(Number(length)) };
    if (valuesOf(head, 'transfer-encoding').includes('chunked')) return { ...head, ...(await this.#chunked()) };
    while (!this.#ended) await this.#more();
    return { ...head, ...empty, body: this.#take(this.#buffer.length) };
  }

  async #head(): Promise<Pick<RawResponse, 'status' | 'reason' | 'headers'>> {
    const line = await this.#line();
    const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(line);
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(line)}`);
    return { status: Number(match[1]), reason: match[2] ?? '', headers: await this.#fields() };
  }

  async #fields(): Promise<[string, string][]> {
    const fields: [string, string][] = [];
    for (let line = await this.#line(); line !== ''; line = await this.#line()) {
      const colon = line.indexOf(':');
      fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
    return fields;
  }

  async #chunked(): Promise<Pick<RawResponse, 'body' | 'chunks' | 'trailers'>> {
    const chunks: { data: string; at: number }[] = [];
    for (;;) {
      const length = Number.parseInt(await this.#line(), 16);
      if (length === 0) break;
      const data = await this.#exactly(length);
      chunks.push({ data: data.toString('latin1'), at: performance.now() });
      await this.#line();
    }
    const body = Buffer.from(chunks.map((chunk) => chunk.data).join(''), 'latin1');
    return { body, chunks, trailers: await this.#fields() };
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#take(end).toString('latin1');
        this.#take(2);
        return line;
      }
      await this.#moreOrFail();
    }
  }

  async #exactly(count: number): Promise<Buffer> {
    while (this.#buffer.length < count) await this.#moreOrFail();
    return this.#take(count);
  }

  #take(count: number): Buffer {
    const part = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return part;
  }

  async #moreOrFail(): Promise<void> {
    if (this.#ended) throw new Error(`the connection ended early, after ${JSON.stringify(this.#buffer.toString())}`);
    await this.#more();
  }

  async #more(): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
