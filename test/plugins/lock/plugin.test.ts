// The lock plugin as callers see it: methods and messages of RoadRunner's service, its texts, the section of the configuration.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { camelCased } from '../../../src/core/camel-case.ts';
import { lockSchema } from '../../../src/plugins/lock/config.ts';
import { lockPlugin } from '../../../src/plugins/lock/plugin.ts';
import { startRedis } from '../../helpers/redis.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { fakeContext } from '../fake-context.ts';

interface Fields {
  readonly resource?: string;
  readonly id?: string;
  /** Microseconds. */
  readonly ttl?: number;
  readonly wait?: number;
}

async function startLock(t: TestContext, section: object = {}) {
  const context = fakeContext(() => []);
  const plugin = lockPlugin.create(camelCased(lockSchema, lockSchema.parse(section)), context);
  t.after(() => plugin.stop(0));
  await plugin.start();
  const call = async (method: string, fields: Fields): Promise<boolean> => {
    const reply = (await context.callRpc(`lock.${method}`, fields)) as { ok?: boolean };
    return reply.ok ?? false;
  };
  return { call, context };
}

for (const driver of ['memory', 'redis'] as const) {
  test(`${driver}: every method`, async (t) => {
    const redis = driver === 'redis' ? await startRedis() : undefined;
    if (redis !== undefined) t.after(() => redis.stop());
    const settings = redis === undefined ? {} : { redis: { addrs: [redis.address] } };
    const { call } = await startLock(t, { driver, ...settings });
    const a = { resource: 'r', id: 'a' };
    const b = { resource: 'r', id: 'b' };
    assert.equal(await call('Lock', { ...a, ttl: 60_000_000 }), true);
    assert.equal(await call('Lock', b), false);
    assert.equal(await call('LockRead', { ...b, wait: 1 }), false);
    assert.equal(await call('Exists', { resource: 'r', id: '*' }), true);
    assert.equal(await call('Exists', b), false);
    assert.equal(await call('Release', b), false);
    assert.equal(await call('UpdateTTL', { ...a, ttl: 100_000 }), true);
    assert.equal(await call('UpdateTTL', { ...b, ttl: 100_000 }), false);
    assert.equal(await call('Lock', { ...b, wait: 5_000_000 }), true, 'after the ttl of the other');
    assert.equal(await call('ForceRelease', { resource: 'r' }), true);
    assert.equal(await call('ForceRelease', { resource: 'r' }), false);
    assert.equal(await call('LockRead', { ...a, ttl: 0 }), true);
    assert.equal(await call('LockRead', b), true);
    assert.equal(await call('Release', a), true);
    assert.equal(await call('Release', a), false);
    assert.equal(await call('Lock', b), true, 'the sole reader becomes the writer');
  });
}

test('mistakes are refused with a text', async (t) => {
  const { call } = await startLock(t);
  for (const method of ['Lock', 'LockRead', 'Release', 'Exists', 'UpdateTTL']) {
    const message = 'empty ID is not allowed';
    await assert.rejects(call(method, { resource: 'r' }), { code: 'ERR_RPC_ARGUMENT', message }, method);
  }
  await assert.rejects(call('ForceRelease', {}), {
    code: 'ERR_RPC_ARGUMENT',
    message: 'empty resource is not allowed',
  });
  for (const [fields, name] of [
    [{ ttl: -1 }, 'ttl'],
    [{ wait: -1 }, 'wait'],
  ] as const) {
    const message = `${name} must not be negative`;
    await assert.rejects(call('Lock', { resource: 'r', id: 'a', ...fields }), { code: 'ERR_RPC_ARGUMENT', message });
  }
});

test('calls are counted, and who waits is seen', async (t) => {
  const { call, context } = await startLock(t);
  await call('Lock', { resource: 'r', id: 'a' });
  await call('Release', { resource: 'r', id: 'b' });
  await assert.rejects(call('Lock', { resource: 'r' }));
  const waits = call('Lock', { resource: 'r', id: 'b', wait: 30_000_000 });
  await eventually(async () => (await context.metrics.metrics()).includes('\nrrts_lock_waiting 1\n'), 'the wait');
  await call('Release', { resource: 'r', id: 'a' });
  assert.equal(await waits, true);
  const text = await context.metrics.metrics();
  assert.match(text, /^rrts_lock_operations_total\{method="Lock",ok="true"\} 2$/m);
  assert.match(text, /^rrts_lock_operations_total\{method="Release",ok="false"\} 1$/m);
  assert.match(text, /^rrts_lock_errors_total\{method="Lock"\} 1$/m);
  assert.match(text, /^rrts_lock_waiting 0$/m);
});

test('the section', () => {
  const parse = (section: object) => camelCased(lockSchema, lockSchema.parse(section));
  assert.equal(parse({}).driver, 'memory');
  assert.equal(parse({ driver: 'redis', redis: {} }).redis?.prefix, 'rrts:lock:');
  assert.deepEqual(lockPlugin.warnings?.(parse({ driver: 'redis', redis: {} })), []);
  const [warning] = lockPlugin.warnings?.(parse({ redis: { addrs: ['127.0.0.1:6379'] } })) ?? [];
  assert.deepEqual(warning?.path, ['redis']);
});
