// Warns of a Redis that throws data away when its memory is full: a queue would go with all its jobs, and nobody would be told.

import type { RedisClient } from '../../redis-client/redis-client.ts';
import type { DriverContext } from '../driver.ts';

/** Reads the settings of Redis; true when it has warned. Never rejects. */
export async function warnOfEviction(
  client: RedisClient,
  { key, logger }: Pick<DriverContext, 'key' | 'logger'>,
): Promise<boolean> {
  let memory: string;
  try {
    memory = await client.run((redis) => redis.info('memory'));
  } catch {
    // It is away, or its access list does not let us look.
    return false;
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? '';
  // Keys of a queue never expire: the policies volatile-* leave them alone.
  if (!policy.startsWith('allkeys-') || /^maxmemory:0\b/m.test(memory)) return false;
  logger.warn(
    { policy },
    `${key}: this Redis removes whole queues when its memory is full (maxmemory-policy ${policy}): set it to noeviction`,
  );
  return true;
}
