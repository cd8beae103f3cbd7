// The status plugin: /health and /livez, /ready and /readyz, and /jobs, on an address of their own.

import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { type SideAnswer, SideServer } from '../side-server.ts';
import { type StatusConfig, statusSchema } from './config.ts';
import { jobsAnswer } from './jobs.ts';
import { statusMethods } from './methods.ts';
import { type Probe, report } from './report.ts';

// /health is RoadRunner's: at least one worker, ready or working, in every plugin. /livez is for orchestrators that restart
// what fails it, and a restart of rrts mends no PHP application: it is about this process only.
// RoadRunner's /ready fails while all workers are busy, which takes a loaded server out of the balancer just when it is
// needed. Here ready means: at least one worker has booted and the server is not stopping. Waiting requests have a queue.
const PROBES: Readonly<Record<string, Probe>> = {
  '/health': 'health',
  '/livez': 'live',
  '/ready': 'ready',
  '/readyz': 'ready',
};

class StatusPlugin implements Plugin {
  #config: StatusConfig;
  readonly #context: PluginContext;
  readonly #server: SideServer;

  constructor(config: StatusConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    const handle = (url: URL): Promise<SideAnswer | undefined> => this.#answer(url);
    this.#server = new SideServer({ address: config.address, key: 'status.address', logger: context.logger, handle });
  }

  start(): Promise<void> {
    const methods = statusMethods((probe, plugin) => this.#report(probe, [plugin]).plugins[0]);
    this.#context.registerRpc('status', methods);
    return this.#server.listen();
  }

  async reload(config: StatusConfig): Promise<void> {
    this.#config = config;
  }

  stop(graceMs: number): Promise<void> {
    return this.#server.close(graceMs);
  }

  async #answer(url: URL): Promise<SideAnswer | undefined> {
    const path = url.pathname.replace(/(?<=.)\/$/, '');
    if (path === '/jobs') return await jobsAnswer(this.#context, this.#config.unavailableStatusCode);
    const probe = PROBES[path];
    if (probe === undefined) return undefined;
    const { status, plugins } = this.#report(probe, url.searchParams.getAll('plugin'));
    return { status, contentType: 'application/json', body: JSON.stringify(plugins) };
  }

  #report(probe: Probe, wanted: readonly string[]): ReturnType<typeof report> {
    return report({
      probe,
      checks: this.#context.healthChecks(),
      workers: this.#workers(),
      wanted,
      starting: this.#context.starting(),
      stopping: this.#context.stopping,
      unavailable: this.#config.unavailableStatusCode,
    });
  }

  /** For a plugin with several pools, such as http and http.reports, those of the one that has the fewest. */
  #workers(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const pool of this.#context.pools()) {
      const { name, ready, working } = pool.stats();
      const plugin = name.split('.', 1)[0] ?? name;
      counts.set(plugin, Math.min(counts.get(plugin) ?? Number.POSITIVE_INFINITY, ready + working));
    }
    return counts;
  }
}

/** The `status:` section. */
export const statusPlugin: PluginType<typeof statusSchema, StatusConfig> = {
  name: 'status',
  schema: statusSchema,
  create: (config, context) => new StatusPlugin(config, context),
};
