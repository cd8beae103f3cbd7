// The memory driver: the contract, and that its memory stays within bounds.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Clock, install } from '@sinonjs/fake-timers';
import { silentLogger } from '../../../src/core/logger.ts';
import { MemoryDriver, type MemoryOptions } from '../../../src/plugins/kv/memory/memory-driver.ts';
import { driverContext, driverContract } from './driver-contract.ts';

const OPTIONS: MemoryOptions = { intervalMs: 60_000, maxEntries: 0, maxMemory: 64 * 1024 ** 2 };

async function open(t: TestContext, options: Partial<MemoryOptions> = {}, lines: string[] = []): Promise<MemoryDriver> {
  const logger = { ...silentLogger, warn: (_: object, text: string) => void lines.push(text) };
  const driver = new MemoryDriver({ ...OPTIONS, ...options }, driverContext({ logger }));
  t.after(() => driver.stop());
  await driver.start();
  return driver;
}

const entries = (count: number, size: number, expiresAt?: number) =>
  Array.from({ length: count }, (_, index) => ({ key: `key ${index}`, value: Buffer.alloc(size), expiresAt }));

driverContract('memory', { open });

test('ended entries are removed by the search, in slices, though nobody asks for them', async (t) => {
  const clock: Clock = install({ toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'Date'] });
  t.after(() => clock.uninstall());
  const driver = await open(t);
  await driver.set(entries(20_000, 10, clock.now + 30_000));
  await driver.set([{ key: 'stays', value: Buffer.from('x'), expiresAt: undefined }]);
  assert.equal(driver.usage.entries, 20_001);
  clock.tick(60_000);
  assert.ok(driver.usage.entries > 10_000, 'the first slice leaves the rest for later turns of the loop');
  clock.tick(10);
  assert.equal(driver.usage.entries, 1);
  await driver.stop();
  assert.deepEqual([driver.usage.entries, driver.usage.bytes, clock.countTimers()], [0, 0, 0]);
});

test('max_entries: the least recently used goes first, and the log tells', async (t) => {
  const clock: Clock = install({ toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'Date'] });
  t.after(() => clock.uninstall());
  const lines: string[] = [];
  const driver = await open(t, { maxEntries: 3 }, lines);
  await driver.set(entries(3, 1));
  await driver.get(['key 0']);
  await driver.set([{ key: 'new', value: Buffer.from('x'), expiresAt: undefined }]);
  assert.deepEqual(await driver.has(['key 0', 'key 1', 'key 2', 'new']), ['key 0', 'key 2', 'new']);
  clock.tick(60_000);
  assert.deepEqual(lines, [
    'kv storage test is full: 1 entries were dropped within 60s; raise max_memory or max_entries',
  ]);
});

test('max_memory bounds what is held; the bytes come back', async (t) => {
  const maxMemory = 10 * 1024 ** 2;
  const driver = await open(t, { maxMemory });
  for (let round = 0; round < 20; round++) {
    await driver.set(entries(100, 50_000).map((one) => ({ ...one, key: `${round} ${one.key}` })));
    assert.ok(driver.usage.bytes <= maxMemory);
  }
  assert.ok(driver.usage.bytes > maxMemory * 0.9, 'room is used');
  assert.deepEqual(await driver.has(['19 key 99', '0 key 0']), ['19 key 99']);
  await assert.rejects(driver.set([{ key: 'huge', value: Buffer.alloc(maxMemory), expiresAt: undefined }]), {
    code: 'ERR_STORE',
    message: /larger than the whole storage test may be/,
  });
  await driver.clear();
  assert.equal(driver.usage.bytes, 0);
  await driver.set(entries(10, 10));
  await driver.delete(entries(10, 10).map(({ key }) => key));
  assert.equal(driver.usage.bytes, 0);
});
