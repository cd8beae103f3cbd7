// A storage in Redis: shared by all servers that use it, kept as long as that Redis keeps it.

import { RedisClient, type RedisOptions } from '../../redis-client/redis-client.ts';
import type { Driver, DriverContext, Entry, Expiry, Found } from '../driver.ts';

/** Keys of one DEL or UNLINK, and of one step of SCAN. */
const CHUNK = 500;

/** What a Redis storage is told. */
export interface RedisStorageOptions extends RedisOptions {
  /** In front of every key. Empty: the storage owns the whole database, and `clear` empties it, as in RoadRunner. */
  readonly prefix: string;
}

/** Commands of one call go out together; ioredis puts them into one write. */
export class RedisDriver implements Driver {
  readonly #options: RedisStorageOptions;
  readonly #context: DriverContext;
  #client: RedisClient | undefined;

  constructor(options: RedisStorageOptions, context: DriverContext) {
    this.#options = options;
    this.#context = context;
  }

  async start(): Promise<void> {
    this.#client = await RedisClient.open(this.#options, this.#context.logger);
  }

  async has(keys: readonly string[]): Promise<string[]> {
    const counts = await this.#each(keys, (redis, name) => redis.exists(name));
    return keys.filter((_, index) => counts[index] === 1);
  }

  async get(keys: readonly string[]): Promise<Found[]> {
    const values = await this.#each(keys, (redis, name) => redis.getBuffer(name));
    return keys.flatMap((key, index) => {
      const value = values[index];
      return value === null || value === undefined ? [] : [{ key, value }];
    });
  }

  async expiries(keys: readonly string[]): Promise<Expiry[]> {
    const left = await this.#each(keys, (redis, name) => redis.pttl(name));
    const now = this.#context.now();
    return keys.flatMap((key, index) => {
      const ms = left[index] ?? NO_KEY;
      if (ms === NO_KEY) return [];
      return [{ key, expiresAt: ms === NO_END ? undefined : now + ms }];
    });
  }

  async set(entries: readonly Entry[]): Promise<void> {
    const now = this.#context.now();
    await this.#each<Entry, unknown>(entries, (redis, name, { value, expiresAt }) => {
      if (expiresAt === undefined) return redis.set(name, value);
      return expiresAt <= now ? redis.del(name) : redis.set(name, value, 'PX', expiresAt - now);
    });
  }

  async expire(expiries: readonly (Expiry & { readonly expiresAt: number })[]): Promise<void> {
    const now = this.#context.now();
    // A time that is not positive removes the key.
    await this.#each(expiries, (redis, name, { expiresAt }) => redis.pexpire(name, expiresAt - now));
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#each(keys, (redis, name) => redis.del(name));
  }

  async clear(): Promise<void> {
    const { prefix } = this.#options;
    await this.#connected().run(async (redis) => {
      if (prefix === '') {
        await redis.flushdb();
        return;
      }
      const pattern = `${prefix.replace(/[\\*?[\]^-]/g, '\\$&')}*`;
      let cursor = '0';
      do {
        const [next, found] = await redis.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', CHUNK);
        cursor = next.toString();
        if (found.length > 0) await redis.del(...found);
      } while (cursor !== '0');
    });
  }

  async stop(): Promise<void> {
    this.#client?.close();
  }

  #each<Item extends string | { readonly key: string }, T>(
    items: readonly Item[],
    command: (redis: Commands, name: string, item: Item) => Promise<T>,
  ): Promise<T[]> {
    const { prefix } = this.#options;
    return this.#connected().run((redis) =>
      Promise.all(items.map((item) => command(redis, prefix + (typeof item === 'string' ? item : item.key), item))),
    );
  }

  #connected(): RedisClient {
    if (this.#client === undefined) throw new Error('the storage is not started');
    return this.#client;
  }
}

type Commands = Parameters<Parameters<RedisClient['run']>[0]>[0];

/** Answers of PTTL that are no time. */
const NO_KEY = -2;
const NO_END = -1;
