// The kv plugin: named storages that all workers share, reached over RPC.

import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { type KvConfig, kvSchema } from './config.ts';
import type { Driver } from './driver.ts';
import { makeDriver } from './make-driver.ts';
import { KvMetrics } from './metrics.ts';
import { kvMethods } from './service.ts';

class KvPlugin implements Plugin {
  readonly #config: KvConfig;
  readonly #context: PluginContext;
  readonly #storages = new Map<string, Driver>();

  constructor(config: KvConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
  }

  async start(): Promise<void> {
    const { logger, directory, metrics } = this.#context;
    for (const [storage, config] of Object.entries(this.#config)) {
      const driver = makeDriver(config, { storage, logger, directory, now: Date.now });
      await driver.start();
      this.#storages.set(storage, driver);
    }
    this.#context.registerRpc('kv', kvMethods({ storages: this.#storages, metrics: new KvMetrics(metrics), logger }));
  }

  /** Callers that come now are told that there is no such storage: the workers have been stopped before. */
  async stop(): Promise<void> {
    const drivers = [...this.#storages.values()];
    this.#storages.clear();
    await Promise.all(drivers.map((driver) => driver.stop()));
  }
}

/** The `kv:` section. */
export const kvPlugin: PluginType<typeof kvSchema, KvConfig> = {
  name: 'kv',
  schema: kvSchema,
  create: (config, context) => new KvPlugin(config, context),
  warnings: (config) => [...boltWarnings(config), ...sharedDatabases(config)],
};

function boltWarnings(config: KvConfig): { path: string[]; message: string }[] {
  return Object.entries(config)
    .filter(([, { driver }]) => driver === 'boltdb')
    .map(([name]) => ({
      path: [name, 'driver'],
      message: 'boltdb is LMDB here: an existing file of BoltDB cannot be read, name a new one',
    }));
}

/** RoadRunner's default, and a trap: Clear of one storage empties the other. */
function sharedDatabases(config: KvConfig): { path: string[]; message: string }[] {
  const seen = new Map<string, string>();
  const found: { path: string[]; message: string }[] = [];
  for (const [name, { driver, config: settings }] of Object.entries(config)) {
    if (driver !== 'redis') continue;
    const database = JSON.stringify([settings.addrs ?? null, settings.db ?? 0, settings.prefix ?? '']);
    const other = seen.get(database);
    if (other === undefined) seen.set(database, name);
    else
      found.push({
        path: [name],
        message: `has the same Redis database and prefix as kv.${other}: they share all keys`,
      });
  }
  return found;
}
