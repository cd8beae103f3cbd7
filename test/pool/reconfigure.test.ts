// New settings for a running pool: limits at once, the rest with new workers, and back again when those do not boot.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually, within } from '../helpers/wait-for.ts';
import { ask, pids, settingsOf, withRig } from './pool-rig.ts';

const SCRIPT = 'native/worker.php';

test('limits, number and environment change while requests run, and none of them fails', () =>
  withRig(SCRIPT, { config: { num_workers: 2 } }, async ({ pool, mark }) => {
    const before = pids(pool);
    let running = true;
    const count = { asked: 0, failed: 0 };
    const client = async (): Promise<void> => {
      while (running) {
        count.asked++;
        if ((await ask(pool, '/pid', 'POST')).status !== 200) count.failed++;
      }
    };
    const clients = Promise.all([1, 2, 3, 4].map(client));
    const config = { num_workers: 3, supervisor: { exec_ttl: '300ms' } };
    await within(pool.reconfigure(settingsOf(SCRIPT, mark, { config, env: { FLAVOUR: 'new' } })), 20_000, 'the change');
    running = false;
    await clients;
    console.log(`# ${count.asked} requests, ${count.failed} failed`);
    assert.equal(count.failed, 0);
    await eventually(() => pids(pool).length === 3, 'three workers', 20_000);
    await eventually(() => !pids(pool).some((pid) => before.includes(pid)), 'new workers only', 20_000);
    for (const pid of pids(pool)) assert.match(readFileSync(`/proc/${pid}/environ`, 'utf8'), /\0FLAVOUR=new\0/);
    assert.deepEqual([...pool.stats().exits], [['reset', 2]]);
    assert.equal((await ask(pool, '/sleep?ms=5000')).error?.code, 'ERR_WORKER_EXEC_TTL');
  }));

test('fewer workers than before', () =>
  withRig(SCRIPT, { config: { num_workers: 4 } }, async ({ pool, mark }) => {
    await within(pool.reconfigure(settingsOf(SCRIPT, mark, { config: { num_workers: 1 } })), 20_000, 'the change');
    await eventually(() => pids(pool).length === 1, 'one worker', 20_000);
    assert.equal((await ask(pool, '/pid')).status, 200);
  }));

test('settings whose workers do not boot are taken back, and the old workers stay', () =>
  withRig(SCRIPT, { config: { num_workers: 2 } }, async ({ pool, mark }) => {
    const before = pids(pool).sort();
    const config = { num_workers: 5, supervisor: { exec_ttl: '300ms' } };
    const broken = settingsOf('misbehaving/boot-throws.php', mark, { config });
    await assert.rejects(within(pool.reconfigure(broken), 20_000, 'the change'), { code: 'ERR_WORKER_BOOT' });
    await eventually(() => pids(pool).length === 2, 'two workers', 20_000);
    assert.deepEqual(pids(pool).sort(), before);
    assert.equal(pool.stats().target, 2);
    assert.equal(
      (await within(ask(pool, '/sleep?ms=800'), 20_000, 'an answer')).status,
      200,
      'the old exec_ttl is back',
    );
    assert.match(pool.stats().command, /native\/worker\.php/);
    await within(pool.reset(), 20_000, 'a reset to the old code');
    await eventually(() => !pids(pool).some((pid) => before.includes(pid)), 'new workers', 20_000);
  }));
