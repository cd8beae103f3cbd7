// Accepts RPC connections and ends them: shared by all that answer calls, each on an address of its own.

import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../../core/logger.ts';
import { type Address, listenOptions } from '../../core/scalars.ts';
import { listenPrivately } from '../../core/unix-socket.ts';
import type { RpcRouter } from '../rpc-router/router.ts';
import { listenError } from '../side-server.ts';
import { digestOf } from './authentication.ts';
import { Connection } from './connection.ts';

const MAX_CONNECTIONS = 1000;
/** Connections over the limit are told of once in this time. */
const QUIET_MS = 1000;

/** At stop: longest wait for calls. A reset that waits for slow boots must not use up the time of the requests that run. */
const LONGEST_GRACE_MS = 1000;

/** Options of a listener. */
export interface RpcListenerOptions {
  /** Runs what is called. */
  readonly router: RpcRouter;
  readonly logger: Logger;
  /** Configuration key of the address; errors name it. */
  readonly key: string;
  /** What clients must say first, by `rpc.Authenticate`. Default: nothing. */
  readonly token?: string | undefined;
  /** Default 1000; one more is closed. */
  readonly maxConnections?: number;
}

/** A listener. Listen once, close once. */
export class RpcListener {
  readonly #options: RpcListenerOptions;
  readonly #server: Server;
  readonly #digest: Buffer | undefined;
  readonly #connections = new Map<Socket, Connection>();
  #droppedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RpcListenerOptions) {
    this.#options = options;
    // Half-open: a client that has said all it has to say still gets its answers.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    this.#server.on('drop', () => this.#dropped());
    this.#digest = options.token === undefined ? undefined : digestOf(options.token);
  }

  /** Listens; a unix socket gets mode 0600 and takes the place of one that a killed server left. @throws RrtsError ERR_LISTEN. */
  async listen(address: Address): Promise<void> {
    const { key, logger } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(listenError(address, key, cause)));
      this.#server.once('listening', resolve);
      if (address.kind === 'unix') listenPrivately(this.#server, address.path).catch(reject);
      else this.#server.listen(listenOptions(address));
    });
    this.#server.on('error', (error) => logger.warn({ err: error }, `${key}: ${error.message}`));
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Takes no further calls, answers those that run within `graceMs` and at most a second, then cuts them. */
  async close(graceMs: number): Promise<void> {
    if (!this.#server.listening) return;
    const cut = setTimeout(() => this.#cut(), Math.min(graceMs, LONGEST_GRACE_MS));
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections.values()) connection.end();
    });
    clearTimeout(cut);
  }

  #accept(socket: Socket): void {
    const { router, logger } = this.#options;
    this.#connections.set(socket, new Connection(socket, { router, logger, digest: this.#digest }));
    socket.once('close', () => this.#connections.delete(socket));
  }

  #dropped(): void {
    const now = performance.now();
    if (now - this.#droppedAt < QUIET_MS) return;
    this.#droppedAt = now;
    const { key, logger } = this.#options;
    logger.warn({}, `${key}: ${this.#server.maxConnections} connections are open; one more was closed`);
  }

  #cut(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }
}
