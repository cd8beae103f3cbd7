// Sends a reply that comes in parts: each part is flushed, and a slow client slows the worker down, not the memory up.

import type { ServerResponse } from 'node:http';
import type { MappedHead } from './response-mapper.ts';

/** How a streamed reply is framed. */
export interface StreamOptions {
  /** No body may follow the head: HEAD, 204, 304. */
  readonly bodyless: boolean;
  /** The client reads chunks: HTTP/1.1. */
  readonly chunked: boolean;
}

/** One streamed reply. Made when its head is sent. */
export class ResponseStream {
  /** Body bytes handed to the socket. */
  bytes = 0;
  /** True when PHP wrote more than the Content-Length it declared; the surplus is dropped. */
  overran = false;
  readonly #response: ServerResponse;
  readonly #bodyless: boolean;
  readonly #trailers: readonly [string, string][] | undefined;
  /** Length that PHP declared; -1 when the body is chunked or ends with the connection. */
  readonly #declared: number;
  /** Without length and chunks only the end of the connection ends the body, so that a cut must be a reset. */
  readonly #endsWithConnection: boolean;

  constructor(response: ServerResponse, head: MappedHead, options: StreamOptions) {
    this.#response = response;
    this.#bodyless = options.bodyless;
    const { headers } = head;
    this.#trailers = options.chunked && !options.bodyless ? head.trailers : undefined;
    this.#declared = this.#trailers === undefined ? declaredLength(head) : -1;
    this.#endsWithConnection = !options.bodyless && this.#declared === -1 && !options.chunked;
    if (this.#declared !== -1) headers.push('Content-Length', String(this.#declared));
    if (this.#trailers !== undefined) headers.push('Trailer', this.#trailers.map(([name]) => name).join(', '));
    response.writeHead(head.status, headers);
  }

  /** @returns false when the client has not taken the bytes: wait for `drain` of the response. */
  write(part: Buffer): boolean {
    const body = this.#bounded(part);
    if (body.length > 0) return this.#response.write(body);
    if (!this.#response.headersSent || this.bytes === 0) this.#response.flushHeaders();
    return true;
  }

  /** @returns false when fewer bytes came than were declared: the response must then be cut, never ended. */
  end(part: Buffer): boolean {
    const body = this.#bounded(part);
    if (this.#declared > this.bytes && !this.#bodyless) {
      if (body.length > 0) this.#response.write(body);
      return false;
    }
    if (this.#trailers !== undefined) this.#response.addTrailers(this.#trailers);
    if (body.length > 0) this.#response.end(body);
    else this.#response.end();
    return true;
  }

  /** Ends the connection in a way that the client cannot take for the end of the body. What is buffered still goes out. */
  cut(): void {
    const { socket } = this.#response;
    if (this.#endsWithConnection) socket?.resetAndDestroy();
    else socket?.destroySoon();
  }

  #bounded(part: Buffer): Buffer {
    if (this.#bodyless || part.length === 0) return part.subarray(0, 0);
    let body = part;
    if (this.#declared !== -1 && this.bytes + part.length > this.#declared) {
      this.overran = true;
      body = part.subarray(0, this.#declared - this.bytes);
    }
    this.bytes += body.length;
    return body;
  }
}

/** 204 and 304 have no length; 205 has none but zero (RFC 9110 15.3.6). */
function declaredLength(head: MappedHead): number {
  if (head.status === 205) return 0;
  return head.status === 204 || head.status === 304 ? -1 : head.contentLength;
}
