// The composition root: makes logger, pools and plugins known to one another, starts them in order and stops them in reverse.

import { Registry } from 'prom-client';
import { messageOf, RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { formatAddress } from '../core/scalars.ts';
import type { Health, Plugin, PluginContext, PoolSpec } from '../plugins/plugin.ts';
import type { RpcConfig } from '../plugins/rpc/config.ts';
import { rpcPlugin } from '../plugins/rpc/plugin.ts';
import { methodsOf, type Services } from '../plugins/rpc-listener/services.ts';
import { workerServices } from '../plugins/rpc-listener/worker-services.ts';
import { Pool } from '../pool/pool.ts';
import { VERSION } from '../version.ts';
import type { ServerConfig } from '../worker/config.ts';
import { identityOf } from '../worker/identity.ts';
import { readUsage } from '../worker/usage.ts';
import { type AnyPluginType, BUILT_IN_PLUGINS } from './built-in-plugins.ts';
import type { RootConfig } from './config.ts';
import { settlesWithin } from './deadline.ts';
import { runOnInit } from './on-init.ts';
import { onInitIdentity } from './privileges.ts';

/** Part of the grace that is kept for the workers when a plugin uses up its own. */
const POOL_RESERVE_MS = 2000;

/** What a server is made of. */
export interface ServerOptions {
  readonly config: RootConfig;
  readonly logger: Logger;
  /** Environment that workers inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Working directory of the workers. */
  readonly cwd: string;
  /** Default: those that come with rrts. */
  readonly pluginTypes?: readonly AnyPluginType[];
}

/** `starting` until every plugin serves, `stopping` from the moment a stop was asked for. */
export type ServerPhase = 'starting' | 'ready' | 'stopping';

/** A plugin that was started, with the pools it made. */
interface Started {
  readonly name: string;
  readonly plugin: Plugin;
  readonly pools: PoolEntry[];
}

interface PoolEntry {
  readonly pool: Pool;
  readonly destroyTimeout: number;
}

/** A server: everything that one configuration asks for. Start it once, stop it once. */
export class Server {
  readonly #options: ServerOptions;
  readonly #metrics = new Registry();
  readonly #healthChecks = new Map<string, () => Health>();
  readonly #rpcServices = new Map(workerServices(() => this.pools, readUsage));
  readonly #started: Started[] = [];
  readonly #aborted = new AbortController();
  #starting: Promise<void> | undefined;
  #ready = false;
  #stopped: Promise<void> | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** All pools that run, those that boot included. */
  get pools(): readonly Pool[] {
    return this.#started.flatMap(({ pools }) => pools.map(({ pool }) => pool));
  }

  /** What RPC clients may call. */
  get rpcServices(): Services {
    return this.#rpcServices;
  }

  /** How far it is. */
  get phase(): ServerPhase {
    if (this.stopping) return 'stopping';
    return this.#ready ? 'ready' : 'starting';
  }

  /** Pids of all workers that live at this moment. */
  get pids(): number[] {
    return this.pools.flatMap((pool) => pool.stats().workers.map((worker) => worker.pid));
  }

  /** Aborts at the moment a stop is asked for. */
  get stopSignal(): AbortSignal {
    return this.#aborted.signal;
  }

  /** True from the moment {@link stop} was called. */
  get stopping(): boolean {
    return this.#aborted.signal.aborted;
  }

  /** Settles when every plugin serves. Rejects, after stopping what ran, with what went wrong. */
  async start(): Promise<void> {
    this.#starting = this.#startAll();
    try {
      await this.#starting;
      this.#ready = true;
    } catch (error) {
      // Nothing was served yet, so there is nothing to wait for.
      await this.stop(0);
      throw error;
    }
  }

  /** Stops everything, the last started first; never takes much longer than `graceMs`. Further calls wait for the first. */
  stop(graceMs: number = this.#options.config.endure.gracePeriod): Promise<void> {
    this.#stopped ??= this.#stopAll(graceMs);
    return this.#stopped;
  }

  /** Kills all workers now. For a second signal, when {@link stop} takes too long. */
  async cut(): Promise<void> {
    this.#aborted.abort();
    await Promise.all(this.pools.map((pool) => pool.stop(0)));
  }

  async #startAll(): Promise<void> {
    const { config, environment, cwd, logger } = this.#options;
    const pluginTypes = (this.#options.pluginTypes ?? BUILT_IN_PLUGINS).filter(({ name }) => config.plugins.has(name));
    if (pluginTypes.length === 0) {
      throw new RrtsError('ERR_CONFIG_INVALID', 'the configuration has nothing to serve', {
        cure: 'Add an http: section with an address.',
      });
    }
    const onInit = config.server?.onInit;
    if (config.server !== undefined && onInit !== undefined) {
      const { signal } = this.#aborted;
      const runAs = onInitIdentity(config.server);
      await runOnInit({ config: onInit, runAs, cwd, environment, logger: logger.child({ logger: 'server' }), signal });
    }
    for (const type of pluginTypes) {
      if (this.stopping) return;
      await this.#startPlugin(type);
    }
  }

  async #startPlugin(type: AnyPluginType): Promise<void> {
    const pools: PoolEntry[] = [];
    const plugin = type.create(this.#options.config.plugins.get(type.name), this.#contextFor(type.name, pools));
    this.#started.push({ name: type.name, plugin, pools });
    await plugin.start();
  }

  #contextFor(name: string, pools: PoolEntry[]): PluginContext {
    const server = this;
    return {
      logger: this.#options.logger.child({ logger: name }),
      metrics: this.#metrics,
      createPool: (spec) => this.#createPool(spec, pools),
      workerOwner: identityOf(this.#options.config.server?.user, this.#options.config.server?.group),
      pools: () => this.pools,
      registerHealthCheck: (plugin, check) => {
        this.#healthChecks.set(plugin, check);
      },
      healthChecks: () => this.#healthChecks,
      registerRpc: (service, methods) => {
        if (service === 'control') throw new Error(`${name}: the RPC service control belongs to the server`);
        this.#rpcServices.set(service, methodsOf(methods));
      },
      rpcServices: () => this.#rpcServices,
      get stopping() {
        return server.stopping;
      },
    };
  }

  async #createPool(spec: PoolSpec, pools: PoolEntry[]): Promise<Pool> {
    const { config, environment, cwd, logger } = this.#options;
    const pool = new Pool({
      ...spec,
      server: config.server ?? missingServer(),
      logger: logger.child({ logger: 'server' }),
      rpcAddress: rpcUrl(config.plugins.get(rpcPlugin.name) as RpcConfig | undefined),
      version: VERSION,
      environment,
      cwd,
    });
    // Known before it has booted, so that a stop in the meantime reaches its workers.
    pools.push({ pool, destroyTimeout: spec.config.destroyTimeout });
    await pool.boot();
    return pool;
  }

  async #stopAll(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    const left = (): number => Math.max(0, deadline - performance.now());
    this.#aborted.abort();
    await this.#endStart(left());
    for (const { name, plugin, pools } of [...this.#started].reverse()) {
      const reserve = pools.length === 0 ? 0 : Math.min(POOL_RESERVE_MS, left() / 2);
      await this.#bounded(name, left(), () => plugin.stop(left() - reserve));
      await Promise.all(
        pools.map(({ pool, destroyTimeout }) => {
          const grace = Math.min(destroyTimeout, left());
          return this.#bounded(`pool ${pool.name}`, grace, () => pool.stop(grace));
        }),
      );
    }
  }

  /** A start that is under way fails as soon as its workers are gone. */
  async #endStart(graceMs: number): Promise<void> {
    if (this.#starting === undefined) return;
    const ended = this.#starting.catch(() => undefined);
    if (await settlesWithin(ended, 0)) return;
    await Promise.all(this.pools.map((pool) => this.#bounded(`pool ${pool.name}`, graceMs, () => pool.stop(0))));
    await settlesWithin(ended, graceMs);
  }

  /** Stops one thing; a thing that fails or takes too long is logged and left. */
  async #bounded(what: string, graceMs: number, stop: () => Promise<void>): Promise<void> {
    const { logger } = this.#options;
    try {
      if (await settlesWithin(stop(), graceMs + POOL_RESERVE_MS)) return;
      logger.warn({ code: 'ERR_STOP_TIMEOUT' }, `${what} did not stop within ${Math.round(graceMs)} ms and is left`);
    } catch (error) {
      logger.error({ err: error }, `${what} could not be stopped: ${messageOf(error)}`);
    }
  }
}

/** RR_RPC as the SDK reads it: with a scheme. Workers are told before the plugin starts, because it starts after them. */
function rpcUrl(config: RpcConfig | undefined): string | undefined {
  if (config === undefined) return undefined;
  const { listen } = config;
  return listen.kind === 'unix' ? formatAddress(listen) : `tcp://${formatAddress(listen)}`;
}

function missingServer(): ServerConfig {
  throw new RrtsError('ERR_CONFIG_INVALID', 'server.command: is missing, so there is no command to start workers with');
}
