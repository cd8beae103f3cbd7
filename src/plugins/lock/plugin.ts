// The lock plugin: locks that workers, and other programs, take over RPC.

import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { redisOptions } from '../redis-client/redis-settings.ts';
import { insideOnly } from '../rpc-router/inside-only.ts';
import { type LockConfig, lockSchema } from './config.ts';
import type { LockStore } from './lock-store.ts';
import { MemoryLockStore } from './memory/memory-lock-store.ts';
import { LockMetrics } from './metrics.ts';
import { RedisLockStore } from './redis/redis-lock-store.ts';
import { lockMethods } from './service.ts';

/** More than workers can ask for; what comes on top is a mistake that would fill the memory. */
const MAX_RESOURCES = 100_000;
const MAX_WAITING = 10_000;

const PREFIX = 'rrts:lock:';

class LockPlugin implements Plugin {
  readonly #context: PluginContext;
  readonly #driver: LockConfig['driver'];
  readonly #store: LockStore;

  constructor({ driver, redis }: LockConfig, context: PluginContext) {
    this.#context = context;
    this.#driver = driver;
    if (driver === 'memory') {
      this.#store = new MemoryLockStore({ maxResources: MAX_RESOURCES, maxWaiting: MAX_WAITING });
    } else {
      const options = { ...redisOptions(redis ?? {}, 'lock.redis'), prefix: redis?.prefix ?? PREFIX };
      this.#store = new RedisLockStore({ ...options, maxWaiting: MAX_WAITING }, context.logger);
    }
  }

  async start(): Promise<void> {
    const { metrics: registry, logger } = this.#context;
    await this.#store.start();
    const metrics = new LockMetrics(registry, () => this.#store.waiting);
    // A request says itself how long it waits.
    const methods = lockMethods({ store: this.#store, metrics, logger });
    // Other plugins ask it to know whether a lock holds across servers.
    this.#context.registerRpc('lock', { ...methods, Driver: insideOnly(() => this.#driver) }, { timeoutMs: 0 });
  }

  stop(): Promise<void> {
    return this.#store.stop();
  }
}

/** The `lock:` section. */
export const lockPlugin: PluginType<typeof lockSchema, LockConfig> = {
  name: 'lock',
  schema: lockSchema,
  create: (config, context) => new LockPlugin(config, context),
  warnings: ({ driver, redis }) =>
    driver === 'memory' && redis !== undefined
      ? [{ path: ['redis'], message: 'is not used: it is for driver redis, and the driver is memory' }]
      : [],
};
