// The kv plugin as callers see it: methods and messages of RoadRunner's service, its texts, the section of the configuration.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { camelCased } from '../../../src/core/camel-case.ts';
import { kvSchema } from '../../../src/plugins/kv/config.ts';
import { kvPlugin } from '../../../src/plugins/kv/plugin.ts';
import { formatTimestamp, parseTimestamp } from '../../../src/plugins/kv/timestamp.ts';
import { startRedis } from '../../helpers/redis.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { fakeContext } from '../fake-context.ts';

interface Item {
  readonly key: string;
  readonly value?: string | Buffer;
  readonly timeout?: string;
}

const parse = (section: object) => camelCased(kvSchema, kvSchema.parse(section));

async function startKv(t: TestContext, section: object = { cache: { driver: 'memory' } }) {
  const context = fakeContext(() => []);
  const plugin = kvPlugin.create(parse(section), context);
  t.after(() => plugin.stop(0));
  await plugin.start();
  const call = async (method: string, items: readonly Item[], storage = 'cache'): Promise<Item[]> => {
    const reply = (await context.callRpc(`kv.${method}`, { storage, items })) as { items?: Item[] };
    return (reply.items ?? []).map((item) => ({ ...item }));
  };
  return { call, context, plugin };
}

const inSeconds = (seconds: number): string => formatTimestamp(Date.now() + seconds * 1000);

test('a value is set, found, read, given an end and removed', async (t) => {
  const { call } = await startKv(t);
  const end = inSeconds(3600);
  assert.deepEqual(
    await call('Set', [
      { key: 'a', value: 'one' },
      { key: 'b', value: Buffer.from([0, 255]), timeout: end },
    ]),
    [],
  );
  assert.deepEqual(await call('Has', [{ key: 'a' }, { key: 'x' }, { key: 'b' }]), [{ key: 'a' }, { key: 'b' }]);
  const read = await call('MGet', [{ key: 'b' }, { key: 'a' }, { key: 'x' }]);
  assert.deepEqual(
    read.map(({ key, value }) => [key, Buffer.from(value ?? '')]),
    [
      ['b', Buffer.from([0, 255])],
      ['a', Buffer.from('one')],
    ],
  );
  assert.deepEqual(await call('TTL', [{ key: 'a' }, { key: 'b' }, { key: 'x' }]), [
    { key: 'a' },
    { key: 'b', timeout: end },
  ]);
  const later = inSeconds(7200);
  await call('MExpire', [
    { key: 'a', timeout: later },
    { key: 'x', timeout: later },
  ]);
  assert.deepEqual(await call('TTL', [{ key: 'a' }, { key: 'x' }]), [{ key: 'a', timeout: later }]);
  assert.equal(String((await call('MGet', [{ key: 'a' }]))[0]?.value), 'one', 'the value is the same');
  await call('Delete', [{ key: 'a' }, { key: 'x' }]);
  assert.deepEqual(await call('Has', [{ key: 'a' }, { key: 'b' }]), [{ key: 'b' }]);
  await call('Clear', []);
  assert.deepEqual(await call('Has', [{ key: 'b' }]), []);
});

test('storages are apart', async (t) => {
  const { call } = await startKv(t, { one: { driver: 'memory' }, two: { driver: 'memory', config: {} } });
  await call('Set', [{ key: 'a', value: '1' }], 'one');
  assert.deepEqual(await call('Has', [{ key: 'a' }], 'two'), []);
  await call('Clear', [], 'two');
  assert.deepEqual(await call('Has', [{ key: 'a' }], 'one'), [{ key: 'a' }]);
});

test("mistakes get RoadRunner's texts", async (t) => {
  const { call } = await startKv(t);
  const wrong: [string, Item[], string, string | RegExp][] = [
    ['Has', [{ key: 'a' }], 'nope', 'no such storage: nope'],
    ['Set', [{ key: 'a' }], '__proto__', 'no such storage: __proto__'],
    ['Clear', [], '', 'no provided storage'],
    ['MGet', [{ key: 'a' }, { key: '' }], 'cache', "key can't be empty string"],
    ['Set', [{ key: '', value: 'x' }], 'cache', "key can't be empty string"],
    ['MExpire', [{ key: 'a' }], 'cache', 'should set timeout and at least one key'],
    ['Set', [{ key: 'a', timeout: 'tomorrow' }], 'cache', 'the timeout "tomorrow" of "a" is no RFC 3339 time'],
    ['Set', [{ key: 'a', timeout: '2026-02-31T25:00:00Z' }], 'cache', /is no RFC 3339 time/],
  ];
  for (const [method, items, storage, message] of wrong) {
    await assert.rejects(call(method, items, storage), { code: 'ERR_RPC_ARGUMENT', message }, method);
  }
  assert.deepEqual(await call('Has', [{ key: 'a' }]), [], 'nothing was stored');
  t.diagnostic(`${wrong.length} mistakes`);
});

