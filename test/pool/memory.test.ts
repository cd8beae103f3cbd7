// max_worker_memory: workers that grow are replaced after their answer, or killed at the hard limit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResidentMemory } from '../../src/worker/resident.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { ask, pids, withRig } from './pool-rig.ts';

const MB = 1024 ** 2;

test('a worker that leaks is replaced after an answer, and no request is lost', () =>
  withRig(
    'native/worker.php',
    { config: { num_workers: 2, supervisor: { max_worker_memory: 60 } } },
    async ({ pool }) => {
      const seen = new Set<string>();
      let largest = 0;
      for (let i = 0; i < 100; i++) {
        const { status, text } = await within(ask(pool, '/grow?mb=5', 'POST'), 20_000, 'an answer');
        assert.equal(status, 200);
        seen.add(text);
        for (const pid of pids(pool)) {
          const memory = new ResidentMemory(pid);
          largest = Math.max(largest, memory.bytes);
          memory.close();
        }
      }
      const { exits } = pool.stats();
      console.log(`# 100 requests by ${seen.size} workers, the largest had ${Math.round(largest / MB)} MB`);
      assert.ok((exits.get('max_worker_memory') ?? 0) >= 4, JSON.stringify([...exits]));
      assert.deepEqual([...exits.keys()], ['max_worker_memory']);
      assert.ok(largest <= (60 * 1.25 + 5 + 1) * MB, `${Math.round(largest / MB)} MB`);
    },
  ));

test('a worker at the hard limit is killed in the middle of its request, which is not tried again', () =>
  withRig(
    'native/worker.php',
    { config: { num_workers: 1, supervisor: { max_worker_memory_hard: 100 } } },
    async ({ pool, log }) => {
      const { error } = await within(ask(pool, '/grow?mb=150&ms=60000'), 20_000, 'the end');
      assert.equal(error?.code, 'ERR_WORKER_MEMORY');
      assert.equal((await within(ask(pool, '/pid'), 20_000, 'an answer')).status, 200);
      await within(log.line('max_worker_memory_hard'), 20_000, 'a log line');
      assert.deepEqual([...pool.stats().exits], [['max_worker_memory_hard', 1]]);
    },
  ));

test('memory is read from the process that was opened, and is 0 when that is gone', async () => {
  const own = new ResidentMemory(process.pid);
  assert.ok(Math.abs(own.bytes - process.memoryUsage.rss()) < 20 * MB, `${own.bytes}`);
  own.close();
  assert.equal(own.bytes, 0);
  assert.equal(new ResidentMemory(2 ** 30).bytes, 0);
  await withRig('native/worker.php', { config: { num_workers: 1 } }, async ({ pool }) => {
    const [pid = 0] = pids(pool);
    const memory = new ResidentMemory(pid);
    assert.ok(memory.bytes > MB);
    process.kill(pid, 'SIGKILL');
    await eventually(() => memory.bytes === 0, 'no memory of a dead process', 20_000);
    memory.close();
  });
});
