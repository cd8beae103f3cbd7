// One HTTP request on its way to a worker and back.

import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { RrtsError } from '../../core/errors.ts';
import { outcomeStatus } from '../../pool/outcome.ts';
import { decodeResponseHead, encodeRequest } from '../../protocol/http/codecs.ts';
import type { HeadCodec, Payload } from '../../protocol/payload.ts';
import { FAILURE_HEADER, takeRelayed } from '../relayed-request.ts';
import type { ReceivedBody } from './body/read-body.ts';
import { debugPage } from './debug-page.ts';
import { bodyRefusal, receiveBody } from './receive-body.ts';
import type { Refusal } from './refusal.ts';
import type { AcceptedRequest } from './request-filter.ts';
import { HttpRequest } from './request-mapper.ts';
import { failureAnswer, sendError, sendRefusal, sendWhole } from './respond.ts';
import {
  addMissing,
  informationalHead,
  isBodyless,
  isFinalStatus,
  type MappedHead,
  mapResponseHead,
} from './response-mapper.ts';
import { ResponseStream } from './response-stream.ts';
import type { RouteTable } from './route-table.ts';
import type { Destination, HttpServices } from './services.ts';

/** The connection a request came on. */
export interface ExchangeOwner {
  readonly remoteAddress: string;
  /** Our own address: what an HTTP/1.0 client without Host has asked for. */
  readonly localHost: string;
  /** True when this is the last request that the connection may bring. */
  readonly spent: boolean;
  /** Nothing more will be written for this exchange. `overloaded`: it was refused because too many others wait. */
  exchangeFinished(response: ServerResponse, overloaded: boolean): void;
}

/** What the log says of a request whose client left; nobody receives it. */
const CLIENT_CLOSED_REQUEST = 499;
/** A request with the writer of its response. Made when its headers are accepted. */
export class HttpExchange extends HttpRequest {
  /** True while the body is being read: the request has not reached the pool. */
  receiving = false;
  readonly #services: HttpServices;
  readonly #owner: ExchangeOwner;
  readonly #response: ServerResponse;
  readonly #begunAt = performance.now();
  #destination: Destination;
  #codec: HeadCodec = 'json';
  #encoded = false;
  #stream: ResponseStream | undefined;
  /** The client has not taken what was written; the worker's stream waits. */
  #draining = false;
  /** `answered`: the response is out, what the worker still sends is dropped. `finished`: nothing is held any more. */
  #phase: 'open' | 'answered' | 'finished' = 'open';
  #status = 0;
  #written = 0;
  #received: ReceivedBody | undefined;
  #overloaded = false;
  /** Milliseconds that who made the request gives it; 0 for no limit. */
  #timeLimit = 0;

  constructor(services: HttpServices, owner: ExchangeOwner, response: ServerResponse, accepted: AcceptedRequest) {
    super(response.req, accepted, owner, services.requestHeaders);
    this.#services = services;
    this.#destination = services.destination;
    this.#owner = owner;
    this.#response = response;
    services.metrics.inFlight++;
    if (services.internal) this.#relay();
  }

