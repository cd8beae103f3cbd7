// Jobs on a real server with real workers: chains, unique jobs, requeues, progress, priorities, pools, and who may call what.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type JobApp, type JobAppWish, type Overview, startJobApp } from '../faults/jobs/job-app.ts';
import { eventually } from '../helpers/wait-for.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';

const start = (t: TestContext, wish: JobAppWish = {}): Promise<JobApp> =>
  startJobApp(t, { pipeline: () => ({ driver: 'memory' }) }, wish);

test('a chain: each link follows when the one before it is done, and the rest of one that fails never runs', async (t) => {
  const app = await start(t, { pipeline: { retry: { max_attempts: 1 } } });
  const link = (id: string, job = 'ok') => ({ id, job });
  await app.send([
    { ...link('a1'), chain: [link('a2', 'sleep:50'), { ...link('a3'), delay: 100 }] },
    { ...link('b1'), chain: [link('b2', 'fail'), link('b3')] },
  ]);
  await app.ended(4);
  await app.empty();
  const { order, ended } = app.notes;
  assert.deepEqual(
    order.filter((id) => id.startsWith('a')),
    ['a1', 'a2', 'a3'],
  );
  assert.deepEqual([...ended.keys()].sort(), ['a1', 'a2', 'a3', 'b1']);
  await app.waiting(1, 'dead');
  await assert.rejects(
    app.send([{ job: 'x', chain: [{ job: 'y', pipeline: 'nowhere' }] }]),
    /no such pipeline: "nowhere"/,
  );
  await app.stop();
});

test('a unique job is there once, until it is done', async (t) => {
  const app = await start(t);
  const gate = app.dir.file('gate');
  const unique = (id: string) => ({ id, job: `until:${gate}`, unique: 'report' });
  assert.deepEqual(await app.send([unique('a'), unique('b')]), ['a', null]);
  assert.deepEqual(await app.send([unique('c')]), [null]);
  writeFileSync(gate, '');
  await app.ended(1);
  await app.empty();
  assert.deepEqual(await app.send([unique('d')]), ['d']);
  await app.ended(2);
  assert.deepEqual([...app.notes.ended.keys()], ['a', 'd']);
  await app.stop();
});

test('a job that wants to run again does, with its headers, and no failure is counted', async (t) => {
  const app = await start(t, { pipeline: { retry: { max_attempts: 1 } } });
  await app.send([{ id: 'a', job: 'requeue:50' }]);
  await app.ended(1);
  await app.empty();
  const numbers = await app.pipeline();
  assert.deepEqual([numbers['requeued'], numbers['failed'], numbers['done'], app.notes.begun.get('a')], [1, 0, 1, 2]);
  await app.stop();
});

test('progress shows while the job runs', async (t) => {
  const app = await start(t);
  const gate = app.dir.file('gate');
  await app.send([{ id: 'a', job: `progress:${gate}` }]);
  const seen = await eventually(async () => {
    const { running } = await app.call<Overview>('jobs.Overview', {});
    return running.find((run) => run['percent'] !== undefined);
  }, 'progress');
  const { seconds, pid, ...rest } = seen;
  assert.deepEqual(rest, {
    id: 'a',
    job: `progress:${gate}`,
    pipeline: 'work',
    attempt: 1,
    percent: 40,
    message: 'on my way',
  });
  assert.ok(Number(seconds) >= 0 && app.workers().some((worker) => worker.pid === pid));
  writeFileSync(gate, '');
  await app.ended(1);
  await app.empty();
  assert.equal(await app.call('jobs.Progress', { id: 'a', pipeline: 'work', percent: 50 }), false);
  await app.stop();
});

test('lower priorities first, across pipelines that share a pool; another pool is not held up', async (t) => {
  const app = await start(t, {
    workers: 1,
    consume: ['work', 'urgent', 'heavy'],
    jobs: { pools: { heavy: { num_workers: 1 } } },
    pipeline: {},
    pipelines: {
      urgent: { driver: 'memory', config: { priority: 1 } },
      heavy: { driver: 'memory', pool: 'heavy' },
    },
  });
  const gate = app.dir.file('gate');
  await app.send([{ id: 'first', job: `until:${gate}` }]);
  await app.send(Array.from({ length: 8 }, (_, index) => ({ id: `low-${index}`, job: 'sleep:20' })));
  await app.send([{ id: 'urgent', job: 'ok' }], 'urgent');
  await app.send([{ id: 'heavy', job: 'ok' }], 'heavy');
  await eventually(() => app.notes.ended.has('heavy'), 'the job of the other pool, while the first one runs', 60_000);
  assert.ok(!app.notes.ended.has('first'));
  writeFileSync(gate, '');
  await app.ended(11);
  const { order } = app.notes;
  // One job may be with the pool already, behind the one that runs.
  assert.ok(order.filter((id) => id !== 'heavy').indexOf('urgent') <= 2, order.join(' '));
  await app.stop();
});

test('paused and resumed, by RPC', async (t) => {
  const app = await start(t, { consume: [] });
  await app.sendMany(5, 'ok');
  assert.equal((await app.pipeline())['state'], 'paused');
  assert.equal((await app.pipeline())['waiting'], 5);
  await app.call('jobs.Resume', { pipelines: ['work'] });
  await app.ended(5);
  await app.call('jobs.Pause', { pipelines: ['work'] });
  await app.sendMany(3, 'ok', 'later');
  assert.equal((await app.pipeline())['waiting'], 3);
  await assert.rejects(
    app.call('jobs.Pause', { pipelines: ['work', 'nowhere'] }),
    /no such pipeline: "nowhere". There are/,
  );
  await app.stop();
});

