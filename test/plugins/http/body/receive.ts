// A real HTTP server around readBody, for the tests of this folder.

import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BodyError } from '../../../../src/plugins/http/body/body-error.ts';
import type { BodyLimits, UploadOptions } from '../../../../src/plugins/http/body/limits.ts';
import { type ReceivedBody, readBody } from '../../../../src/plugins/http/body/read-body.ts';

/** What became of one request. */
export type Outcome = { readonly body: ReceivedBody } | { readonly error: unknown };

/** Options of one server; `uploads` are merged over a temporary directory without lists. */
export interface ReceiverOptions extends Partial<Omit<BodyLimits, 'uploads'>> {
  readonly uploads?: Partial<UploadOptions>;
}

/** A server that reads bodies and keeps what came of them. */
export class BodyReceiver {
  readonly errors: string[] = [];
  /** Bytes read from connections that are closed by now. */
  bytesRead = 0;
  readonly #server: Server;
  readonly dir: string;
  #port = 0;

  private constructor(dir: string, options: ReceiverOptions) {
    this.dir = dir;
    const limits: BodyLimits = {
      maxBytes: 8 * 1024 * 1024,
      rawBody: false,
      onError: (error) => this.errors.push((error as NodeJS.ErrnoException).code ?? error.message),
      ...options,
      uploads: { dir, forbid: [], allow: [], ...options.uploads },
    };
    this.#server = createServer(async (request, response) => {
      const { headers } = request;
      const length = headers['content-length'];
      const hasBody = length !== undefined || headers['transfer-encoding'] !== undefined;
      const contentLength = length !== undefined ? Number(length) : hasBody ? undefined : 0;
      const facts = { contentType: headers['content-type'], contentLength };
      const outcome = await readBody(request, facts, limits).then(
        (body): Outcome => ({ body }),
        (error): Outcome => ({ error }),
      );
      this.#server.emit('outcome', outcome);
      const status = 'body' in outcome ? 200 : outcome.error instanceof BodyError ? outcome.error.status : 599;
      response.writeHead(status, status === 200 ? {} : { connection: 'close' }).end();
    });
    this.#server.on('connection', (socket) => socket.on('close', () => (this.bytesRead += socket.bytesRead)));
  }

  static async start(options: ReceiverOptions = {}): Promise<BodyReceiver> {
    const receiver = new BodyReceiver(await mkdtemp(join(tmpdir(), 'rrts-body-')), options);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    receiver.#port = (receiver.#server.address() as AddressInfo).port;
    return receiver;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    await rm(this.dir, { recursive: true, force: true });
  }

  connect(): Socket {
    return connect(this.#port, '127.0.0.1').on('error', () => {});
  }

  /** The outcome of the next request to finish. */
  async next(): Promise<Outcome> {
    const [outcome] = await once(this.#server, 'outcome');
    return outcome as Outcome;
  }

  /** Sends one request, in pieces when `body` is a list, and waits for its outcome. */
  async send(
    method: string,
    contentType: string | undefined,
    body: Buffer | string | readonly Buffer[],
  ): Promise<Outcome> {
    const socket = this.connect();
    const outcome = this.next();
    const pieces = typeof body === 'string' ? [Buffer.from(body, 'latin1')] : Buffer.isBuffer(body) ? [body] : body;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const type = contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`;
    socket.write(`${method} / HTTP/1.1\r\nHost: a\r\n${type}Content-Length: ${length}\r\n\r\n`);
    for (const piece of pieces) {
      socket.write(piece);
      if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const result = await outcome;
    socket.destroy();
    return result;
  }

  /** Names of the files in the upload directory. */
  async files(): Promise<string[]> {
    return await readdir(this.dir);
  }
}

/** The body of an outcome; throws its error otherwise. */
export function bodyOf(outcome: Outcome): ReceivedBody {
  if ('error' in outcome) throw outcome.error;
  return outcome.body;
}

/** Status and message of a refused body. */
export function refusalOf(outcome: Outcome): string {
  if ('body' in outcome) return 'accepted';
  const { error } = outcome;
  return error instanceof BodyError ? `${error.status} ${error.message}` : `unexpected: ${String(error)}`;
}

/** One part: its header lines and its content, all latin1. */
export type RawPart = readonly [header: string, content: string | Buffer];

/** Content type and body of a multipart form of these parts. */
export function multipartOf(parts: readonly RawPart[], boundary = 'x-boundary'): { type: string; body: Buffer } {
  const pieces: Buffer[] = [];
  for (const [header, content] of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\n${header}\r\n\r\n`, 'latin1'));
    pieces.push(Buffer.isBuffer(content) ? content : Buffer.from(content, 'latin1'), Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return { type: `multipart/form-data; boundary=${boundary}`, body: Buffer.concat(pieces) };
}

/** Header of a field. */
export function field(name: string): string {
  return `Content-Disposition: form-data; name="${name}"`;
}

/** Headers of a file. */
export function file(name: string, fileName: string, type = 'text/plain'): string {
  return `Content-Disposition: form-data; name="${name}"; filename="${fileName}"\r\nContent-Type: ${type}`;
}
