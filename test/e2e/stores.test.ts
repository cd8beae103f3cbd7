// Rrts\KeyValue\Cache and Rrts\Lock\Lock in native workers of a real server, on every driver.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { fixture } from '../helpers/paths.ts';
import { startRedis } from '../helpers/redis.ts';
import { ask, askJson } from '../helpers/request.ts';
import { startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually, within } from '../helpers/wait-for.ts';

const command = ['php', fixture('native/stores.php')];

interface CacheReport {
  readonly wrong: readonly string[];
  readonly seen: readonly unknown[];
  readonly left: number;
  readonly after: readonly boolean[];
}

test('a cache is PSR-16 on every driver, and all workers share it', async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const dir = makeTempDir('stores');
  t.after(() => dir.remove());
  const kv = {
    memory: { driver: 'memory', config: {} },
    redis: { driver: 'redis', config: { addrs: [redis.address] } },
    lmdb: { driver: 'lmdb', config: { file: dir.file('data.lmdb') } },
  };
  const server = await startServer({ command, config: { kv, http: { pool: { num_workers: 3 } } } });
  t.after(() => server.discard());
  const storages = Object.keys(kv);
  const reports = await Promise.all(
    storages.map((storage) => askJson<CacheReport>(server, `/cache?storage=${storage}`)),
  );
  for (const [index, { wrong, seen, left, after }] of reports.entries()) {
    assert.deepEqual(wrong, [], storages[index]);
    assert.deepEqual(seen, [true, true, 'default'], storages[index]);
    assert.ok(left > 3590 && left <= 3601, `${storages[index]}: ${left} s left of an hour`);
    assert.deepEqual(after, [false, false, true], storages[index]);
  }
  assert.equal(await askJson(server, '/no-storage'), 'The storage nope cannot be used: kv.Has: no such storage: nope');
  await askJson(server, '/set?value=from+one');
  const answers = await Promise.all(Array.from({ length: 9 }, () => askJson(server, '/get')));
  assert.deepEqual(new Set(answers), new Set(['from one']));
  await server.stop();
  t.diagnostic(`${storages.join(', ')}: the same`);
});

for (const driver of ['memory', 'redis'] as const) {
  test(`locks in ${driver}: no update of any worker is lost; one that dies while it waits never gets the lock`, async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const lock = driver === 'memory' ? { driver } : { driver, redis: { addrs: [redis.address] } };
    const kv = { memory: { driver: 'memory', config: {} } };
    const metrics = `127.0.0.1:${await freePort()}`;
    const config = { lock, kv, metrics: { address: metrics }, http: { pool: { num_workers: 4 } } };
    const server = await startServer({ command, config });
    t.after(() => server.discard());
    const rounds = 120;
    const counts = await Promise.all(Array.from({ length: rounds }, () => askJson<number>(server, '/count')));
    assert.deepEqual(
      [...counts].sort((a, b) => a - b),
      Array.from({ length: rounds }, (_, index) => index + 1),
    );
    assert.match(await askJson(server, '/refused'), /^The lock of refused could not be had within 0\.05 s\.$/);
    assert.deepEqual(await askJson(server, '/fails'), [false], 'released though the work failed');

    assert.equal(typeof (await askJson(server, '/hold')), 'string');
    // A POST is not tried again.
    const waiting = ask(server, '/wait', { method: 'POST' });
    const waits = async (): Promise<boolean> => {
      const text = await (await fetch(`http://${metrics}/metrics`)).text();
      return text.includes('\nrrts_lock_waiting 1\n');
    };
    await eventually(waits, 'a worker that waits');
    process.kill(await askJson<number>(server, '/waiter'), 'SIGKILL');
    assert.equal((await within(waiting, 20_000, 'the answer about the dead worker')).status, 502);
    assert.equal(await askJson(server, '/release'), true);
    assert.equal(await askJson(server, '/exists'), false, 'nobody got it');
    await server.stop();
    t.diagnostic(`${rounds} updates by 4 workers, none lost`);
  });
}
