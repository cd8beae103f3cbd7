// The rpc plugin: RoadRunner's RPC protocol over TCP, or over a unix socket.

import { formatAddress } from '../../core/scalars.ts';
import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { RpcListener } from '../rpc-listener/rpc-listener.ts';
import { type RpcConfig, rpcSchema, rpcWarnings, tokenOf } from './config.ts';
import { SocketFile } from './socket-file.ts';

class RpcPlugin implements Plugin {
  readonly #config: RpcConfig;
  readonly #context: PluginContext;
  readonly #listener: RpcListener;
  readonly #file: SocketFile | undefined;

  constructor(config: RpcConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    const { rpcRouter: router, logger } = context;
    const { maxConnections } = config;
    this.#listener = new RpcListener({ router, logger, key: 'rpc.listen', token: tokenOf(config), maxConnections });
    if (config.listen.kind === 'unix') this.#file = new SocketFile(config.listen.path, logger);
  }

  async start(): Promise<void> {
    const { listen } = this.#config;
    const { logger, workerOwner } = this.#context;
    if (listen.kind === 'none') return;
    this.#file?.prepare(workerOwner);
    await this.#listener.listen(listen);
    // The workers are whom it is for.
    if (workerOwner !== undefined) this.#file?.giveTo(workerOwner);
    logger.info({ address: formatAddress(listen) }, `rpc listens on ${formatAddress(listen)}`);
  }

  /** Workers of another user must get at the socket too. */
  async reload(): Promise<void> {
    this.#file?.giveTo(this.#context.workerOwner);
  }

  async stop(graceMs: number): Promise<void> {
    await this.#listener.close(graceMs);
    this.#file?.remove();
  }
}

/** The `rpc:` section. */
export const rpcPlugin: PluginType<typeof rpcSchema, RpcConfig> = {
  name: 'rpc',
  schema: rpcSchema,
  create: (config, context) => new RpcPlugin(config, context),
  warnings: rpcWarnings,
};