test('what is no job is refused with one line, and nothing of its batch is stored', async (t) => {
  const app = await start(t, { consume: [], pipeline: { max_payload: '1kb' } });
  const bad: readonly [unknown, RegExp][] = [
    [{ pipeline: 'work', jobs: [] }, /jobs: /],
    [{ pipeline: 'work', jobs: [{ job: 'ok' }, { job: '' }] }, /jobs\.1\.job: /],
    [{ pipeline: 'work', jobs: [{ job: 'ok', dely: 5 }] }, /dely/],
    [{ pipeline: 'work', jobs: [{ job: 'ok', delay: -5 }] }, /jobs\.0\.delay: /],
    [{ pipeline: 'nowhere', jobs: [{ job: 'ok' }] }, /no such pipeline: "nowhere"/],
    [
      { pipeline: 'work', jobs: [{ job: 'ok' }, { job: 'ok', payload: 'x'.repeat(1025) }] },
      /1025 bytes, and the pipeline work takes 1024/,
    ],
    // A chain is looked through to its end: nobody is there to be told when its turn comes.
    [
      { pipeline: 'work', jobs: [{ job: 'ok', chain: [{ job: 'ok', pipeline: 'nowhere', priority: 1 }] }] },
      /"nowhere"/,
    ],
    [
      { pipeline: 'work', jobs: [{ job: 'ok', chain: [{ job: 'ok', payload: 'x'.repeat(1025) }] }] },
      /1025 bytes, and the pipeline work takes 1024/,
    ],
    ['nonsense', /jobs\.Send/],
  ];
  for (const [argument, message] of bad) await assert.rejects(app.call('jobs.Send', argument), message);
  assert.equal((await app.pipeline())['waiting'], 0);
  await assert.rejects(
    app.call('jobs.Run', { id: 'a', job: 'ok', pipeline: 'x', payload: '' }),
    /for parts of rrts only/,
  );
  // Its dead letters would fail there again, and again.
  const declare = (dead: string) =>
    app.call('jobs.Declare', { pipeline: { name: 'mine', driver: 'memory', dead_letter: dead } });
  await assert.rejects(declare('mine'), /pipeline mine: dead_letter: is the pipeline itself/);
  await assert.rejects(declare('nowhere'), /pipeline mine: dead_letter: there is no pipeline nowhere/);
  await declare('dead');
  t.diagnostic(`${bad.length + 3} calls were refused`);
  await app.stop();
});

test('a reload replaces the workers under jobs, and none is lost or run twice', async (t) => {
  const app = await start(t, { workers: 2 });
  await app.sendMany(400, 'sleep:5');
  const before = new Set(app.workers().map(({ pid }) => pid));
  app.server.child.kill('SIGHUP');
  await app.server.waitForLog(
    ({ text }) => /reload/i.test(text) && /done|in force|reloaded|applied|nothing/i.test(text),
    'about the reload',
    15_000,
  );
  await app.ended(400);
  await app.empty();
  const { begun } = app.notes;
  assert.deepEqual(
    [...begun.values()].filter((count) => count !== 1),
    [],
  );
  assert.ok(
    app.workers().every(({ pid }) => !before.has(pid)),
    'all workers are new',
  );
  await app.stop();
});

test('two connections push at once, and each is told of its own', async (t) => {
  const app = await start(t);
  const port = Number(
    /127\.0\.0\.1:(\d+)/.exec(String(app.server.logs.all(({ text }) => /rpc listens/.test(text))[0]?.text))?.[1],
  );
  const other = new RpcClient({ port, host: '127.0.0.1' });
  t.after(() => other.close());
  const push = (client: Pick<RpcClient, 'call'>, prefix: string) =>
    Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        client.call<{ ids: string[] }>('jobs.Send', {
          pipeline: 'work',
          jobs: [{ id: `${prefix}-${index}`, job: 'ok' }],
        }),
      ),
    );
  const [mine, theirs] = await Promise.all([push(app, 'a'), push(other, 'b')]);
  assert.deepEqual(
    mine.map(({ ids }) => ids[0]),
    Array.from({ length: 100 }, (_, index) => `a-${index}`),
  );
  assert.deepEqual(
    theirs.map(({ ids }) => ids[0]),
    Array.from({ length: 100 }, (_, index) => `b-${index}`),
  );
  await app.ended(200);
  await app.stop();
});

test('a timeout kills the worker, counts as a failure, and holds nobody else up', async (t) => {
  const app = await start(t, { pipeline: { timeout: '300ms', retry: { max_attempts: 2, delay: '10ms' } } });
  // The others have time enough for a machine that stands still for a while.
  await app.send([
    { id: 'slow', job: 'sleep:60000' },
    { id: 'allowed', job: 'sleep:700', timeout: 50_000 },
    { id: 'quick', job: 'ok', timeout: 50_000 },
  ]);
  await app.ended(2);
  await app.waiting(1, 'dead');
  const { begun, ended } = app.notes;
  assert.deepEqual(
    [begun.get('slow'), [...ended].sort()],
    [
      2,
      [
        ['allowed', 1],
        ['quick', 1],
      ],
    ],
  );
  await app.stop();
});
