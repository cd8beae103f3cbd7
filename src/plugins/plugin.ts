// The contract between a plugin and the rest of rrts. A plugin imports this, never another plugin.

import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { Logger } from '../core/logger.ts';
import type { PoolConfig } from '../pool/config.ts';
import type { Pool } from '../pool/pool.ts';
import type { Method } from './rpc-router/method.ts';
import type { RpcRouter } from './rpc-router/router.ts';

/** How a plugin is doing. `live` false asks for a restart, `ready` false for no traffic. */
export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  /** Why not, in one sentence; empty when all is well. */
  readonly message: string;
}

/** What a pool is asked to be. */
export interface PoolSpec {
  /** Name in logs and metrics: the plugin's. */
  readonly name: string;
  readonly config: PoolConfig;
  /** RR_MODE of the workers. */
  readonly mode: 'http' | 'jobs';
  /** Head codec for SDK workers; native workers say at hello what they read. */
  readonly sdkCodec: 'json' | 'proto';
}

/** A user of the system. */
export interface WorkerOwner {
  readonly uid: number;
  readonly gid: number;
}

/** What a program that is no worker is started with. */
export interface ProgramSettings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Address of the RPC listener, for RR_RPC; undefined without one. */
  readonly rpcAddress: string | undefined;
  /** What TCP clients must say there, for RRTS_RPC_TOKEN. */
  readonly rpcToken: string | undefined;
  /** `server.user` and `server.group`. */
  readonly user: string | undefined;
  readonly group: string | undefined;
}

/** What a plugin gets from its host. */
export interface PluginContext {
  readonly logger: Logger;
  /** Working directory of the workers, with its symbolic links. */
  readonly directory: string;
  /** Where metrics are registered; the metrics plugin prints it. */
  readonly metrics: Registry;
  /** Starts a pool; settles when its workers are ready, rejects when none can boot. The host stops it after the plugin. */
  createPool(spec: PoolSpec): Promise<Pool>;
  /**
   * For `reload`: gives a pool its new configuration and replaces its workers, while it serves. Rejects when a new one does not boot;
   * then the old workers and settings stay. The host does it, with the old `spec`, for pools that a reload leaves out.
   */
  reconfigurePool(pool: Pool, spec: PoolSpec): Promise<void>;
  /** Whom the workers run as, when that is somebody else (`server.user`): files made for them must be theirs. */
  readonly workerOwner: WorkerOwner | undefined;
  /**
   * A section of the configuration's root that belongs to no plugin: the one that RoadRunner has for each driver of queues. Names in
   * camelCase; undefined where there is none.
   */
  section(name: string): unknown;
  /** For programs that a plugin starts itself; asked at each start, because a reload may change them. */
  programSettings(): ProgramSettings;
  /** All pools that run. */
  pools(): readonly Pool[];
  /** `check` is asked at every probe; it must answer at once. */
  registerHealthCheck(plugin: string, check: () => Health): void;
  /** The checks that were registered, by plugin name. */
  healthChecks(): ReadonlyMap<string, () => Health>;
  /**
   * Makes methods known to RPC clients as `service.Method`, on the channel of every native worker and on every listener. Methods that a
   * service of this name had are replaced. `timeoutMs` is the longest time of a call when its caller says none (default: `rpc.call_timeout`; 0 for no limit).
   * @throws Error for `control`, which belongs to the host.
   */
  registerRpc(
    service: string,
    methods: Readonly<Record<string, Method>>,
    options?: { readonly timeoutMs?: number },
  ): void;
  /**
   * Calls a method from inside, with plain values; messages of protobuf are maps with the names of the .proto file. This is how a
   * plugin reaches the service of another one. `timeoutMs` is the longest time of the call, instead of that of the service.
   * @throws CallError ERR_RPC_METHOD where it is not there, and what the method throws.
   */
  callRpc(method: string, argument: unknown, options?: { readonly timeoutMs?: number }): Promise<unknown>;
  /** What listeners open a session on for each connection. */
  readonly rpcRouter: RpcRouter;
  /**
   * `claim` is asked, in the handler of the event, about an error that nobody caught. True says that it came from code which is not the
   * server's own and that the plugin has logged it: the server goes on instead of stopping.
   */
  claimFaults(claim: (thrown: unknown) => boolean): void;
  /** True until every plugin has started. */
  starting(): boolean;
  /** True from the moment the server was asked to stop. */
  readonly stopping: boolean;
}

/** A running plugin. The host calls `start` once, and `stop` once if `start` was called, also when it failed. */
export interface Plugin {
  /** Settles when it serves. Rejects with an RrtsError that names cause and place. */
  start(): Promise<void>;
  /**
   * Takes over a changed section, without a pause: `config` has new values for keys that are marked as live in the schema, and the
   * running ones for all others. Rejects when it cannot; it then goes on with the old section (the host takes back its pools).
   * Without this method a plugin can have no live keys.
   */
  reload?(config: unknown): Promise<void>;
  /** Takes no new work, finishes what it has within `graceMs`, then cuts it. Settles when nothing is left of it. */
  stop(graceMs: number): Promise<void>;
}

/** Something about a key of a plugin's section; `path` leads to it within the section. */
export interface SectionProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** One kind of plugin: its key in the configuration, the schema of that section, and how to make one. */
export interface PluginType<Schema extends z.ZodType, Config> {
  readonly name: string;
  readonly schema: Schema;
  create(config: Config, context: PluginContext): Plugin;
  /** What is allowed and yet looks like a mistake. Default: nothing. */
  warnings?(config: Config): readonly SectionProblem[];
  /**
   * What is wrong with the section in the light of the others: a name that must be there, for one. The configuration is refused. `sections` are
   * those of the plugins that the file has one for, by their keys, names in camelCase. Default: nothing.
   */
  problems?(config: Config, sections: ReadonlyMap<string, unknown>): readonly SectionProblem[];
}
