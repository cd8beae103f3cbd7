// The `kv:` section: RoadRunner's keys with RoadRunner's meanings, and limits of our own.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { parseDuration, size } from '../../core/scalars.ts';
import { redisShape } from '../redis-client/redis-settings.ts';

/** The drivers, and which keys of `config` each reads. */
const KEYS = {
  memory: ['interval', 'max_entries', 'max_memory'],
  redis: ['addrs', 'username', 'password', 'db', 'prefix', 'dial_timeout', 'read_timeout'],
  lmdb: ['file', 'permissions', 'interval'],
  boltdb: ['file', 'permissions', 'interval'],
  memcached: [],
} as const;

/** RoadRunner writes whole seconds here. */
const interval = z
  .union([z.string(), z.number()])
  .transform((text, context) => {
    const milliseconds = /^\d+$/.test(String(text)) ? Number(text) * 1000 : parseDuration(text);
    if (typeof milliseconds === 'number' && milliseconds > 0) return Math.min(milliseconds, 2 ** 31 - 1);
    const message = typeof milliseconds === 'string' ? milliseconds : 'must be more than 0';
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  })
  .meta({ 'x-kind': 'duration' });

const settings = z.strictObject({
  interval: interval
    .optional()
    .describe(
      'memory, lmdb: how often ended entries are looked for and removed. A bare number counts seconds. Default: 60s.',
    ),
  max_entries: z.int().min(0).optional().describe('memory: most entries; 0: no limit. Default: 0.'),
  max_memory: size('mb')
    .optional()
    .describe(
      'memory: most memory of keys and values together. Beyond it, and beyond max_entries, what was not used for the longest time is dropped. Default: 256mb.',
    ),
  ...redisShape('redis: '),
  prefix: z
    .string()
    .optional()
    .describe(
      'redis: in front of every key. Without one the storage owns the whole database: Clear empties it, as in RoadRunner.',
    ),
  file: z
    .string()
    .min(1)
    .optional()
    .describe('lmdb: the data file, from the working directory. Default: var/NAME.lmdb.'),
  permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be three octal digits, such as "0600"')
    .optional()
    .describe('lmdb: rights of the file, octal. Default: 0600.'),
});

const storageSchema = z
  .strictObject({
    driver: z
      .enum(['memory', 'redis', 'lmdb', 'boltdb', 'memcached'])
      .describe(
        'memory: gone at a restart. redis: a server of yours. lmdb: a file, durable; boltdb means the same here.',
      ),
    config: settings.default({}).describe('Settings of the driver.'),
  })
  .superRefine(({ driver, config }, context) => {
    if (driver === 'memcached') {
      const message = 'memcached is not supported: use redis, or memory';
      context.addIssue({ code: 'custom', path: ['driver'], message });
      return;
    }
    const known: readonly string[] = KEYS[driver];
    for (const key of Object.keys(config)) {
      if (known.includes(key)) continue;
      const message = `the driver ${driver} does not read it; it reads ${known.join(', ')}`;
      context.addIssue({ code: 'custom', path: ['config', key], message });
    }
  });

/** Schema of `kv:`. */
export const kvSchema = z
  .record(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be a name of letters, digits, _, - and .'), storageSchema)
  .describe('Storages by name, for all workers and servers that use them.');

/** `kv:` as parsed, names in camelCase. */
export type KvConfig = CamelCased<z.output<typeof kvSchema>>;

/** One storage of it. */
export type StorageConfig = KvConfig[string];
