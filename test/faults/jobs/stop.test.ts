// A stop while jobs end: what follows them is stored before any queue is closed, and nothing is in two places afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobStore } from '../../helpers/job-drivers.ts';
import { startRedis } from '../../helpers/redis.ts';
import { startTcpProxy } from '../../helpers/tcp-proxy.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { report } from '../rig/report.ts';
import { startJobApp } from './job-app.ts';

test('SIGTERM while dead letters and the next of chains are on their way to a slow store: each job is in one place', async (t) => {
  const dir = makeTempDir('jobs');
  const redis = await startRedis({ directory: dir.path });
  t.after(async () => {
    await redis.stop();
    dir.remove();
  });
  const slow = await startTcpProxy(redis.port);
  t.after(() => slow.close());
  const store: JobStore = {
    pipeline: (queue) => {
      const address = queue === 'work' ? `127.0.0.1:${redis.port}` : slow.address;
      return { driver: 'redis', config: { addrs: [address], queue, read_timeout: '60s' } };
    },
  };
  const pipelines = { next: store.pipeline('next') };
  // Nothing is sent ahead: that alone may run a job twice.
  const jobs = { pool: { num_workers: 2, prefetch: 0 } };
  const count = 10;
  const app = await startJobApp(t, store, { dir, pipelines, jobs, pipeline: { retry: { max_attempts: 1 } } });
  slow.hold();
  await app.send(
    Array.from({ length: count }, (_, index) => [
      { id: `poison-${index}`, job: 'fail' },
      { id: `first-${index}`, job: 'ok', chain: [{ id: `second-${index}`, job: 'ok', pipeline: 'next' }] },
    ]).flat(),
  );
  await app.ended(count);
  await eventually(() => app.notes.begun.size === 2 * count, 'all runs', 60_000);
  const begun = performance.now();
  const stopped = app.stop(60_000);
  await eventually(() => app.workers().length === 0, 'the end of the workers', 30_000);
  slow.heal();
  await stopped;
  const stopMs = performance.now() - begun;

  const next = await startJobApp(t, store, { dir, pipelines, jobs, consume: ['work', 'next'] });
  await next.ended(2 * count);
  await next.waiting(count, 'dead');
  await next.empty();
  await next.empty('next');
  const runs = [...next.notes.begun.values()];
  report(t, { jobs: runs.length, runs: runs.reduce((sum, one) => sum + one, 0), stopMs });
  assert.equal(runs.length, 3 * count);
  assert.deepEqual(
    runs.filter((one) => one !== 1),
    [],
    'a job was in two places',
  );
  await next.stop();
});
