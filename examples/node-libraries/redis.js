// One connection to Redis for all PHP workers: this file is loaded once, in the server.

import { Redis } from 'ioredis';

const redis = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379', {
  connectionName: 'node-libraries',
  // The first call connects; without Redis it fails soon, and the server goes on.
  lazyConnect: true,
  maxRetriesPerRequest: 1,
});
// Every call that fails says so to PHP. Without a listener ioredis would print it as well.
redis.on('error', () => undefined);

/**
 * @param {string} key
 * @returns {Promise<number>} how often it was called with this key
 */
export function increment(key) {
  return redis.incr(key);
}
