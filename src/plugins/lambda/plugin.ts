// The lambda plugin: the loop that takes events from the Runtime API. It runs under `rrts lambda` alone.

import { setTimeout as wait } from 'node:timers/promises';
import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { type LambdaConfig, lambdaSchema } from './config.ts';
import { EventRunner } from './event-runner.ts';
import type { RuntimeApi } from './runtime-api.ts';

/** A pool looks for overdue work ten times a second. */
const KILL_MS = 150;

/** What `rrts lambda` gives its plugin. */
export interface LambdaHost {
  readonly api: RuntimeApi;
  /** Socket of the internal front; undefined when there is no http section. */
  readonly socket: string | undefined;
  /** Told which event runs; undefined when none does. */
  readonly onEvent: (requestId: string | undefined) => void;
  /** Told that the loop has ended by itself: the Runtime API is gone. */
  readonly onLost: (error: unknown) => void;
}

/** The plugin under `rrts serve`: the section says nothing there. */
export const lambdaPlugin: PluginType<typeof lambdaSchema, LambdaConfig> = {
  name: 'lambda',
  schema: lambdaSchema,
  create: () => ({ start: () => Promise.resolve(), stop: () => Promise.resolve() }),
};

/** The plugin under `rrts lambda`. */
export function lambdaLoop(host: LambdaHost): PluginType<typeof lambdaSchema, LambdaConfig> {
  return { ...lambdaPlugin, create: (config, context) => new LambdaPlugin(config, context, host) };
}

class LambdaPlugin implements Plugin {
  readonly #host: LambdaHost;
  readonly #runner: EventRunner;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(config: LambdaConfig, context: PluginContext, host: LambdaHost) {
    this.#host = host;
    const { logger } = context;
    this.#runner = new EventRunner({
      config,
      api: host.api,
      logger,
      socket: host.socket,
      // A worker that is killed at the end of its time says so first; a job that none has begun by then is taken back.
      runJob: (call) => context.callRpc('jobs.Run', call, { timeoutMs: call.timeout + KILL_MS }),
      jobWorkers: () =>
        context.pools().reduce((sum, pool) => sum + (isForJobs(pool.name) ? workersOf(pool.stats()) : 0), 0),
    });
  }

  /** The workers are there: everything that starts before this plugin has started. */
  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  /** Waits for the event that runs. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    const done = new AbortController();
    await Promise.race([this.#loop, wait(graceMs, undefined, { signal: done.signal }).catch(() => undefined)]);
    done.abort();
    this.#host.api.close();
  }

  async #run(): Promise<void> {
    const { api, onEvent, onLost } = this.#host;
    try {
      for (;;) {
        const invocation = await api.next(this.#stopping.signal);
        if (invocation === undefined) return;
        onEvent(invocation.id);
        await this.#runner.run(invocation);
        onEvent(undefined);
        if (this.#stopping.signal.aborted) return;
      }
    } catch (thrown) {
      onLost(thrown);
    }
  }
}

function isForJobs(pool: string): boolean {
  return pool === 'jobs' || pool.startsWith('jobs.');
}

function workersOf({ ready, working }: { readonly ready: number; readonly working: number }): number {
  return ready + working;
}
