// The rpc plugin: RoadRunner's RPC protocol over TCP on this machine, or over a unix socket.

import { chownSync } from 'node:fs';
import { formatAddress } from '../../core/scalars.ts';
import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { RpcListener } from '../rpc-listener/rpc-listener.ts';
import { type RpcConfig, rpcSchema } from './config.ts';

class RpcPlugin implements Plugin {
  readonly #config: RpcConfig;
  readonly #context: PluginContext;
  readonly #listener: RpcListener;

  constructor(config: RpcConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    const services = () => context.rpcServices();
    this.#listener = new RpcListener({ services, logger: context.logger, key: 'rpc.listen' });
  }

  async start(): Promise<void> {
    const { listen } = this.#config;
    const { logger, workerOwner } = this.#context;
    await this.#listener.listen(listen);
    // The workers are whom it is for.
    if (listen.kind === 'unix' && workerOwner !== undefined) chownSync(listen.path, workerOwner.uid, workerOwner.gid);
    logger.info({ address: formatAddress(listen) }, `rpc listens on ${formatAddress(listen)}`);
  }

  /** Workers of another user must get at the socket too. */
  async reload(): Promise<void> {
    const { listen } = this.#config;
    if (listen.kind !== 'unix' || process.getuid === undefined || process.getgid === undefined) return;
    const { uid, gid } = this.#context.workerOwner ?? { uid: process.getuid(), gid: process.getgid() };
    chownSync(listen.path, uid, gid);
  }

  stop(graceMs: number): Promise<void> {
    return this.#listener.close(graceMs);
  }
}

/** The `rpc:` section. */
export const rpcPlugin: PluginType<typeof rpcSchema, RpcConfig> = {
  name: 'rpc',
  schema: rpcSchema,
  create: (config, context) => new RpcPlugin(config, context),
};
