// One client connection: one request at a time, and what becomes of it when the client leaves or sends nonsense.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ExchangeOwner, HttpExchange } from './http-exchange.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import { type AcceptedRequest, filterRequest, isRefusal } from './request-filter.ts';
import { sendRefusal, writeRefusal } from './respond.ts';
import type { HttpServices } from './services.ts';

const CONNECTION = Symbol('rrts.http.connection');

/**
 * Shortest time that a connection whose request was refused for a full queue is not read; up to twice as long by chance, so that
 * those refused together do not come back together. Clients that ask again at once, whatever Retry-After says, would by their
 * number keep the event loop from what workers answer: 1,000 of them took a third of the workers' time (measured).
 */
const REST_MS = 400;

/** Node's own switch for "stop parsing": without it the parser turns the socket on again after each message it completes. */
interface PausableSocket extends Socket {
  [CONNECTION]?: Connection;
  _paused?: boolean;
  parser?: { resume(): void } | null;
}

/** The connection that `socket` belongs to. */
export function connectionOf(socket: Socket): Connection | undefined {
  return (socket as PausableSocket)[CONNECTION];
}

/** State of one HTTP/1 connection. */
export class Connection implements ExchangeOwner {
  readonly remoteAddress: string;
  readonly #services: HttpServices;
  readonly #socket: PausableSocket;
  /** Requests that may still come after the present one. */
  #left: number;
  #busy = false;
  #current: HttpExchange | undefined;
  /** The response that was ended last; Node may still be writing it. */
  #last: ServerResponse | undefined;
  /** Responses of pipelined requests that wait for their turn. */
  #waiting: ServerResponse[] = [];
  /** Set when bytes came that are not HTTP while earlier requests are still being answered. */
  #fault: Refusal | undefined;
  /** The last answer is out or on its way; whatever else comes is not looked at. */
  #closing = false;
  /** Set while it rests after a refusal. */
  #resting: NodeJS.Timeout | undefined;
  /** Set while a request has its time once more. */
  #moreTime: NodeJS.Timeout | undefined;

