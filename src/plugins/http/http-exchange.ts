// One HTTP request on its way to a worker and back.

import type { EventEmitter } from 'node:events';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { ErrorCode, RrtsError } from '../../core/errors.ts';
import { escapeControls } from '../../core/text.ts';
import { outcomeStatus, retryAfterSeconds } from '../../pool/outcome.ts';
import { PoolRequest } from '../../pool/request.ts';
import { decodeResponseHead, encodeRequest } from '../../protocol/http/codecs.ts';
import { NO_BODY, type RequestBody, type RequestHead } from '../../protocol/http/head.ts';
import type { HeadCodec, Payload } from '../../protocol/payload.ts';
import type { AccessLogEntry } from './access-log.ts';
import type { ReceivedBody } from './body/read-body.ts';
import { bodyRefusal, receiveBody } from './receive-body.ts';
import type { Refusal } from './refusal.ts';
import type { AcceptedRequest } from './request-filter.ts';
import { sendError, sendRefusal, sendWhole } from './respond.ts';
import { informationalHead, isFinalStatus, type MappedHead, mapResponseHead } from './response-mapper.ts';
import { ResponseStream } from './response-stream.ts';
import type { HttpServices } from './services.ts';

/** The connection a request came on. */
export interface ExchangeOwner {
  readonly remoteAddress: string;
  /** True when this is the last request that the connection may bring. */
  readonly spent: boolean;
  /** Nothing more will be written for this exchange. */
  exchangeFinished(response: ServerResponse): void;
}

const NO_ATTRIBUTES: Readonly<Record<string, string>> = {};
/** What the log says of a request whose client left; nobody receives it. */
const CLIENT_CLOSED_REQUEST = 499;
/** Running them twice means the same as once: RFC 9110 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * The head of the request for the codecs, the unit of work for the pool and the writer of the response in one object: there is
 * one per request, on the hot path.
 */
export class HttpExchange extends PoolRequest implements RequestHead {
  readonly method: string;
  readonly scheme = 'http';
  readonly host: string;
  readonly target: string;
  readonly protocol: string;
  readonly remoteAddress: string;
  readonly headers: string[];
  readonly attributes = NO_ATTRIBUTES;
  body: RequestBody = NO_BODY;
  readonly #services: HttpServices;
  readonly #owner: ExchangeOwner;
  readonly #response: ServerResponse;
  readonly #begunAt = performance.now();
  #codec: HeadCodec = 'json';
  #stream: ResponseStream | undefined;
  /** `answered`: the response is out, what the worker still sends is dropped. `finished`: nothing is held any more. */
  #phase: 'open' | 'answered' | 'finished' = 'open';
  #status = 0;
  #written = 0;
  #receiving = false;
  #received: ReceivedBody | undefined;

  constructor(services: HttpServices, owner: ExchangeOwner, response: ServerResponse, accepted: AcceptedRequest) {
    const method = response.req.method as string;
    super(IDEMPOTENT.has(method));
    this.method = method;
    this.host = accepted.host;
    this.target = accepted.target;
    this.protocol = response.req.httpVersion;
    this.remoteAddress = owner.remoteAddress;
    this.headers = accepted.headers;
    if (services.requestHeaders.length > 0) this.headers.push(...services.requestHeaders);
    this.#services = services;
    this.#owner = owner;
    this.#response = response;
    services.metrics.inFlight++;
  }

  /** True while the request is not complete: it has not reached the pool. */
  get receiving(): boolean {
    return this.#receiving;
  }

  /** Hands a request without a body to the pool. */
  submit(): void {
    this.#services.pool.submit(this);
  }

