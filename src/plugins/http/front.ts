// Listens, and stops without cutting anybody off who can be served in time.

import { once } from 'node:events';
import type { Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { type Address, listenOptions } from '../../core/scalars.ts';
import { removeStaleSocket } from '../../core/unix-socket.ts';
import { codeOf, listenError } from './address.ts';
import { applySettings, createHttpServer } from './server.ts';
import type { HttpServices } from './services.ts';

/** The listener of the http plugin. */
export class HttpFront {
  readonly server: Server;
  readonly #services: HttpServices;
  /** Undefined before {@link listen}, and for the internal front, which needs none. */
  #fastify: FastifyInstance | undefined;

  constructor(services: HttpServices) {
    this.#services = services;
    this.server = createHttpServer(services);
  }

  /**
   * Listens at `http.address`.
   * @returns the address, with the port that the system chose when 0 was asked for.
   * @throws RrtsError ERR_LISTEN
   */
  async listen(): Promise<Address> {
    const { address } = this.#services.config;
    try {
      if (address.kind === 'unix') await removeStaleSocket(address.path);
      await this.#bind(address);
    } catch (error) {
      throw listenError(error, address);
    }
    // After listening an error means that a connection could not be accepted (EMFILE); unheard it would end the process.
    this.server.on('error', (error) => this.#services.logger.error({ code: codeOf(error) }, `http: ${error.message}`));
    const bound = this.server.address();
    if (address.kind === 'unix' || bound === null || typeof bound === 'string') return address;
    return { kind: 'tcp', host: bound.address, port: bound.port };
  }

  /** Puts limits and time-outs in force that have changed: some at once, those of the parser for connections to come. */
  applySettings(): void {
    applySettings(this.server, this.#services);
  }

  /** Accepts no more connections, lets what runs finish for at most `graceMs`, then cuts it. Settles when no connection is left. */
  async close(graceMs: number): Promise<void> {
    this.#services.stopping = true;
    const closed = this.#closeListener();
    this.closeIdle();
    const grace = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(grace);
    // The server closes a turn before its last sockets say so, and only then is the pool told of clients that were cut off.
    while (this.#services.connections.size > 0) await setImmediate();
  }

  /** Closes the connections that nothing runs on and nothing is being written to. */
  closeIdle(): void {
    for (const connection of this.#services.connections) connection.closeIfIdle();
  }

  async #bind(address: Address): Promise<void> {
    if (this.#services.internal) {
      this.server.listen(listenOptions(address));
      await once(this.server, 'listening');
      return;
    }
    const listener = await this.#openFastify();
    if (address.kind === 'unix') {
      await listener.listen({ path: address.path });
      return;
    }
    // No host means every interface: the IPv6 wildcard takes IPv4 too, unless the machine has no IPv6.
    await listener
      .listen({ port: address.port, host: address.host === '' ? '::' : address.host })
      .catch((error: unknown) => {
        if (address.host !== '' || codeOf(error) !== 'EAFNOSUPPORT') throw error;
        return listener.listen({ port: address.port, host: '0.0.0.0' });
      });
  }

  async #openFastify(): Promise<FastifyInstance> {
    const { fastify } = await import('fastify');
    this.#fastify = fastify({
      logger: false,
      // Fastify owns the listener and its end. PHP's requests do not pass its router: that knows only the methods it was told
      // of, answers paths it cannot decode in its own words, and costs one request in twenty (54,400 against 51,900 per CPU
      // second for "hello" with a pool that answers at once; bare node:http 61,000).
      serverFactory: () => this.server,
      // Fastify's own handler would answer a second time.
      clientErrorHandler: () => undefined,
    });
    return this.#fastify;
  }

  async #closeListener(): Promise<void> {
    if (this.#fastify !== undefined) await this.#fastify.close();
    else if (this.server.listening) await new Promise((resolve) => void this.server.close(resolve));
  }
}
