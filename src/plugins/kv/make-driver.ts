// From the configuration of a storage to its driver, with the defaults of each.

import { redisOptions } from '../redis-client/redis-settings.ts';
import type { StorageConfig } from './config.ts';
import type { Driver, DriverContext } from './driver.ts';
import { LmdbDriver } from './lmdb/lmdb-driver.ts';
import { MemoryDriver } from './memory/memory-driver.ts';
import { RedisDriver } from './redis/redis-driver.ts';

const INTERVAL_MS = 60_000;
const MAX_MEMORY = 256 * 1024 ** 2;

/** The driver of a storage, not started. Packages that only one driver needs are loaded when it starts. */
export function makeDriver({ driver, config }: StorageConfig, context: DriverContext): Driver {
  const key = `kv.${context.storage}.config`;
  const intervalMs = config.interval ?? INTERVAL_MS;
  switch (driver) {
    case 'redis':
      return new RedisDriver({ ...redisOptions(config, key), prefix: config.prefix ?? '' }, context);
    case 'lmdb':
    case 'boltdb': {
      const file = config.file ?? `var/${context.storage}.lmdb`;
      return new LmdbDriver({ key, file, mode: Number.parseInt(config.permissions ?? '600', 8), intervalMs }, context);
    }
    default:
      return new MemoryDriver(
        { intervalMs, maxEntries: config.maxEntries ?? 0, maxMemory: config.maxMemory ?? MAX_MEMORY },
        context,
      );
  }
}
