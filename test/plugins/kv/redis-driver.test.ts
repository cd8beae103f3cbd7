// The Redis driver on a real redis-server: the contract, with a prefix and without, and what a server does that goes away.

import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { silentLogger } from '../../../src/core/logger.ts';
import { RedisDriver, type RedisStorageOptions } from '../../../src/plugins/kv/redis/redis-driver.ts';
import { freePort } from '../../helpers/free-port.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { driverContext, driverContract } from './driver-contract.ts';

interface Log {
  readonly warnings: string[];
  readonly infos: string[];
}

function options(port: number, more: Partial<RedisStorageOptions> = {}): RedisStorageOptions {
  const timeouts = { dialTimeoutMs: 2000, commandTimeoutMs: 2000 };
  const user = { username: '', password: '', db: 0, prefix: '' };
  return { key: 'kv.test.config', address: { kind: 'tcp', host: '127.0.0.1', port }, ...user, ...timeouts, ...more };
}

/** Waits until the server behind a driver answers again. */
function answers(driver: RedisDriver): Promise<unknown> {
  const answered = () =>
    driver.has(['a']).then(
      () => true,
      () => false,
    );
  return eventually(answered, 'an answer', 20_000);
}

async function open(t: TestContext, wish: RedisStorageOptions, log?: Log): Promise<RedisDriver> {
  const logger = {
    ...silentLogger,
    warn: (_: object, text: string) => void log?.warnings.push(text),
    info: (_: object, text: string) => void log?.infos.push(text),
  };
  const driver = new RedisDriver(wish, driverContext({ logger }));
  t.after(() => driver.stop());
  await driver.start();
  return driver;
}

const entry = (key: string, value: string) => ({ key, value: Buffer.from(value), expiresAt: undefined });

describe('on one redis-server', () => {
  let redis: RedisServer;
  let opened = 0;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  driverContract('redis with a prefix', {
    open: (t) => open(t, options(redis.port, { prefix: `storage[${opened++}]*:` })),
  });
  driverContract('redis, a database each', {
    open: async (t) => {
      const driver = await open(t, options(redis.port, { db: 1 + (opened++ % 15) }));
      await driver.clear();
      return driver;
    },
  });

  test('keys and values are stored as they are: other programs can read them', async (t) => {
    const driver = await open(t, options(redis.port, { prefix: 'shop:' }));
    await driver.set([entry('cart', 'three apples')]);
    assert.equal(await redis.command('STRLEN shop:cart'), ':12');
  });

  test('clear with a prefix leaves the keys of others', async (t) => {
    const driver = await open(t, options(redis.port, { prefix: 'a*' }));
    await redis.command('SET ab others');
    await driver.set(Array.from({ length: 2000 }, (_, index) => entry(String(index), 'x')));
    await driver.clear();
    assert.deepEqual(await driver.has(['0', '1999']), []);
    assert.equal(await redis.command('EXISTS ab'), ':1');
  });
});

test('a server that is restarted: calls fail at once and say why, then work again, on the same driver', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const log: Log = { warnings: [], infos: [] };
  const driver = await open(t, options(redis.port), log);
  await driver.set([entry('a', '1')]);
  await redis.stop();
  await eventually(() => log.warnings.length > 0, 'a warning');
  const begin = performance.now();
  await assert.rejects(driver.get(['a']), { code: 'ERR_STORE', message: new RegExp(`^Redis at ${redis.address}: `) });
  assert.ok(performance.now() - begin < 4000, 'at once');
  await redis.restart();
  await eventually(() => log.infos.some((line) => line.includes('answers again')), 'the connection again', 20_000);
  await driver.set([entry('a', '2')]);
  assert.equal(String((await driver.get(['a']))[0]?.value), '2');
  assert.equal(log.warnings.length, 1, 'one line for one loss');
  t.diagnostic(log.warnings.join('\n'));
});

test('a server that is down at the start: a warning, and it is used once it is there', async (t) => {
  const port = await freePort();
  const log: Log = { warnings: [], infos: [] };
  const driver = await within(open(t, options(port), log), 20_000, 'a start without a server');
  assert.match(
    log.warnings[0] ?? '',
    /Redis at .* \(kv\.test\.config\) cannot be reached: .*ECONNREFUSED.*attempts go on/,
  );
  await assert.rejects(driver.has(['a']), { code: 'ERR_STORE', message: /ECONNREFUSED/ });
  const redis = await startRedis({ port });
  t.after(() => redis.stop());
  await answers(driver);
});

test('a server that does not answer: the call fails after read_timeout', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const driver = await open(t, options(redis.port, { commandTimeoutMs: 200 }));
  redis.signal('SIGSTOP');
  await within(assert.rejects(driver.has(['a']), { code: 'ERR_STORE', message: /timed out/ }), 20_000, 'the failure');
  redis.signal('SIGCONT');
  await answers(driver);
});

test('a wrong password ends the start; the right one works', async (t) => {
  const redis = await startRedis({ password: 'right' });
  t.after(() => redis.stop());
  for (const password of ['wrong', '']) {
    await assert.rejects(within(open(t, options(redis.port, { password })), 20_000, 'the refusal'), {
      code: 'ERR_STORE',
      message: /refuses the connection: (WRONGPASS|NOAUTH)/,
      cure: 'Check username, password and db of kv.test.config.',
    });
  }
  await assert.rejects(open(t, options(redis.port, { password: 'right', db: 99 })), { code: 'ERR_STORE' });
  const driver = await open(t, options(redis.port, { password: 'right' }));
  assert.deepEqual(await driver.has(['a']), []);
});
