// The bridge plugin: Node modules that PHP may call, over RPC.

import { messageOf } from '../../core/errors.ts';
import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { CallError } from '../rpc-router/method.ts';
import { type BridgeConfig, bridgeSchema, bridgeWarnings, type ModuleConfig } from './config.ts';
import { Faults } from './faults.ts';
import { Host, type HostedModule } from './host.ts';
import { loadHosted, type ModuleSource } from './hosted-module.ts';
import { BridgeMetrics } from './metrics.ts';
import type { Place, Target } from './place.ts';
import { BridgeService } from './service.ts';
import { startServices } from './services/start-services.ts';
import { ThreadPool } from './thread-pool.ts';

/** Index of the place that is the master. */
const MASTER = 0;

class BridgePlugin implements Plugin {
  readonly #config: BridgeConfig;
  readonly #context: PluginContext;
  readonly #faults = new Faults();
  /** Modules of the master. */
  readonly #modules = new Map<string, HostedModule>();
  readonly #targets = new Map<string, Target>();
  readonly #pools: ThreadPool[] = [];
  /** Number of the place that was made last. */
  #lastIndex = MASTER;
  readonly #host: Host;
  readonly #metrics: BridgeMetrics;
  readonly #service: BridgeService;

  constructor(config: BridgeConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    this.#host = new Host({
      modules: this.#modules,
      base: 0,
      guard: (module, code) => this.#faults.guard(module, code),
      onFault: (module, thrown) => this.#onFault(module, thrown),
    });
    this.#metrics = new BridgeMetrics(context.metrics, () => this.#objects());
    this.#service = new BridgeService({
      targets: this.#targets,
      placeAt: (index) => this.#placeAt(index),
      maxPayload: () => context.rpcRouter.limits.maxPayload,
      metrics: this.#metrics,
    });
  }

  async start(): Promise<void> {
    this.#context.claimFaults((thrown) => this.#claimFault(thrown));
    for (const name of Object.keys(this.#config.modules)) await this.#startModule(name);
    await startServices({
      services: this.#config.services,
      context: this.#context,
      guard: (owner, code) => this.#faults.guard(owner, code),
    });
    // A module has a time limit of its own.
    this.#context.registerRpc('bridge', this.#service.methods(), { timeoutMs: 0 });
  }

  async stop(): Promise<void> {
    this.#service.close();
    this.#host.close();
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }

  async #startModule(name: string): Promise<void> {
    const { from, allow, timeout, threads } = this.#config.modules[name] as ModuleConfig;
    const source: ModuleSource = { name, from: from ?? name, allow, directory: this.#context.directory };
    if (threads > 0) return this.#startThreads(source, threads, timeout);
    const { module, folder, warnings } = await this.#faults.guard(name, () => loadHosted(source));
    this.#modules.set(name, module);
    if (folder !== undefined) this.#faults.add(name, folder);
    for (const warning of warnings) this.#context.logger.warn({ module: name }, warning);
    this.#targets.set(name, { timeoutMs: timeout, place: () => this.#host });
  }

  async #startThreads(source: ModuleSource, threads: number, timeoutMs: number): Promise<void> {
    const { name } = source;
    const pool = new ThreadPool({
      source,
      threads,
      timeoutMs,
      logger: this.#context.logger,
      nextIndex: () => ++this.#lastIndex,
      onFault: (thrown) => this.#onFault(name, thrown),
      onEnd: () => this.#metrics.threadEnd(name),
    });
    this.#pools.push(pool);
    await pool.start();
    this.#targets.set(name, pool);
  }

  /** @throws CallError ERR_BRIDGE_RELEASED. */
  #placeAt(index: number): Place {
    if (index === MASTER) return this.#host;
    for (const pool of this.#pools) {
      const thread = pool.threadAt(index);
      if (thread !== undefined) return thread;
    }
    throw new CallError('this caller was never given such an object', 'ERR_BRIDGE_RELEASED');
  }

  #objects(): number {
    return this.#pools.reduce((objects, pool) => objects + pool.objects, this.#host.objects);
  }

  #claimFault(thrown: unknown): boolean {
    const module = this.#faults.ownerOf(thrown);
    if (module !== undefined) this.#onFault(module, thrown);
    return module !== undefined;
  }

  #onFault(module: string, thrown: unknown): void {
    this.#metrics.fault(module);
    this.#context.logger.error(
      { err: thrown, module },
      `${module} failed when no call waited for it: ${textOf(thrown)}`,
    );
  }
}

/** What a module threw may not even turn into a text. */
function textOf(thrown: unknown): string {
  try {
    return messageOf(thrown);
  } catch {
    return 'something that cannot be looked at';
  }
}

/** The `bridge:` section. */
export const bridgePlugin: PluginType<typeof bridgeSchema, BridgeConfig> = {
  name: 'bridge',
  schema: bridgeSchema,
  create: (config, context) => new BridgePlugin(config, context),
  warnings: bridgeWarnings,
};