  constructor(services: HttpServices, socket: Socket) {
    this.#services = services;
    this.#socket = socket;
    // Node counts too, but then answers what is pipelined behind the last one with 503 and does not close.
    this.#left = services.config.limits.requestsPerConnection || Number.POSITIVE_INFINITY;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.#socket[CONNECTION] = this;
    services.connections.add(this);
    socket.on('close', () => this.#closed());
  }

  get localHost(): string {
    const { localAddress, localPort } = this.#socket;
    if (localAddress === undefined) return 'localhost'; // a Unix socket
    const host = plainAddress(localAddress);
    return `${host.includes(':') ? `[${host}]` : host}:${localPort}`;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get spent(): boolean {
    return this.#left <= 0;
  }

  /** A request whose headers are complete. */
  receive(response: ServerResponse): void {
    if (this.#closing) return;
    clearTimeout(this.#moreTime);
    if (!this.#busy && response.socket !== null) {
      this.#start(response);
      return;
    }
    // One request at a time: Node would start every pipelined request at once, so that one client could fill the queue.
    this.#waiting.push(response);
    this.#pause();
    if (!this.#busy) this.#nextAfter(this.#last);
  }

  exchangeFinished(response: ServerResponse, overloaded = false): void {
    this.#current = undefined;
    this.#last = response;
    if (this.#closing) return;
    // Its head may have said "keep-alive" before the server was asked to stop.
    if (this.#services.stopping && response.socket !== null) response.once('finish', () => this.closeIfIdle());
    if (overloaded && !this.#services.stopping) this.#rest(response);
    else this.#goOn(response);
  }

  /**
   * A request did not come in time. A socket that is not read, because earlier requests of this connection are still being answered, may have
   * the rest of it: then it has its time again from when the socket is read. Node looks at each request once, so that is watched here.
   */
  late(): void {
    if (this.#socket._paused !== true || this.#current?.receiving === true) {
      this.fault(REFUSALS.timeout);
      return;
    }
    const { timeouts } = this.#services.config;
    const last = this.#waiting.at(-1)?.req;
    // Of a body whose head came, or of a head.
    if (last?.complete === false) this.#giveMoreTime(timeouts.body, () => last.complete);
    else this.#giveMoreTime(timeouts.headers || timeouts.body, () => false);
  }

  /** Bytes came that are not HTTP, or a request did not come in time. */
  fault(refusal: Refusal): void {
    if (this.#fault !== undefined || this.#closing) return;
    this.#fault = refusal;
    if (!this.#socket.writable) {
      this.#socket.destroy();
    } else if (this.#current?.receiving === true) {
      this.#forgetTheRest();
      this.#current.refuse(refusal);
    } else if (!this.#busy) {
      this.#forgetTheRest();
      writeRefusal(this.#socket, refusal);
    }
  }

  /** The socket was idle for as long as its present phase allows. */
  timedOut(): void {
    if (this.#current?.receiving === true) this.fault(REFUSALS.timeout);
    else this.#socket.destroy();
  }

  closeIfIdle(): void {
    const idle = !this.#busy || (this.#resting !== undefined && this.#waiting.length === 0);
    if (idle && this.#socket.writableLength === 0) this.#socket.destroySoon();
  }

  #start(response: ServerResponse): void {
    this.#busy = true;
    this.#left--;
    const { config, names, memory } = this.#services;
    const verdict: AcceptedRequest | Refusal = memory.isFull(this.#services)
      ? REFUSALS.memory
      : filterRequest(response.req, config.limits, names);
    if (isRefusal(verdict)) {
      this.#refuse(response, verdict);
      return;
    }
    const exchange = new HttpExchange(this.#services, this, response, verdict);
    this.#current = exchange;
    if (verdict.contentLength === 0 && verdict.contentType === '') exchange.submit();
    else if (this.#fault !== undefined && !response.req.complete) exchange.refuse(this.#fault);
    else void exchange.receive(verdict);
  }

  #goOn(response: ServerResponse): void {
    if (this.#waiting.length === 0 && this.#fault === undefined) this.#busy = false;
    else this.#nextAfter(response);
  }

  #rest(response: ServerResponse): void {
    this.#pause();
    this.#resting = setTimeout(
      () => {
        this.#resting = undefined;
        this.#goOn(response);
        if (this.#waiting.length === 0) this.#resume();
      },
      REST_MS * (1 + Math.random()),
    );
  }

  /** @param wasPaused - whether the socket was not read at the last look: a whole time must pass in which it is. */
  #giveMoreTime(ms: number, hasCome: () => boolean, wasPaused = true): void {
    this.#moreTime = setTimeout(() => {
      if (hasCome()) return;
      const isPaused = this.#socket._paused === true;
      if (isPaused || wasPaused) this.#giveMoreTime(ms, hasCome, isPaused);
      else this.fault(REFUSALS.timeout);
    }, ms);
  }

  /** Node gives the socket to the next response when it has written the one before, and takes it from that one. */
  #nextAfter(response: ServerResponse | undefined): void {
    this.#busy = true;
    if (response === undefined || response.socket === null) this.#next();
    else response.once('finish', () => this.#next());
  }

  #refuse(response: ServerResponse, refusal: Refusal): void {
    const { logger, metrics, log } = this.#services;
    if (refusal === REFUSALS.memory) log.outOfMemory();
    logger.debug(
      { status: refusal.status, method: response.req.method, remoteAddress: this.remoteAddress },
      refusal.text,
    );
    metrics.answered(refusal.status, 0);
    // Nothing after it on this connection can be trusted to begin where it seems to begin.
    if (refusal.keepOpen !== true) this.#forgetTheRest();
    sendRefusal(response, refusal);
    this.exchangeFinished(response);
  }

  #next(): void {
    this.#busy = false;
    const response = this.#waiting.shift();
    if (!this.#socket.writable) {
      this.#forgetTheRest();
    } else if (response !== undefined) {
      this.#start(response);
      if (this.#waiting.length === 0) this.#resume();
    } else if (this.#fault !== undefined) {
      this.#forgetTheRest();
      writeRefusal(this.#socket, this.#fault);
    }
  }

  #forgetTheRest(): void {
    this.#closing = true;
    this.#waiting = [];
  }

  #pause(): void {
    if (this.#socket._paused === true) return;
    this.#socket._paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (this.#socket._paused !== true) return;
    this.#socket._paused = false;
    this.#socket.parser?.resume();
    this.#socket.resume();
  }

  #closed(): void {
    this.#services.connections.delete(this);
    clearTimeout(this.#resting);
    clearTimeout(this.#moreTime);
    this.#waiting = [];
    this.#current?.clientGone();
  }
}

/** `::ffff:127.0.0.1`, as a socket that takes both families names an IPv4 peer, is `127.0.0.1` to PHP. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return '127.0.0.1'; // a Unix socket: the peer is on this machine
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
