// Locks in a real redis-server: the contract, two servers on one Redis, and a Redis that goes away.

import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { silentLogger } from '../../../src/core/logger.ts';
import { RedisLockStore } from '../../../src/plugins/lock/redis/redis-lock-store.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { lockContract, wish } from './lock-contract.ts';

let opened = 0;

async function open(t: TestContext, { port }: RedisServer, prefix = `test ${opened++}:`): Promise<RedisLockStore> {
  const address = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const user = { username: '', password: '', db: 0 };
  const limits = { dialTimeoutMs: 2000, commandTimeoutMs: 2000, maxWaiting: 1000 };
  const store = new RedisLockStore({ key: 'lock.redis', address, ...user, ...limits, prefix }, silentLogger);
  t.after(() => store.stop());
  await store.start();
  return store;
}

describe('on one redis-server', () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  lockContract('redis', { open: (t) => open(t, redis) });

  test('two servers on one Redis: never two holders, and who waits there gets what is released here', async (t) => {
    const stores = [await open(t, redis, 'both:'), await open(t, redis, 'both:')];
    let [inside, most, held] = [0, 0, 0];
    const callers = Array.from({ length: 60 }, async (_, index) => {
      const store = stores[index % 2];
      assert.equal(await store?.acquire(wish('r', `caller ${index}`, { waitMs: 60_000 })), true);
      most = Math.max(most, ++inside);
      held++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside--;
      assert.equal(await store?.release('r', `caller ${index}`), true);
    });
    await within(Promise.all(callers), 60_000, '60 locks');
    assert.deepEqual([most, held], [1, 60]);
    t.diagnostic(`${held} callers of two servers held it, at most ${most} at once`);
  });

  test('locks leave nothing in Redis when they have ended', async (t) => {
    const store = await open(t, redis, 'ends:');
    await store.acquire(wish('w', 'a', { ttlMs: 50 }));
    await store.acquire(wish('r', 'a', { ttlMs: 50, mode: 'shared' }));
    await store.acquire(wish('s', 'a'));
    await store.release('s', 'a');
    const count = async (): Promise<number> => {
      const names = ['{w}:writer', '{w}:readers', '{r}:writer', '{r}:readers', '{s}:writer', '{s}:readers'];
      return Number((await redis.command(`EXISTS ${names.map((name) => `ends:${name}`).join(' ')}`)).slice(1));
    };
    await eventually(async () => (await count()) === 0, 'no key that is left');
  });
});

test('while Redis is away calls fail at once; then locks work again', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const store = await open(t, redis);
  await store.acquire(wish('r', 'a'));
  const waits = store.acquire(wish('r', 'b', { waitMs: 60_000 }));
  await eventually(() => store.waiting === 1, 'the wait');
  const message = new RegExp(`^Redis at ${redis.address}: `);
  // It may fail before the end of Redis is known here.
  const refused = assert.rejects(waits, { code: 'ERR_STORE', message });
  await redis.stop();
  await within(refused, 20_000, 'the end of the wait');
  await assert.rejects(store.acquire(wish('r', 'c')), { code: 'ERR_STORE', message });
  await redis.restart();
  await eventually(() => store.acquire(wish('r', 'c')).catch(() => false), 'a lock', 20_000);
  assert.equal(store.waiting, 0);
});
