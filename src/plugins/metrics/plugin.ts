// The metrics plugin: GET /metrics for Prometheus on an address of its own.

import { collectDefaultMetrics } from 'prom-client';
import { usageReader } from '../../worker/usage.ts';
import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { type SideAnswer, SideServer } from '../side-server.ts';
import { AppMetrics } from './app-metrics.ts';
import { type MetricsConfig, metricsSchema } from './config.ts';
import { PoolMetrics } from './pool-metrics.ts';
import { metricsServices } from './services.ts';

class MetricsPlugin implements Plugin {
  readonly #config: MetricsConfig;
  readonly #context: PluginContext;
  readonly #pools: PoolMetrics;
  readonly #app: AppMetrics;
  readonly #server: SideServer;
  /** A scrape that is under way; another one that comes meanwhile gets the same answer. */
  #scrape: Promise<SideAnswer> | undefined;

  constructor(config: MetricsConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    this.#pools = new PoolMetrics(context.metrics, () => context.pools(), usageReader());
    this.#app = new AppMetrics(context.metrics, config);
    const handle = (url: URL): Promise<SideAnswer> | undefined =>
      url.pathname === '/metrics' ? this.#answer() : undefined;
    this.#server = new SideServer({ address: config.address, key: 'metrics.address', logger: context.logger, handle });
  }

  async start(): Promise<void> {
    this.#app.configure(this.#config.collect);
    this.#context.registerRpc('metrics', metricsServices(this.#app));
    collectDefaultMetrics({ register: this.#context.metrics });
    await this.#server.listen();
  }

  async reload(config: MetricsConfig): Promise<void> {
    this.#app.configure(config.collect, config);
  }

  async stop(graceMs: number): Promise<void> {
    await this.#server.close(graceMs);
    // Ends the observers that the process metrics hold.
    this.#context.metrics.clear();
  }

  #answer(): Promise<SideAnswer> {
    this.#scrape ??= this.#collect().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async #collect(): Promise<SideAnswer> {
    const { metrics } = this.#context;
    await this.#pools.collect();
    return { status: 200, contentType: metrics.contentType, body: await metrics.metrics() };
  }
}

/** The `metrics:` section. */
export const metricsPlugin: PluginType<typeof metricsSchema, MetricsConfig> = {
  name: 'metrics',
  schema: metricsSchema,
  create: (config, context) => new MetricsPlugin(config, context),
};