test('calls and failures are counted by storage and method; a storage that does not exist makes no series', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const { call, context } = await startKv(t, {
    cache: { driver: 'memory' },
    shared: { driver: 'redis', config: { addrs: [redis.address], prefix: 'a:', read_timeout: '500ms' } },
  });
  await call('Set', [{ key: 'a', value: '1' }]);
  await call('Has', [{ key: 'a' }]);
  await call('Has', [{ key: 'a' }], 'shared');
  await redis.stop();
  await eventually(
    () =>
      call('Has', [{ key: 'a' }], 'shared').then(
        () => false,
        () => true,
      ),
    'a failure',
  );
  await assert.rejects(call('MGet', [{ key: 'a' }], 'shared'), {
    code: 'ERR_RPC_FAILED',
    message: new RegExp(`^storage shared: Redis at ${redis.address}: `),
  });
  await assert.rejects(call('Has', [{ key: 'a' }], 'nope'));
  const text = await context.metrics.metrics();
  assert.match(text, /^rrts_kv_operations_total\{storage="cache",method="Set"\} 1$/m);
  assert.match(text, /^rrts_kv_operations_total\{storage="cache",method="Has"\} 1$/m);
  assert.match(text, /^rrts_kv_operations_total\{storage="shared",method="Has"\} 1$/m);
  assert.match(text, /^rrts_kv_errors_total\{storage="shared",method="MGet"\} 1$/m);
  assert.doesNotMatch(text, /nope/);
});

test('when one storage cannot be opened the start fails and the others are closed', async (t) => {
  const dir = makeTempDir('kv');
  t.after(() => dir.remove());
  const section = (file: string) => ({
    good: { driver: 'lmdb', config: { file: dir.file('good.lmdb') } },
    bad: { driver: 'lmdb', config: { file } },
  });
  const plugin = kvPlugin.create(
    parse(section('/proc/nothing/x.lmdb')),
    fakeContext(() => []),
  );
  await assert.rejects(plugin.start(), { code: 'ERR_STORE', place: 'kv.bad.config' });
  await plugin.stop(0);
  const { call } = await startKv(t, section(dir.file('other.lmdb')));
  await call('Set', [{ key: 'a', value: '1' }], 'good');
});

test('the section: mistakes are named, RoadRunner writes seconds, boltdb is LMDB', () => {
  const issues = (section: object): string[] => {
    const { error } = kvSchema.safeParse(section);
    return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  assert.deepEqual(issues({ a: { driver: 'memcached', config: {} } }), [
    'a.driver: memcached is not supported: use redis, or memory',
  ]);
  assert.deepEqual(issues({ a: { driver: 'memory', config: { addrs: ['127.0.0.1:1'] } } }), [
    'a.config.addrs: the driver memory does not read it; it reads interval, max_entries, max_memory',
  ]);
  assert.deepEqual(issues({ a: { driver: 'redis', config: { addrs: ['127.0.0.1:1', '127.0.0.1:2'] } } }), [
    'a.config.addrs: must be one address: a Redis cluster is not supported',
  ]);
  assert.equal(issues({ a: { driver: 'memory', config: { interval: 0 } } }).length, 1);
  assert.equal(parse({ a: { driver: 'memory', config: { interval: 15 } } })['a']?.config.interval, 15_000);
  assert.equal(parse({ a: { driver: 'memory', config: { interval: '500ms' } } })['a']?.config.interval, 500);
  assert.deepEqual(kvPlugin.warnings?.(parse({ a: { driver: 'boltdb', config: { file: 'rr.db' } } }))[0]?.path, [
    'a',
    'driver',
  ]);
  const shared = { driver: 'redis', config: {} };
  assert.deepEqual(kvPlugin.warnings?.(parse({ a: shared, b: shared })), [
    { path: ['b'], message: 'has the same Redis database and prefix as kv.a: they share all keys' },
  ]);
  assert.deepEqual(kvPlugin.warnings?.(parse({ a: shared, b: { driver: 'redis', config: { prefix: 'b:' } } })), []);
});

test('points in time', () => {
  const cases: [string, number | undefined][] = [
    ['1970-01-01T00:00:10Z', 10_000],
    ['1970-01-01T00:00:10+00:00', 10_000],
    ['1970-01-01T02:00:10.123456+02:00', 10_123],
    ['1970-01-01t00:00:10z', 10_000],
    ['1970-01-01', undefined],
    ['1970-13-01T00:00:10Z', undefined],
    ['10', undefined],
    ['1970-01-01T00:00:10', undefined],
  ];
  for (const [text, milliseconds] of cases) assert.equal(parseTimestamp(text), milliseconds, text);
  assert.equal(formatTimestamp(10_499), '1970-01-01T00:00:10+00:00');
});
