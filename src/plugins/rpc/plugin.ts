// The rpc plugin: RoadRunner's RPC protocol over TCP on this machine, or over a unix socket.

import { chownSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { formatAddress, listenOptions } from '../../core/scalars.ts';
import { listenPrivately } from '../../core/unix-socket.ts';
import { readUsage } from '../../worker/usage.ts';
import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { listenError } from '../side-server.ts';
import { type RpcConfig, rpcSchema } from './config.ts';
import { Connection } from './connection.ts';
import type { Services } from './services.ts';
import { workerServices } from './worker-services.ts';

const MAX_CONNECTIONS = 1000;

/** At stop: longest wait for calls. A reset that waits for slow boots must not use up the time of the requests that run. */
const LONGEST_GRACE_MS = 1000;

class RpcPlugin implements Plugin {
  readonly #config: RpcConfig;
  readonly #context: PluginContext;
  readonly #server: Server;
  readonly #services: Services;
  readonly #connections = new Map<Socket, Connection>();

  constructor(config: RpcConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    this.#services = workerServices(() => context.pools(), readUsage);
    // Half-open: a client that has said all it has to say still gets its answers.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  async start(): Promise<void> {
    const { listen } = this.#config;
    const { logger, workerOwner } = this.#context;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(listenError(listen, 'rpc.listen', cause)));
      this.#server.once('listening', resolve);
      if (listen.kind === 'unix') listenPrivately(this.#server, listen.path).catch(reject);
      else this.#server.listen(listenOptions(listen));
    });
    this.#server.on('error', (error) => logger.warn({ err: error }, `rpc.listen: ${error.message}`));
    // The workers are whom it is for.
    if (listen.kind === 'unix' && workerOwner !== undefined) chownSync(listen.path, workerOwner.uid, workerOwner.gid);
    logger.info({ address: formatAddress(listen) }, `rpc listens on ${formatAddress(listen)}`);
  }

  async stop(graceMs: number): Promise<void> {
    if (!this.#server.listening) return;
    const cut = setTimeout(() => this.#cut(), Math.min(graceMs, LONGEST_GRACE_MS));
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections.values()) connection.end();
    });
    clearTimeout(cut);
  }

  #accept(socket: Socket): void {
    this.#connections.set(socket, new Connection(socket, this.#services, this.#context.logger));
    socket.once('close', () => this.#connections.delete(socket));
  }

  #cut(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }
}

/** The `rpc:` section. */
export const rpcPlugin: PluginType<typeof rpcSchema, RpcConfig> = {
  name: 'rpc',
  schema: rpcSchema,
  create: (config, context) => new RpcPlugin(config, context),
};
