// Q05, Q06, Q08, Q09: poison, long jobs, a stop and a flood, for every driver.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { JOB_DRIVERS } from '../../helpers/job-drivers.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type JobApp, type JobAppWish, startJobApp } from './job-app.ts';

/** For what only has to happen some day. */
const DEADLINE_MS = 60_000;
/** What is refused is garbage until it is collected; 2,000 jobs of 5 kB are 10 MB. */
const GROWTH_MIB = 200;

// Much of it is waiting: two drivers at a time take half as long. The last of the list takes longest, so it is first.
describe('jobs of every driver', { concurrency: 2 }, () => {
  for (const driver of [...JOB_DRIVERS].reverse()) {
    const start = async (t: TestContext, wish: JobAppWish = {}): Promise<JobApp> => {
      const dir = makeTempDir('store');
      t.after(() => dir.remove());
      return await startJobApp(t, await driver.start(t, dir.path), wish);
    };

    describe(`jobs: ${driver.name}`, () => {
      test('Q05 poison jobs end in the dead-letter pipeline after max_attempts, the others are not held up', async (t) => {
        // Without prefetch: a worker that is killed for its nonsense would have begun the job behind it.
        const app = await start(t, {
          pipeline: { retry: { max_attempts: 3, delay: '20ms' } },
          jobs: { pool: { num_workers: 2, prefetch: 0 } },
        });
        const poison = ['die', 'exit:3', 'fail', 'error', 'nonsense', 'unrecoverable'];
        await app.send(poison.map((job) => ({ id: `poison-${job}`, job })));
        await app.sendMany(300, 'ok');
        const notes = await app.ended(300);
        await app.waiting(poison.length, 'dead', DEADLINE_MS);
        const attempts = Object.fromEntries(poison.map((job) => [job, app.notes.begun.get(`poison-${job}`)]));
        report(t, { driver: driver.name, good: notes.ended.size, ...attempts });
        assert.deepEqual(attempts, { die: 3, 'exit:3': 3, fail: 3, error: 3, nonsense: 3, unrecoverable: 1 });
        assert.equal((await app.pipeline('work'))['dead'], poison.length);
        // They come back to where they failed, once somebody says so.
        const { count } = await app.call<{ count: number }>('jobs.Retry', { pipeline: 'dead' });
        assert.equal(count, poison.length);
        const again = () =>
          app.notes.begun.get('poison-die') === 6 && app.notes.begun.get('poison-unrecoverable') === 2;
        await eventually(again, 'another three attempts', DEADLINE_MS);
        await app.waiting(poison.length, 'dead', DEADLINE_MS);
        await app.empty();
        await app.stop();
      });

      test('Q06 a job that runs long runs once', async (t) => {
        const dir = makeTempDir('store');
        t.after(() => dir.remove());
        const store = await driver.start(t, dir.path);
        // Longer than the lease, where there is one.
        const ms = store.shortLease === undefined ? pick(1000, 45_000) : pick(4000, 45_000);
        const app = await startJobApp(t, store, { workers: 2, config: store.shortLease ?? {} });
        await app.send([{ id: 'long', job: `sleep:${ms}` }]);
        await app.sendMany(50, 'ok');
        await app.ended(51, ms + 20_000);
        await app.empty();
        report(t, { driver: driver.name, runs: app.notes.begun.get('long') ?? 0, ms });
        assert.equal(app.notes.begun.get('long'), 1);
        await app.stop();
      });

      test('Q08 SIGTERM: what runs is finished, the rest stays in the queue, and the exit is in time', async (t) => {
        const dir = makeTempDir('jobs');
        const storeDir = makeTempDir('store');
        t.after(() => {
          dir.remove();
          storeDir.remove();
        });
        const store = await driver.start(t, storeDir.path);
        const app = await startJobApp(t, store, { workers: 2, dir });
        const ids = await app.sendMany(60, 'sleep:100');
        await app.ended(6);
        const begun = performance.now();
        await app.stop();
        const ms = performance.now() - begun;
        const { begun: started, ended } = app.notes;
        const doneBefore = ended.size;
        assert.deepEqual(
          [...started.keys()].filter((id) => !ended.has(id)),
          [],
          'begun, and cut',
        );
        atMost(ms, 8000, 'milliseconds until the exit');
        if (!driver.durable) {
          report(t, { driver: driver.name, jobs: ids.length, finished: doneBefore, stopMs: ms });
          return;
        }
        const next = await startJobApp(t, store, { workers: 2, dir });
        const notes = await next.ended(60);
        report(t, {
          driver: driver.name,
          jobs: ids.length,
          finished: doneBefore,
          afterRestart: notes.ended.size - doneBefore,
          stopMs: ms,
        });
        assert.deepEqual(
          [...notes.ended.values()].filter((count) => count > 1),
          [],
          'twice',
        );
        await next.stop();
      });

      test('Q09 a producer that is ten times as fast as the consumers is refused, and memory stays bounded', async (t) => {
        const most = 2000;
        const app = await start(t, { workers: 2, pipeline: { max_waiting: most } });
        const before = masterBytes(app);
        let pushed = 0;
        let refused = 0;
        const end = performance.now() + pick(1500, 60_000);
        // A broker takes its time for each confirm, so it may need more of it.
        while (performance.now() < end || (refused < 1000 && performance.now() < end + DEADLINE_MS)) {
          try {
            await app.send(Array.from({ length: 200 }, () => ({ job: 'sleep:5', payload: 'x'.repeat(5000) })));
            pushed += 200;
          } catch (error) {
            assert.match(String(error), /is full|full: it may hold/);
            refused += 200;
          }
        }
        const { waiting } = await app.pipeline();
        const grownMiB = (masterBytes(app) - before) / 1024 ** 2;
        report(
          t,
          { driver: driver.name, pushed, refused, waiting: Number(waiting), grownMiB },
          { pushed: 2000, refused: 1000 },
        );
        // A broker counts what it has, not what is on its way.
        atMost(Number(waiting), most * 1.5, 'jobs in the queue');
        atMost(grownMiB, GROWTH_MIB, 'MiB by which the master grew');
        const { ended } = await app.ended(1);
        assert.ok(ended.size < pushed, `all of ${pushed} jobs were run`);
        await app.server.discard();
      });
    });
  }
});

/** Resident set of the master. */
function masterBytes(app: JobApp): number {
  const status = readFileSync(`/proc/${app.server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
