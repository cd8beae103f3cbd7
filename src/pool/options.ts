// What a pool is made of, and what its workers are made of in turn.

import type { Logger } from '../core/logger.ts';
import { commandWords, withPhpSettings, workerEnvironment } from '../worker/command.ts';
import type { ServerConfig } from '../worker/config.ts';
import { accountOf, groupOf } from '../worker/identity.ts';
import type { RpcDoor } from '../worker/owner.ts';
import type { RelayListener } from '../worker/relay-listener.ts';
import type { SpawnOptions, spawnProcess } from '../worker/spawn.ts';
import type { PoolConfig } from './config.ts';

/** What a pool is told by the configuration and its surroundings; a reload can change it. */
export interface PoolSettings {
  /** RR_MODE of the workers. */
  readonly mode: string;
  readonly sdkCodec: 'json' | 'proto';
  readonly config: PoolConfig;
  readonly server: ServerConfig;
  /** Address of the RPC listener, passed on as RR_RPC. */
  readonly rpcAddress?: string | undefined;
  /** What a client of that listener has to say first, passed on as RRTS_RPC_TOKEN. */
  readonly rpcToken?: string | undefined;
  readonly version: string;
  /** Answers the calls that native workers make over their channel. Default: none, and they are told so. */
  readonly rpc?: RpcDoor | undefined;
  /** Environment that workers inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Working directory of the workers. */
  readonly cwd: string;
}

/** What a pool is made of. */
export interface PoolOptions extends PoolSettings {
  /** In logs and metrics. */
  readonly name: string;
  readonly logger: Logger;
  /** The socket relay, when several pools share one. Default: one of its own, if `server.relay` is a socket. */
  readonly relay?: RelayListener | undefined;
  /** How processes are started; default {@link spawnProcess}. For tests that simulate them. */
  readonly spawn?: typeof spawnProcess;
}

/** How the workers of a pool are started. */
export function spawnOptionsOf(options: PoolSettings): SpawnOptions {
  const { config, server } = options;
  return {
    words: withPhpSettings(commandWords(config.command ?? server.command)),
    cwd: options.cwd,
    env: workerEnvironment({
      inherited: options.environment,
      relay: server.relay,
      rpc: options.rpcAddress,
      rpcToken: options.rpcToken,
      extra: { ...accountOf(server.user), ...server.env },
      mode: options.mode,
      version: options.version,
    }),
    user: server.user,
    group: groupOf(server.user, server.group),
    batch: server.scheduling === 'batch',
  };
}
