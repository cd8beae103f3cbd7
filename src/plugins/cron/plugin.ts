// The cron plugin: pushes jobs, calls routes and runs programs at the times that the configuration says.

import { messageOf } from '../../core/errors.ts';
import type { Address } from '../../core/scalars.ts';
import { findLaunchers } from '../../worker/spawn.ts';
import type { Health, Plugin, PluginContext, PluginType } from '../plugin.ts';
import { commandWarnings } from '../program/program-options.ts';
import { type CronSection, cronSchema, type EntryConfig, missingParts } from './config.ts';
import { Entries } from './entries.ts';
import { cronMethods } from './methods.ts';
import { registerCronMetrics } from './metrics.ts';
import type { Action } from './run.ts';
import { commandAction, type ProgramHost } from './run-command.ts';
import { jobAction } from './run-job.ts';
import { routeAction } from './run-route.ts';
import { SharedLock } from './shared-lock.ts';

class CronPlugin implements Plugin {
  readonly #config: CronSection;
  readonly #context: PluginContext;
  readonly #programs: ProgramHost;
  #entries: Entries | undefined;
  /** However this process ends, its programs end with it. */
  readonly #kill = (): void => this.#entries?.kill();

  constructor(config: CronSection, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    const { directory } = context;
    this.#programs = { launchers: findLaunchers(), directory, settings: () => context.programSettings() };
  }

  async start(): Promise<void> {
    const { metrics, logger, directory } = this.#context;
    process.once('exit', this.#kill);
    const lock = await this.#sharedLock();
    this.#entries = new Entries({ logger, directory, lock, actionOf: (config) => this.#actionOf(config) });
    registerCronMetrics(metrics, this.#entries);
    // A run that somebody asks for takes as long as it takes.
    this.#context.registerRpc('cron', cronMethods(this.#entries), { timeoutMs: 0 });
    this.#context.registerHealthCheck('cron', () => this.#health());
    this.#entries.configure(this.#config);
  }

  async reload(config: CronSection): Promise<void> {
    this.#entries?.configure(config);
  }

  async stop(graceMs: number): Promise<void> {
    // The other half is for what comes to its end after this, the requests of everybody else for one.
    await this.#entries?.stop(graceMs / 2);
    process.off('exit', this.#kill);
  }

  /** A run that failed is no reason to take the application out of service: it is told, and that is all. */
  #health(): Health {
    const failed = (this.#entries?.all ?? [])
      .filter(({ lastRun }) => lastRun?.result === 'failed')
      .map(({ name }) => name);
    return { live: true, ready: true, message: failed.length === 0 ? '' : `failed: ${failed.join(', ')}` };
  }

  #actionOf({ job, route, command = [], overlap }: EntryConfig): Action {
    const call = this.#context.callRpc.bind(this.#context);
    if (job !== undefined) return jobAction(job, overlap === 'allow', call);
    if (route !== undefined) return routeAction(route, async () => (await call('http.Address', null)) as Address);
    return commandAction(command, this.#programs);
  }

  /** Locks in memory would only keep this server from itself. */
  async #sharedLock(): Promise<SharedLock | undefined> {
    const { callRpc, logger } = this.#context;
    const call = callRpc.bind(this.#context);
    const driver = await call('lock.Driver', null).catch((error: unknown) => {
      logger.debug({}, `no locks are shared with other servers: ${messageOf(error)}`);
      return undefined;
    });
    return driver === 'redis' ? new SharedLock(call, logger) : undefined;
  }
}

/** The `cron:` section. */
export const cronPlugin: PluginType<typeof cronSchema, CronSection> = {
  name: 'cron',
  schema: cronSchema,
  create: (config, context) => new CronPlugin(config, context),
  problems: missingParts,
  warnings: (config) => Object.entries(config).flatMap(([name, { command }]) => commandWarnings([name], command)),
};
