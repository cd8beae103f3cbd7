// A reload: compares the configurations, gives the plugins what changed, and takes everything back when one of them cannot.

import { isRrtsError, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Plugin, PoolSpec } from '../plugins/plugin.ts';
import type { Pool } from '../pool/pool.ts';
import type { AnyPluginType } from './built-in-plugins.ts';
import { HOST_SCHEMA, type RootConfig } from './config.ts';
import { type LiveChanges, liveChanges } from './live-changes.ts';

/** What a reload did. Keys are written as in the file: `http.pool.num_workers`. */
export interface ReloadReport {
  /** Changed keys that are in force now. */
  readonly applied: readonly string[];
  /** Changed keys that need a restart; they keep their value. */
  readonly restart: readonly string[];
}

/** A plugin that was started, with the pools it made. */
export interface Started {
  readonly name: string;
  readonly plugin: Plugin;
  readonly pools: PoolEntry[];
}

/** A pool and what it was last asked to be. */
export interface PoolEntry {
  readonly pool: Pool;
  spec: PoolSpec;
}

/** Compares section by section; a plugin whose section is new or gone needs a restart. */
export function rootChanges(
  running: RootConfig,
  wanted: RootConfig,
  pluginTypes: readonly AnyPluginType[],
): LiveChanges<RootConfig> {
  const { plugins: runningPlugins, ...runningHost } = running;
  const { plugins: wantedPlugins, ...wantedHost } = wanted;
  const host = liveChanges(HOST_SCHEMA, runningHost, wantedHost);
  const applied = [...host.applied];
  const restart = [...host.restart];
  const plugins = new Map(runningPlugins);
  for (const { name, schema } of pluginTypes) {
    const [before, after] = [runningPlugins.get(name), wantedPlugins.get(name)];
    if ((before === undefined) !== (after === undefined)) restart.push(name);
    if (before === undefined || after === undefined) continue;
    const changes = liveChanges(schema, before, after, name);
    plugins.set(name, changes.config);
    applied.push(...changes.applied);
    restart.push(...changes.restart);
  }
  return { config: { ...host.config, plugins }, applied, restart };
}

/** What the take-over of a configuration needs of its server. */
export interface ReloadHost {
  readonly started: readonly Started[];
  readonly logger: Logger;
  stopping(): boolean;
  /** Gives a pool the settings that are in force now, and new workers. */
  reconfigurePool(entry: PoolEntry, spec: PoolSpec): Promise<void>;
}

/** One take-over of a configuration by the plugins and their pools. */
export class TakeOver {
  readonly #host: ReloadHost;
  readonly #done: Started[] = [];
  /** Pools that have new settings, with what they were before. */
  readonly #renewed = new Map<PoolEntry, PoolSpec>();

  constructor(host: ReloadHost) {
    this.#host = host;
  }

  /** Every plugin in turn, and every pool, also those of plugins that know of no reload: new workers are what a reload is for. */
  async run(config: RootConfig): Promise<void> {
    for (const started of this.#host.started) {
      await started.plugin.reload?.(config.plugins.get(started.name));
      this.#done.push(started);
      for (const entry of started.pools) if (!this.#renewed.has(entry)) await this.renew(entry, entry.spec);
    }
  }

  /** Gives one pool new settings. */
  async renew(entry: PoolEntry, spec: PoolSpec): Promise<void> {
    const before = entry.spec;
    await this.#host.reconfigurePool(entry, spec);
    entry.spec = spec;
    this.#renewed.set(entry, before);
  }

  /** After {@link run} failed, with the old configuration in force again: what has the new one gets the old one back. */
  async undo(config: RootConfig): Promise<void> {
    const { logger } = this.#host;
    const attempt = async (what: string, work: () => Promise<void> | undefined): Promise<void> => {
      if (this.#host.stopping()) return;
      try {
        await work();
      } catch (error) {
        logger.error({ err: error }, `${what} could not go back to the old configuration: ${messageOf(error)}`);
      }
    };
    const renewed = new Map(this.#renewed);
    this.#renewed.clear();
    for (const { name, plugin } of this.#done.reverse()) {
      await attempt(name, () => plugin.reload?.(config.plugins.get(name)));
    }
    for (const [entry, spec] of renewed) {
      if (!this.#renewed.has(entry)) await attempt(`pool ${entry.pool.name}`, () => this.renew(entry, spec));
    }
  }
}

/** Log lines for what a reload did. */
export function logReload(logger: Logger, { applied, restart }: ReloadReport): void {
  const what = applied.length === 0 ? 'no key changed' : `changed: ${applied.join(', ')}`;
  logger.info({ applied, restart }, `the configuration was reloaded and all workers are new; ${what}`);
  if (restart.length === 0) return;
  logger.warn({ restart }, `not in force before a restart: ${restart.join(', ')}`);
}

/** One line for each mistake in a configuration, or one for whatever else went wrong. */
export function logFailedReload(logger: Logger, error: unknown): void {
  const kept = 'the reload failed, everything stays as it was';
  const facts = isRrtsError(error) ? { code: error.code } : { err: error };
  const problems = isRrtsError(error) ? error.facts['problems'] : undefined;
  if (!Array.isArray(problems)) {
    logger.error(facts, `${kept}: ${messageOf(error)}`);
    return;
  }
  for (const problem of problems) logger.error(facts, String(problem));
  logger.error(facts, `${kept}: the configuration has ${problems.length === 1 ? 'a mistake' : 'mistakes'}`);
}