  /** Reads the body, then hands the request to the pool: a slow sender holds a connection, never a worker. */
  async receive(accepted: AcceptedRequest): Promise<void> {
    this.#receiving = true;
    try {
      const body = await receiveBody(this.#response, accepted, this.#services);
      this.#receiving = false;
      this.#received = body;
      if (this.#phase !== 'open') {
        this.#releaseBody();
        return;
      }
      this.body = body;
      if (accepted.contentLength === -1 && body.kind !== 'multipart') {
        // PHP reads CONTENT_LENGTH; the body is whole now, so its length is known.
        this.headers.push('content-length', String(body.bytes.length));
      }
    } catch (error) {
      this.#receiving = false;
      this.refuse(bodyRefusal(error));
      return;
    }
    this.#services.pool.submit(this);
  }

  /** Answers in PHP's place, unless an answer is out already. */
  refuse(refusal: Refusal): void {
    if (this.#phase !== 'open') return;
    sendRefusal(this.#response, refusal);
    this.#answered(refusal.status, refusal.text.length);
    this.#finish();
  }

  /** The client went away. */
  clientGone(): void {
    if (this.#phase === 'finished') return;
    this.#services.pool.cancel(this);
    if (this.#phase === 'open') this.#status = CLIENT_CLOSED_REQUEST;
    this.#finish();
  }

  override encode(codec: HeadCodec): Payload {
    this.#codec = codec;
    if (this.attempt === 1) this.#services.metrics.queued((this.startedAt - this.queuedAt) / 1000);
    return encodeRequest(codec, this, this.body);
  }

  override onReply(head: Buffer, body: Buffer, flags: number, last: boolean): boolean {
    if (this.#phase !== 'open') return true;
    if (this.#stream !== undefined) return this.#continue(this.#stream, body, last);
    const mapped = mapResponseHead(decodeResponseHead(this.#codec, flags, head), this.#services.names);
    if (mapped.invalid !== undefined && mapped.invalid.length > 0) this.#logInvalidHeaders(mapped.invalid);
    if (!last && mapped.status >= 100 && mapped.status <= 199) return this.#inform(mapped);
    if (!isFinalStatus(mapped.status)) {
      this.#fail(500, `unknown status code from worker: ${mapped.status}`);
      return true;
    }
    this.#addOwnHeaders(mapped.headers);
    if (!last || mapped.trailers !== undefined) return this.#begin(mapped, body, last);
    this.#answered(mapped.status, sendWhole(this.#response, mapped, body, this.method === 'HEAD'));
    return true;
  }

  override onDone(): void {
    this.#finish();
  }

  override onFailure(error: RrtsError): void {
    if (this.#phase === 'finished') return;
    this.#logFailure(error);
    if (this.#phase === 'answered') {
      this.#finish();
    } else if (this.#stream !== undefined) {
      this.#cut(this.#stream);
      this.#finish();
    } else {
      this.#failWith(error.code);
      this.#finish();
    }
  }

  #begin(mapped: MappedHead, body: Buffer, last: boolean): boolean {
    const { status } = mapped;
    const bodyless = this.method === 'HEAD' || status === 204 || status === 205 || status === 304;
    const stream = new ResponseStream(this.#response, mapped, { bodyless, chunked: this.protocol === '1.1' });
    this.#stream = stream;
    this.#status = status;
    return this.#continue(stream, body, last);
  }

  #continue(stream: ResponseStream, body: Buffer, last: boolean): boolean {
    if (!last) return stream.write(body) || this.#waitForDrain(this.#response);
    if (!stream.end(body)) {
      this.#services.logger.error(
        this.#facts(),
        'the worker sent fewer bytes than its Content-Length; the connection is cut',
      );
      this.#cut(stream);
    }
    if (stream.overran) {
      this.#services.logger.warn(
        this.#facts(),
        'the worker sent more bytes than its Content-Length; the rest is dropped',
      );
    }
    this.#answered(this.#status, stream.bytes);
    return true;
  }

  /** Sends a 1xx with its own headers; none of them stays for the final response. 101 would change the protocol: left out. */
  #inform(mapped: MappedHead): boolean {
    const { socket } = this.#response;
    if (mapped.status === 101 || this.protocol === '1.0' || socket === null) return true;
    return socket.write(informationalHead(mapped), 'latin1') || this.#waitForDrain(socket);
  }

  /** The client takes nothing more for now. Always false, which stops the worker's stream. */
  #waitForDrain(source: EventEmitter): false {
    const { socket } = this.#response;
    socket?.setTimeout(this.#services.config.timeouts.sendIdle);
    source.once('drain', () => {
      socket?.setTimeout(0);
      this.#services.pool.resume(this);
    });
    return false;
  }

  #cut(stream: ResponseStream): void {
    this.#response.socket?.setTimeout(this.#services.config.timeouts.sendIdle);
    this.#written = stream.bytes;
    stream.cut();
  }

  get #closes(): boolean {
    return this.#services.stopping || this.#owner.spent;
  }

  #addOwnHeaders(headers: string[]): void {
    const { responseHeaders } = this.#services;
    for (let index = 0; index < responseHeaders.length; index += 2) {
      const name = responseHeaders[index] as string;
      if (!hasHeader(headers, name)) headers.push(name, responseHeaders[index + 1] as string);
    }
    if (this.#closes) headers.push('Connection', 'close');
  }

  #fail(status: number, text: string, extra: readonly string[] = []): void {
    sendError(this.#response, status, text, this.#closes ? [...extra, 'Connection', 'close'] : extra);
    this.#answered(status, text.length);
  }

  #failWith(code: ErrorCode): void {
    const { config, metrics } = this.#services;
    const status = outcomeStatus(code);
    if (status === 503) metrics.noFreeWorkers++;
    if (config.errorCodes === 'roadrunner' || code === 'ERR_WORKER_ERROR') {
      this.#fail(config.internalErrorCode, '');
      return;
    }
    const retryAfter = retryAfterSeconds(code);
    this.#fail(status, STATUS_CODES[status] ?? '', retryAfter === undefined ? [] : ['Retry-After', String(retryAfter)]);
  }

  /** The last byte of the response was handed to the socket. */
  #answered(status: number, written: number): void {
    this.#phase = 'answered';
    this.#status = status;
    this.#written = written;
    const { socket } = this.#response;
    // What the client has not taken by now waits in memory, so it has only so long to take it.
    if (socket !== null && socket.writableLength > 0) socket.setTimeout(this.#services.config.timeouts.sendIdle);
  }

  #finish(): void {
    if (this.#phase === 'finished') return;
    this.#phase = 'finished';
    const { metrics, accessLog } = this.#services;
    const elapsed = performance.now() - this.#begunAt;
    metrics.inFlight--;
    metrics.answered(this.#status, elapsed / 1000);
    this.#releaseBody();
    accessLog?.(this.#logEntry(elapsed));
    this.#owner.exchangeFinished(this.#response);
  }

  #releaseBody(): void {
    this.#received?.release();
    this.#received = undefined;
  }

  #logInvalidHeaders(names: readonly string[]): void {
    const quoted = names.slice(0, 10).map((name) => escapeControls(name.slice(0, 80)));
    this.#services.logger.warn(
      { ...this.#facts(), headers: quoted },
      'the worker sent headers that HTTP does not allow; they are dropped',
    );
  }

  #logFailure(error: RrtsError): void {
    const facts = { ...this.#facts(), ...error.facts, code: error.code };
    if (outcomeStatus(error.code) === 503) this.#services.logger.warn(facts, error.message);
    else this.#services.logger.error(facts, error.message);
  }

  #facts(): { method: string; uri: string; pid: number | undefined } {
    return { method: this.method, uri: this.target, pid: this.worker?.pid };
  }

  #logEntry(elapsed: number): AccessLogEntry {
    return {
      method: this.method,
      target: this.target,
      host: this.host,
      scheme: this.scheme,
      remoteAddress: this.remoteAddress,
      headers: this.headers,
      status: this.#status,
      readBytes: this.body.bytes.length,
      writtenBytes: this.#written,
      startedAt: Date.now() - elapsed,
      elapsed,
    };
  }
}

function hasHeader(headers: readonly string[], name: string): boolean {
  const lower = name.toLowerCase();
  for (let index = 0; index < headers.length; index += 2) {
    if ((headers[index] as string).toLowerCase() === lower) return true;
  }
  return false;
}
