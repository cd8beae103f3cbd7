// Sends responses that are known as a whole: replies in one frame, refusals, errors.

import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../../core/errors.ts';
import { outcomeStatus, retryAfterSeconds } from '../../pool/outcome.ts';
import type { HttpConfig } from './config.ts';
import type { Refusal } from './refusal.ts';
import { isBodyless, type MappedHead } from './response-mapper.ts';
import { closeGently } from './socket-close.ts';

/** Up to this size head and body go out as one string; above, copying costs more than a second chunk. */
const SMALL_BODY = 16 * 1024;

/** Sends head and body of a reply that came in one frame. @returns the body bytes that go out. */
export function sendWhole(response: ServerResponse, head: MappedHead, body: Buffer, isHead: boolean): number {
  const { status, headers } = head;
  if (isHead || isBodyless(status)) return sendBodyless(response, head, body, isHead);
  headers.push('Content-Length', String(body.length));
  response.writeHead(status, headers);
  if (body.length <= SMALL_BODY) endInOneWrite(response, body);
  else response.end(body);
  return body.length;
}

/** Answers a request that does not reach PHP, and closes its connection: what follows on it may be anything. */
export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  const { socket, req } = response;
  const headers = refusal.status === 204 ? [] : textHeaders(refusal.text);
  if (refusal.headers !== undefined) headers.push(...refusal.headers);
  if (refusal.keepOpen !== true) {
    headers.push('Connection', 'close');
    // Node closes with destroySoon after the response; a client in the middle of its body would get a reset instead.
    if (socket !== null && !req.complete) {
      socket.destroySoon = () => closeGently(socket);
      req.resume();
    }
  }
  response.writeHead(refusal.status, headers);
  response.end(bodyOf(refusal));
}

/** Answers bytes that are not HTTP, for which Node has made no response object. */
export function writeRefusal(socket: Socket, refusal: Refusal): void {
  const body = bodyOf(refusal);
  let text = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n`;
  const headers = [...textHeaders(refusal.text), ...(refusal.headers ?? []), 'Connection', 'close'];
  for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  socket.write(`${text}\r\n${body}`, 'latin1');
  closeGently(socket);
}

/** What a client is told of a failure in the pool: nothing internal, that is for the log. */
export function failureAnswer(
  code: ErrorCode,
  config: Pick<HttpConfig, 'errorCodes' | 'internalErrorCode'>,
): { status: number; text: string; headers: readonly string[] } {
  // RoadRunner answers every failure so, and an error frame is answered so by both.
  if (config.errorCodes === 'roadrunner' || code === 'ERR_WORKER_ERROR') {
    return { status: config.internalErrorCode, text: '', headers: [] };
  }
  const status = outcomeStatus(code);
  const retryAfter = retryAfterSeconds(code);
  const headers = retryAfter === undefined ? [] : ['Retry-After', String(retryAfter)];
  return { status, text: STATUS_CODES[status] ?? '', headers };
}

/** Answers a request that a worker could not. An empty `text` gives an empty body. */
export function sendError(
  response: ServerResponse,
  status: number,
  text: string,
  extra: readonly string[],
  type?: string,
): void {
  const headers = text === '' ? ['Content-Length', '0'] : textHeaders(text, type);
  headers.push(...extra);
  response.writeHead(status, headers);
  response.end(text === '' ? '' : `${text}\n`);
}

/**
 * Sends the head and a small body with one `write`. `end(body)` makes two chunks of them and a `writev`, which costs an eighth of
 * all requests per second (measured, "hello", Node 20). Node has no public way to add to a head it has built, so this uses the
 * field that holds it, and does without where there is none. The head is latin1 and a latin1 string holds any bytes.
 */
function endInOneWrite(response: ServerResponse & { _header?: unknown }, body: Buffer): void {
  if (typeof response._header === 'string') {
    response._header += body.toString('latin1');
    response.end();
  } else {
    response.end(body);
  }
}

function sendBodyless(response: ServerResponse, head: MappedHead, body: Buffer, isHead: boolean): number {
  const { status, headers } = head;
  if (status === 205) headers.push('Content-Length', '0');
  else if (isHead && status !== 204 && status !== 304) {
    const length = body.length > 0 ? body.length : head.contentLength;
    if (length >= 0) headers.push('Content-Length', String(length));
  }
  response.writeHead(status, headers);
  response.end();
  return 0;
}

function bodyOf(refusal: Refusal): string {
  return refusal.text === '' ? '' : `${refusal.text}\n`;
}

function textHeaders(text: string, type = 'text/plain; charset=utf-8'): string[] {
  return ['Content-Type', type, 'Content-Length', String(Buffer.byteLength(text) + 1)];
}
