// A small HTTP server for probes and metrics: GET only, short timeouts, no request body. Each plugin that needs one has its own.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type Address, formatAddress, listenOptions } from '../core/scalars.ts';

/** What a handler answers. */
export interface SideAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Answers a GET or HEAD for `url`; undefined means 404. */
export type SideHandler = (url: URL) => Promise<SideAnswer | undefined> | SideAnswer | undefined;

/** Options of a side server. */
export interface SideServerOptions {
  readonly address: Address;
  /** Configuration key of the address; errors name it. */
  readonly key: string;
  readonly logger: Logger;
  readonly handle: SideHandler;
}

// Probes and scrapers send one small request; whoever takes longer is not one of them.
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 100;

/** A listening server with few needs. */
export class SideServer {
  readonly #options: SideServerOptions;
  readonly #server: Server;

  constructor(options: SideServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: IDLE_TIMEOUT_MS,
        maxHeaderSize: 16 * 1024,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(IDLE_TIMEOUT_MS);
  }

  /** Where it listens; for port 0 the port that was chosen. */
  get address(): Address {
    const bound = this.#server.address();
    const { address } = this.#options;
    return address.kind === 'tcp' && typeof bound === 'object' && bound !== null
      ? { ...address, port: bound.port }
      : address;
  }

  /** @throws RrtsError ERR_LISTEN that names address and cure. */
  async listen(): Promise<void> {
    const { address, key, logger } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(address, key, cause)));
      this.#server.listen(listenOptions(address), () => {
        this.#server.removeAllListeners('error');
        this.#server.on('error', (error) => logger.warn({ err: error }, `${key}: ${error.message}`));
        resolve();
      });
    });
  }

  /** Ends idle connections at once and the others as soon as they are answered, at most after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    if (!this.#server.listening) return;
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
    clearTimeout(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const answer = await this.#handle(request);
    if (response.destroyed) return;
    response.writeHead(answer.status, {
      'content-type': answer.contentType,
      'content-length': Buffer.byteLength(answer.body),
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  async #handle(request: IncomingMessage): Promise<SideAnswer> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'only GET and HEAD\n');
    try {
      const url = URL.canParse(request.url ?? '', 'http://localhost')
        ? new URL(request.url ?? '', 'http://localhost')
        : undefined;
      const answer = url === undefined ? plain(400, 'bad request target\n') : await this.#options.handle(url);
      return answer ?? plain(404, 'not found\n');
    } catch (error) {
      this.#options.logger.error({ err: error }, `${this.#options.key}: a request failed`);
      return plain(500, 'internal error\n');
    }
  }
}

/** ERR_LISTEN for a failed `listen`, with what to do about it. */
export function listenError(address: Address, key: string, cause: NodeJS.ErrnoException): RrtsError {
  const where = formatAddress(address);
  const [reason, cure] = listenReason(cause);
  return new RrtsError('ERR_LISTEN', `${key}: cannot listen on ${where}: ${reason}`, { cure, cause });
}

function listenReason(cause: NodeJS.ErrnoException): [reason: string, cure: string] {
  switch (cause.code) {
    case 'EADDRINUSE':
      return [
        'the address is in use',
        'Stop the program that has it (ss -ltnp shows which), or choose another address.',
      ];
    case 'EACCES':
      return ['this user may not', 'Choose a port above 1023, or let the system grant it (setcap, systemd socket).'];
    case 'EADDRNOTAVAIL':
      return ['this machine does not have the address', 'Use 127.0.0.1, or an address that ip addr shows.'];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['the host name is not known', 'Use an IP address.'];
    default:
      return [cause.message, 'Check the address.'];
  }
}

function plain(status: number, body: string): SideAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}