  /** Hands a request that is complete to its pool. */
  submit(): void {
    const { routes } = this.#services;
    if (routes !== undefined) this.#follow(routes);
    if (this.#timeLimit > 0) this.execTtl = leastLimit(this.#timeLimit, this.execTtl ?? this.#destination.poolExecTtl);
    this.#destination.pool.submit(this);
  }

  /** Reads the body, then hands the request to the pool: a slow sender holds a connection, never a worker. */
  async receive(accepted: AcceptedRequest): Promise<void> {
    this.receiving = true;
    try {
      const body = await receiveBody(this.#response, accepted, this.#services);
      this.receiving = false;
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
      this.receiving = false;
      this.refuse(bodyRefusal(error));
      return;
    }
    this.submit();
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
    this.#destination.pool.cancel(this);
    if (this.#phase === 'open') this.#status = CLIENT_CLOSED_REQUEST;
    this.#finish();
  }

  override encode(codec: HeadCodec): Payload {
    this.#codec = codec;
    // Encoded again when it is replayed or handed on; the wait that counts is the first.
    if (!this.#encoded) this.#destination.queueTime.observe((this.startedAt - this.queuedAt) / 1000);
    this.#encoded = true;
    return encodeRequest(codec, this, this.body);
  }

  override onReply(head: Buffer, body: Buffer, flags: number, last: boolean): boolean {
    if (this.#phase !== 'open') return true;
    if (this.#stream !== undefined) return this.#continue(this.#stream, body, last);
    const mapped = mapResponseHead(decodeResponseHead(this.#codec, flags, head), this.#services.names);
    if (mapped.invalid !== undefined) this.#services.log.invalidHeaders(this, mapped.invalid);
    if (!last && mapped.status >= 100 && mapped.status <= 199) return this.#inform(mapped);
    if (!isFinalStatus(mapped.status)) {
      this.#fail(500, `unknown status code from worker: ${mapped.status}`);
      return true;
    }
    addMissing(mapped.headers, this.#services.responseHeaders);
    if (this.#closes) mapped.headers.push('Connection', 'close');
    if (!last || mapped.trailers !== undefined) return this.#begin(mapped, body, last);
    this.#answered(mapped.status, sendWhole(this.#response, mapped, body, this.method === 'HEAD'));
    return true;
  }

  override onDone(): void {
    this.#finish();
  }

  override onFailure(error: RrtsError): void {
    if (this.#phase === 'finished') return;
    this.#services.log.failed(this, error);
    if (this.#phase === 'open') {
      if (this.#stream === undefined) this.#failWith(error);
      else this.#cut(this.#stream);
    }
    this.#finish();
  }

  #relay(): void {
    const relayed = takeRelayed(this.headers);
    if (relayed === undefined) return;
    this.standFor(relayed);
    this.#timeLimit = relayed.timeoutMs;
  }

  /** Takes the pool and the time limit of its route, if it has one. */
  #follow(routes: RouteTable<Destination>): void {
    const destination = routes.find(this.method, this.target);
    if (destination === undefined) return;
    this.#destination = destination;
    this.execTtl = destination.execTtl;
  }

  #begin(mapped: MappedHead, body: Buffer, last: boolean): boolean {
    const bodyless = this.method === 'HEAD' || isBodyless(mapped.status);
    this.#stream = new ResponseStream(this.#response, mapped, { bodyless, chunked: this.protocol === '1.1' });
    this.#status = mapped.status;
    return this.#continue(this.#stream, body, last);
  }

  #continue(stream: ResponseStream, body: Buffer, last: boolean): boolean {
    if (!last) return stream.write(body) || this.#waitForDrain(this.#response);
    if (!stream.end(body)) {
      this.#services.log.short(this);
      this.#cut(stream);
    }
    if (stream.overran) this.#services.log.overran(this);
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
    // Parts of the chunk that is being decoded still come after the first that the client did not take.
    if (this.#draining) return false;
    this.#draining = true;
    const { socket } = this.#response;
    socket?.setTimeout(this.#services.config.timeouts.sendIdle);
    source.once('drain', () => {
      this.#draining = false;
      if (this.#phase !== 'open') return;
      socket?.setTimeout(0);
      this.#destination.pool.resume(this);
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

  #fail(status: number, text: string, extra: readonly string[] = [], type?: string): void {
    sendError(this.#response, status, text, this.#closes ? [...extra, 'Connection', 'close'] : extra, type);
    this.#answered(status, text.length);
  }

  #failWith(error: RrtsError): void {
    const { config, metrics } = this.#services;
    const { status, text, headers } = failureAnswer(error.code, config);
    if (outcomeStatus(error.code) === 503) metrics.noFreeWorkers++;
    this.#overloaded = error.code === 'ERR_POOL_QUEUE_FULL';
    const page = this.#destination.debug ? debugPage(error, status, this.#response.req.headers.accept) : undefined;
    const told = this.#services.internal ? [...headers, FAILURE_HEADER, error.code] : headers;
    this.#fail(status, page?.text ?? text, told, page?.type);
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
    accessLog?.(this, this.#status, this.#written, elapsed);
    this.#owner.exchangeFinished(this.#response, this.#overloaded);
  }

  #releaseBody(): void {
    this.#received?.release();
    this.#received = undefined;
  }
}

/** The shorter of two times, of which 0 is for ever. */
function leastLimit(one: number, other: number): number {
  return other === 0 ? one : Math.min(one, other);
}
