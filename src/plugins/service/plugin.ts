// The service plugin: programs beside the workers that rrts starts, watches, starts again and stops.

import { findLaunchers } from '../../worker/spawn.ts';
import { usageReader } from '../../worker/usage.ts';
import type { Health, Plugin, PluginContext, PluginType } from '../plugin.ts';
import { commandWarnings } from '../program/program-options.ts';
import { type ServiceSection, serviceSchema } from './config.ts';
import { serviceMethods } from './methods.ts';
import { registerServiceMetrics } from './metrics.ts';
import { Services } from './services.ts';

class ServicePlugin implements Plugin {
  readonly #config: ServiceSection;
  readonly #context: PluginContext;
  readonly #services: Services;
  /** However this process ends, its services end with it. */
  readonly #kill = (): void => this.#services.kill();

  constructor(config: ServiceSection, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    const { logger, directory } = context;
    const launchers = findLaunchers();
    this.#services = new Services({ logger, launchers, directory, settings: () => context.programSettings() });
  }

  async start(): Promise<void> {
    const { metrics } = this.#context;
    process.once('exit', this.#kill);
    registerServiceMetrics(metrics, this.#services, usageReader());
    // A restart may take as long as timeout_stop_sec says.
    this.#context.registerRpc('service', serviceMethods(this.#services, usageReader()), { timeoutMs: 0 });
    this.#context.registerHealthCheck('service', () => this.#health());
    await this.#services.configure(this.#config);
  }

  reload(config: ServiceSection): Promise<void> {
    return this.#services.configure(config);
  }

  async stop(graceMs: number): Promise<void> {
    await this.#services.stop(graceMs);
    process.off('exit', this.#kill);
  }

  /** A helper that fails is no reason to take the application out of service: it is told, and that is all. */
  #health(): Health {
    const failing = this.#services.all.filter((service) => service.failing).map(({ name }) => name);
    return { live: true, ready: true, message: failing.length === 0 ? '' : `fails to run: ${failing.join(', ')}` };
  }
}

/** The `service:` section. */
export const servicePlugin: PluginType<typeof serviceSchema, ServiceSection> = {
  name: 'service',
  schema: serviceSchema,
  create: (config, context) => new ServicePlugin(config, context),
  warnings: (config) => Object.entries(config).flatMap(([name, { command }]) => commandWarnings([name], command)),
};
