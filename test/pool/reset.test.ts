// Workers added, removed and replaced while the pool runs: capacity, failures, several at once.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isRrtsError } from '../../src/core/errors.ts';
import type { Pool } from '../../src/pool/pool.ts';
import { fixture } from '../helpers/paths.ts';
import { isAlive, kill } from '../helpers/processes.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { ask, pids, TestRequest, withRig } from './pool-rig.ts';

function serving(pool: Pool): number {
  const { ready, working } = pool.stats();
  return ready + working;
}

/** Waits until exactly `count` workers are there and all have booted. */
function settled(pool: Pool, count: number): Promise<boolean> {
  return eventually(() => pool.stats().workers.length === count && serving(pool) === count, `${count} workers`);
}

/** `clients` that ask one request after the other until told to end; gives the number of answers, and those that were not 200. */
function startLoad(
  pool: Pool,
  clients: number,
  target: string,
): () => Promise<{ answers: number; failures: string[] }> {
  let ending = false;
  let answers = 0;
  const failures: string[] = [];
  const client = async (): Promise<void> => {
    while (!ending) {
      const end = await ask(pool, target);
      answers++;
      if (end.status !== 200) failures.push(`${end.status} ${end.error?.message}`);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  return async () => {
    ending = true;
    await within(all, 20_000, 'the end of the load');
    return { answers, failures };
  };
}

test('a worker is added, and removed again; the last one stays', () =>
  withRig('sdk-json.php', { config: { num_workers: 1 } }, async ({ pool }) => {
    await within(Promise.all([pool.addWorker(), pool.addWorker()]), 20_000, 'two more');
    assert.deepEqual([pool.stats().target, serving(pool)], [3, 3]);
    const answers = await Promise.all(Array.from({ length: 9 }, () => ask(pool, '/pid')));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 3);
    for (let i = 0; i < 5; i++) pool.removeWorker();
    await settled(pool, 1);
    assert.equal(pool.stats().target, 1);
    assert.equal((await ask(pool, '/pid')).status, 200);
  }));

test('a busy worker that is removed finishes its request', () =>
  withRig('sdk-json.php', { config: { num_workers: 2 } }, async ({ pool }) => {
    const requests = [new TestRequest('/sleep?ms=400&id=1'), new TestRequest('/sleep?ms=400&id=2')];
    for (const request of requests) pool.submit(request);
    await eventually(() => pool.stats().working === 2, 'both to work');
    pool.removeWorker();
    const ends = await Promise.all(requests.map(({ end }) => within(end, 20_000, 'the end')));
    assert.deepEqual(
      ends.map(({ status }) => status),
      [200, 200],
    );
    await settled(pool, 1);
  }));

test('a worker that starts while fewer are wanted again goes, and is no failure', () =>
  withRig('sdk-json.php', { config: { num_workers: 2 } }, async ({ pool, log }) => {
    const adding = pool.addWorker();
    pool.removeWorker();
    await within(adding, 20_000, 'the addition');
    await settled(pool, 2);
    assert.equal(pool.stats().bootFailures, 0);
    assert.deepEqual(
      log.lines.filter((line) => line.startsWith('error')),
      [],
    );
  }));

for (const [script, prefetch] of [
  ['sdk-json.php', 0],
  ['native/worker.php', 8],
] as const) {
  test(`reset under load replaces all, fails nothing and never dips: ${script}`, () =>
    withRig(script, { config: { num_workers: 3, prefetch } }, async ({ pool }) => {
      const finish = startLoad(pool, 8, '/pid');
      await ask(pool, '/pid');
      let lowest = Number.POSITIVE_INFINITY;
      const watch = setInterval(() => {
        lowest = Math.min(lowest, serving(pool));
      }, 1);
      for (let round = 0; round < 3; round++) {
        const before = new Set(pids(pool));
        await within(pool.reset(), 20_000, 'the reset');
        await eventually(() => pids(pool).every((pid) => !before.has(pid)), 'the old ones to be gone');
      }
      clearInterval(watch);
      const { answers, failures } = await finish();
      await settled(pool, 3);
      assert.deepEqual(failures, []);
      assert.ok(answers > 50, `${answers} answers`);
      assert.ok(lowest >= 3, `${lowest} workers at the lowest`);
    }));
}

test('a new worker that cannot boot ends the reset; the old ones serve on, and the next reset works', async () => {
  const directory = makeTempDir('reset');
  const script = join(directory.path, 'worker.php');
  const mended = `<?php require ${JSON.stringify(fixture('sdk-json.php'))};`;
  writeFileSync(script, mended);
  await withRig(script, { config: { num_workers: 3 } }, async ({ pool, log }) => {
    const before = pids(pool);
    writeFileSync(script, '<?php fwrite(STDERR, "no database\n"); exit(3);');
    const finish = startLoad(pool, 4, '/sleep?ms=5');
    await assert.rejects(within(pool.reset(), 20_000, 'the reset'), (error) => {
      assert.ok(isRrtsError(error));
      assert.equal(error.code, 'ERR_WORKER_BOOT');
      assert.match(error.message, /no database/);
      return true;
    });
    await settled(pool, 3);
    assert.deepEqual(pids(pool), before);
    await assert.rejects(within(pool.addWorker(), 20_000, 'the addition'), { code: 'ERR_WORKER_BOOT' });
    assert.equal(pool.stats().target, 3);
    assert.deepEqual((await finish()).failures, []);
    assert.equal(pool.stats().bootFailures, 0);
    assert.ok(log.lines.some((line) => line.includes('the others stay')));
    writeFileSync(script, mended);
    await within(pool.reset(), 20_000, 'the reset');
    await settled(pool, 3);
    assert.ok(pids(pool).every((pid) => !before.includes(pid)));
  });
  directory.remove();
});

test('resets at once share rounds: the first, and one for all that came during it', () =>
  withRig('sdk-json.php', { config: { num_workers: 2 } }, async ({ pool, log }) => {
    await within(Promise.all(Array.from({ length: 6 }, () => pool.reset())), 20_000, 'six resets');
    await settled(pool, 2);
    const ready = log.lines.filter((line) => line.includes('worker is ready')).length;
    assert.equal(ready, 2 + 2 * 2);
  }));

test('a request that takes long does not hold up a reset, and ends on its old worker', () =>
  withRig('sdk-json.php', { config: { num_workers: 2 } }, async ({ pool }) => {
    const request = new TestRequest('/sleep?ms=1500&id=9');
    pool.submit(request);
    const worker = await eventually(() => request.worker, 'the request to run');
    await within(pool.reset(), 20_000, 'the reset');
    assert.ok(isAlive(worker.pid));
    assert.equal((await within(request.end, 20_000, 'the end')).text, '9');
    await settled(pool, 2);
  }));

test('an old worker that is killed during a reset does not keep another old one there', () =>
  withRig('sdk-json.php', { config: { num_workers: 2 } }, async ({ pool }) => {
    const before = pids(pool);
    const reset = pool.reset();
    kill(before[0] ?? 0, 'SIGKILL');
    await within(reset, 20_000, 'the reset');
    await settled(pool, 2);
    assert.ok(pids(pool).every((pid) => !before.includes(pid)));
  }));

test('a stop during a reset ends it; a stopped pool takes no changes', () =>
  withRig('sdk-json.php', { config: { num_workers: 2 } }, async ({ pool }) => {
    const reset = assert.rejects(pool.reset(), { code: 'ERR_POOL_STOPPED' });
    await within(pool.stop(2000), 20_000, 'the stop');
    await within(reset, 20_000, 'its end');
    await assert.rejects(pool.reset(), { code: 'ERR_POOL_STOPPED' });
    await assert.rejects(pool.addWorker(), { code: 'ERR_POOL_STOPPED' });
  }));
