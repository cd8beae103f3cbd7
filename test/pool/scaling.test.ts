// Workers follow the load: up while requests wait, one at a time, and down again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from '../../src/pool/pool.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { ask, withRig } from './pool-rig.ts';

const SCALING = { spawn_rate: 20, idle_timeout: '500ms', queue_time: '20ms' };

/** Keeps `clients` requests of 30 ms running until `done`. Counts what was not answered with 200. */
async function load(pool: Pool, clients: number, done: () => boolean): Promise<{ asked: number; failed: number }> {
  const count = { asked: 0, failed: 0 };
  const client = async (): Promise<void> => {
    while (!done()) {
      count.asked++;
      if ((await ask(pool, '/sleep?ms=30')).status !== 200) count.failed++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return count;
}

test('a rush brings workers up to the limit and never beyond, quiet brings them down again', () =>
  withRig(
    'native/worker.php',
    { config: { num_workers: 2, max_workers: 6, dynamic_allocator: SCALING } },
    async ({ pool, log }) => {
      let most = 0;
      let full = false;
      const look = setInterval(() => {
        const { workers, ready, working } = pool.stats();
        most = Math.max(most, workers.length);
        full ||= ready + working === 6;
      }, 5);
      const count = await within(
        load(pool, 20, () => full),
        20_000,
        'six workers',
      );
      await eventually(() => pool.stats().target === 2 && pool.stats().workers.length === 2, 'two workers', 20_000);
      clearInterval(look);
      console.log(`# ${count.asked} requests, ${count.failed} failed, ${most} workers at most`);
      assert.equal(count.failed, 0);
      assert.equal(most, 6);
      assert.equal(log.lines.filter((line) => line.includes('one worker more')).length, 4);
      assert.equal(log.lines.filter((line) => line.includes('one worker less')).length, 4);
      assert.deepEqual([...pool.stats().exits], [['surplus', 4]]);
    },
  ));

test("RoadRunner's key counts from num_workers; without either the number stays what it is", async () => {
  const rush = (config: object, expected: number): Promise<void> =>
    withRig('native/worker.php', { config: { num_workers: 1, ...config } }, async ({ pool }) => {
      const until = performance.now() + 1500;
      await load(pool, 8, () => pool.stats().target > 2 || performance.now() > until);
      await load(pool, 8, () => performance.now() > until);
      assert.equal(pool.stats().target, expected);
    });
  await rush({ dynamic_allocator: { ...SCALING, max_workers: 2 } }, 3);
  await rush({}, 1);
});

test('while no worker boots there is nothing to add', () =>
  withRig(
    'native/worker.php',
    { config: { num_workers: 1, max_workers: 4, queue_timeout: '500ms', dynamic_allocator: SCALING } },
    async ({ pool }) => {
      const quiet = pool.stats().target;
      assert.equal(quiet, 1);
      const ends = await within(Promise.all([1, 2].map(() => ask(pool, '/sleep?ms=300'))), 20_000, 'both');
      assert.ok(ends.every(({ status }) => status === 200));
      assert.ok(pool.stats().target <= 2, 'one waiting request wants one worker');
    },
  ));
