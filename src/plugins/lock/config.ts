// The `lock:` section: RoadRunner's keys.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { redisShape } from '../redis-client/redis-settings.ts';

const redisSchema = z.strictObject({
  ...redisShape(),
  prefix: z.string().default('rrts:lock:').describe('In front of every key.'),
});

/** Schema of `lock:`. */
export const lockSchema = z
  .strictObject({
    driver: z
      .enum(['memory', 'redis'])
      .default('memory')
      .describe(
        'memory: the locks of this server, in fair order, gone at a restart. redis: shared with other servers.',
      ),
    redis: redisSchema.optional().describe('Which Redis, for driver redis.'),
  })
  .describe('Locks that PHP takes over RPC.');

/** `lock:` as parsed, names in camelCase. */
export type LockConfig = CamelCased<z.output<typeof lockSchema>>;
