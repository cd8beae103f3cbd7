// The composition root: makes logger, pools and plugins known to one another, starts them in order and stops them in reverse.

import { Registry } from 'prom-client';
import { messageOf, RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { Rounds } from '../core/rounds.ts';
import type { Health, PluginContext, PoolSpec, ProgramSettings, WorkerOwner } from '../plugins/plugin.ts';
import { type RpcConfig, rpcLimits, rpcUrl, tokenOf } from '../plugins/rpc/config.ts';
import { rpcPlugin } from '../plugins/rpc/plugin.ts';
import { registerCallMetrics } from '../plugins/rpc-router/call-metrics.ts';
import { RpcRouter } from '../plugins/rpc-router/router.ts';
import { type Service, type Services, serviceOf } from '../plugins/rpc-router/services.ts';
import type { PoolSettings } from '../pool/options.ts';
import { Pool } from '../pool/pool.ts';
import { VERSION } from '../version.ts';
import type { ServerConfig } from '../worker/config.ts';
import { identityOf } from '../worker/identity.ts';
import { RelayListener } from '../worker/relay-listener.ts';
import { type AnyPluginType, BUILT_IN_PLUGINS } from './built-in-plugins.ts';
import type { RootConfig } from './config.ts';
import { settlesWithin } from './deadline.ts';
import { runOnInit } from './on-init.ts';
import { onInitIdentity } from './privileges.ts';
import {
  logFailedReload,
  logReload,
  type PoolEntry,
  type ReloadReport,
  rootChanges,
  type Started,
  TakeOver,
} from './reload.ts';
import { hostServices } from './rpc-services/host-services.ts';

/** Part of the grace that is kept for the workers when a plugin uses up its own. */
const POOL_RESERVE_MS = 2000;

/** What the configuration files say, and the environment with what they add to it. */
export interface Configuration {
  readonly config: RootConfig;
  /** Environment that workers inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The configuration with the keys of the files, for `rpc.Config`. Default: nothing is told. */
  readonly written?: Readonly<Record<string, unknown>>;
}

/** What a server is made of. */
export interface ServerOptions extends Configuration {
  readonly logger: Logger;
  /** Reads the configuration again, for {@link Server.reload}; throws when it has mistakes. Default: it never changes. */
  readonly load?: () => Configuration;
  /**
   * Told of the configuration that a reload puts in force, and of the old one again when that fails: for what is outside the server,
   * such as the level of the log.
   */
  readonly onReload?: (config: RootConfig) => void;
  /** Told when a reload begins (true) and when it has ended, well or not. */
  readonly onReloading?: (begun: boolean) => void;
  /** Working directory of the workers. Symbolic links in it are followed anew by each. */
  readonly cwd: string;
  /** Takes the lines that the application writes to stderr by `app.Log`. Default: they are dropped. */
  readonly raw?: (line: string) => void;
  /** Default: those that come with rrts. */
  readonly pluginTypes?: readonly AnyPluginType[];
}

/** `starting` until every plugin serves, `stopping` from the moment a stop was asked for. */
export type ServerPhase = 'starting' | 'ready' | 'stopping';

/** A server: everything that one configuration asks for. Start it once, stop it once. */
export class Server {
  readonly #options: ServerOptions;
  readonly #metrics = new Registry();
  readonly #healthChecks = new Map<string, () => Health>();
  readonly #rpcServices: Map<string, Service>;
  readonly #router: RpcRouter;
  readonly #faultClaims: ((thrown: unknown) => boolean)[] = [];
  readonly #started: Started[] = [];
  readonly #aborted = new AbortController();
  /** One for all pools: they have the same `server.relay`. */
  #relay: RelayListener | undefined;
  #starting: Promise<void> | undefined;
  #ready = false;
  #stopped: Promise<void> | undefined;
  /** What is in force. */
  #current: Configuration;
  readonly #reloads = new Rounds(() => this.#reload());
  #takeOver: TakeOver | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#current = options;
    this.#rpcServices = hostServices({
      pools: () => this.pools,
      callInside: (method, argument) => this.#router.call(method, argument, 'informer'),
      written: () => this.#current.written ?? {},
      logger: options.logger,
      raw: options.raw ?? (() => undefined),
    });
    this.#router = new RpcRouter({
      services: () => this.#rpcServices,
      logger: options.logger.child({ logger: 'rpc' }),
      limits: rpcLimits(rpcIn(options.config)),
    });
    registerCallMetrics(this.#metrics, this.#router);
  }

  /** All pools that run, those that boot included. */
  get pools(): readonly Pool[] {
    return this.#started.flatMap(({ pools }) => pools.map(({ pool }) => pool));
  }

  /** What RPC clients may call. */
  get rpcServices(): Services {
    return this.#rpcServices;
  }

  get #pluginTypes(): readonly AnyPluginType[] {
    return this.#options.pluginTypes ?? BUILT_IN_PLUGINS;
  }

  /** PWD names the directory as the workers are started in it: some frameworks read it to find the application. */
  get #environment(): Configuration['environment'] {
    return { ...this.#current.environment, PWD: this.#options.cwd };
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

  /** Whether an error that nobody caught is a plugin's, which has logged it. To be asked in the handler of the event. */
  claimsFault(thrown: unknown): boolean {
    return this.#faultClaims.some((claim) => claim(thrown));
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

  /**
   * Reads the configuration again, puts in force what can change while it runs, and replaces all workers; nobody waits for it. Settles
   * when no old worker takes requests any more. Calls during a reload share the one that follows it. Rejects, with everything as it
   * was, when the configuration has mistakes or a new worker does not boot; both are logged too.
   */
  reload(): Promise<ReloadReport> {
    return this.#reloads.run();
  }

  /** Longest time that an orderly stop takes, in milliseconds. */
  get graceMs(): number {
    return this.#current.config.endure.gracePeriod;
  }

  /** Stops everything, the last started first; never takes much longer than `graceMs`. Further calls wait for the first. */
  stop(graceMs: number = this.graceMs): Promise<void> {
    this.#stopped ??= this.#stopAll(graceMs);
    return this.#stopped;
  }

  /** Kills all workers now. For a second signal, when {@link stop} takes too long. */
  async cut(): Promise<void> {
    this.#aborted.abort();
    await Promise.all(this.pools.map((pool) => pool.stop(0)));
  }

  async #startAll(): Promise<void> {
    const { cwd, logger } = this.#options;
    const { config } = this.#current;
    const pluginTypes = this.#pluginTypes.filter(({ name }) => config.plugins.has(name));
    if (pluginTypes.length === 0) {
      throw new RrtsError('ERR_CONFIG_INVALID', 'the configuration has nothing to serve', {
        cure: 'Add an http: section with an address.',
      });
    }
    const onInit = config.server?.onInit;
    if (config.server !== undefined && onInit !== undefined) {
      const { signal } = this.#aborted;
      const runAs = onInitIdentity(config.server);
      const environment = this.#environment;
      await runOnInit({ config: onInit, runAs, cwd, environment, logger: logger.child({ logger: 'server' }), signal });
    }
    for (const type of pluginTypes) {
      if (this.stopping) return;
      await this.#startPlugin(type);
    }
  }

  async #startPlugin(type: AnyPluginType): Promise<void> {
    const pools: PoolEntry[] = [];
    const plugin = type.create(this.#current.config.plugins.get(type.name), this.#contextFor(type.name, pools));
    this.#started.push({ name: type.name, plugin, pools });
    await plugin.start();
  }

  #contextFor(name: string, pools: PoolEntry[]): PluginContext {
    const server = this;
    return {
      logger: this.#options.logger.child({ logger: name }),
      directory: this.#options.cwd,
      metrics: this.#metrics,
      createPool: (spec) => this.#createPool(spec, pools),
      reconfigurePool: (pool, spec) => this.#reconfigurePool(pool, spec),
      get workerOwner() {
        return ownerIn(server.#current.config);
      },
      section: (section) => this.#current.config.sections.get(section),
      programSettings: () => this.#programSettings(),
      pools: () => this.pools,
      registerHealthCheck: (plugin, check) => {
        this.#healthChecks.set(plugin, check);
      },
      healthChecks: () => this.#healthChecks,
      registerRpc: (service, methods, options) => {
        if (service === 'control') throw new Error(`${name}: the RPC service control belongs to the server`);
        this.#rpcServices.set(service, serviceOf(methods, options));
      },
      callRpc: (method, argument, options) => this.#router.call(method, argument, name, options?.timeoutMs),
      rpcRouter: this.#router,
      claimFaults: (claim) => void this.#faultClaims.push(claim),
      starting: () => !this.#ready,
      get stopping() {
        return server.stopping;
      },
    };
  }

  async #createPool(spec: PoolSpec, pools: PoolEntry[]): Promise<Pool> {
    const logger = this.#options.logger.child({
      logger: 'server',
      ...(spec.name.includes('.') ? { pool: spec.name } : {}),
    });
    const pool = new Pool({ ...this.#poolSettings(spec), name: spec.name, logger, relay: this.#sharedRelay() });
    // Known before it has booted, so that a stop in the meantime reaches its workers.
    pools.push({ pool, spec });
    await pool.boot();
    return pool;
  }

  #programSettings(): ProgramSettings {
    const { config } = this.#current;
    const { user, group } = config.server ?? {};
    const rpc = { rpcAddress: rpcUrl(rpcIn(config)), rpcToken: tokenOf(rpcIn(config)) };
    return { environment: this.#environment, ...rpc, user, group };
  }

  #sharedRelay(): RelayListener | undefined {
    const { server } = this.#options.config;
    if (server === undefined || server.relay === 'pipes') return undefined;
    const logger = this.#options.logger.child({ logger: 'server' });
    this.#relay ??= new RelayListener(server.relay, logger, identityOf(server.user, server.group));
    return this.#relay;
  }

  #poolSettings(spec: PoolSpec): PoolSettings {
    const { config } = this.#current;
    return {
      ...spec,
      server: config.server ?? missingServer(),
      rpcAddress: rpcUrl(rpcIn(config)),
      rpcToken: tokenOf(rpcIn(config)),
      version: VERSION,
      rpc: { open: (peer) => this.#router.open(peer), maxPayload: this.#router.limits.maxPayload },
      environment: this.#environment,
      cwd: this.#options.cwd,
    };
  }

  async #reconfigurePool(pool: Pool, spec: PoolSpec): Promise<void> {
    const entry = this.#started.flatMap(({ pools }) => pools).find((one) => one.pool === pool);
    if (entry === undefined || this.#takeOver === undefined)
      throw new Error('only for pools of this server, in reload');
    await this.#takeOver.renew(entry, spec);
  }

  async #reload(): Promise<ReloadReport> {
    const { logger, onReloading } = this.#options;
    let begun = false;
    try {
      if (this.#starting === undefined) throw new RrtsError('ERR_POOL_STOPPED', 'the server was not started');
      await this.#starting;
      if (this.stopping) throw new RrtsError('ERR_POOL_STOPPED', 'the server is stopping');
      begun = true;
      onReloading?.(begun);
      const report = await this.#putInForce(this.#options.load?.() ?? this.#current);
      logReload(logger, report);
      return report;
    } catch (error) {
      logFailedReload(logger, error);
      throw error;
    } finally {
      if (begun) onReloading?.(false);
    }
  }

  async #putInForce(wanted: Configuration): Promise<ReloadReport> {
    const before = this.#current;
    const { config, applied, restart } = rootChanges(before.config, wanted.config, this.#pluginTypes);
    ownerIn(config);
    const takeOver = new TakeOver({
      started: this.#started,
      logger: this.#options.logger,
      stopping: () => this.stopping,
      reconfigurePool: ({ pool }, spec) => pool.reconfigure(this.#poolSettings(spec)),
    });
    this.#takeOver = takeOver;
    const put = (configuration: Configuration): void => {
      this.#current = configuration;
      this.#options.onReload?.(configuration.config);
    };
    put({ config, environment: wanted.environment });
    try {
      await takeOver.run(config);
    } catch (error) {
      put(before);
      await takeOver.undo(before.config);
      throw error;
    } finally {
      this.#takeOver = undefined;
    }
    return { applied, restart };
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
        pools.map(({ pool, spec }) => {
          const grace = Math.min(spec.config.destroyTimeout, left());
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

/** Throws for somebody this system does not know. */
function ownerIn(config: RootConfig): WorkerOwner | undefined {
  return identityOf(config.server?.user, config.server?.group);
}

/** Workers are told of the listener before the plugin starts, because it starts after them. */
function rpcIn(config: RootConfig): RpcConfig | undefined {
  return config.plugins.get(rpcPlugin.name) as RpcConfig | undefined;
}

function missingServer(): ServerConfig {
  throw new RrtsError('ERR_CONFIG_INVALID', 'server.command: is missing, so there is no command to start workers with');
}
