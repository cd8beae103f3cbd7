// How many jobs a pool is given, and what a stop or a new limit changes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDead } from '../../../src/plugins/jobs/retry-dead.ts';
import { job } from './driver-contract.ts';
import { QueueRig } from './queue-rig.ts';

const ids = (rig: QueueRig): string[] => rig.pool.runs.map(({ id }) => id);
const jobs = (count: number) => Array.from({ length: count }, (_, index) => ({ job: job(String(index)), delayMs: 0 }));

test('a pool has one job more than workers, and with more workers more at once', async () => {
  const rig = new QueueRig(1);
  const work = await rig.add('work');
  work.resume();
  await work.push(jobs(10));
  assert.deepEqual(ids(rig), ['0', '1']);
  rig.runner.limits = { workers: 3, prefetch: 0, timeoutMs: 0 };
  assert.deepEqual(ids(rig), ['0', '1', '2', '3']);
  // Somebody added workers by hand.
  rig.pool.target = 5;
  rig.pool.begin('0');
  rig.pool.done('0');
  assert.equal(rig.pool.runs.length, 6);
  work.pause();
});

test('a run that is given up makes room for the next job', async () => {
  const rig = new QueueRig(1);
  const work = await rig.add('work');
  work.resume();
  const place = { pipeline: 'direct', driver: '', queue: '', maxAttempts: 1, timeoutMs: undefined };
  const abort = new AbortController();
  const run = rig.runner.run(job('direct'), place, abort.signal);
  await work.push(jobs(3));
  assert.deepEqual(ids(rig), ['direct', '0']);
  abort.abort();
  assert.equal((await run).kind, 'not_run');
  assert.deepEqual(ids(rig), ['0', '1']);
  work.pause();
});

test('nothing is consumed or taken back from the moment of a stop on: queue and runner would hand jobs to and fro', async () => {
  const rig = new QueueRig(1);
  const work = await rig.add('work');
  await work.push(jobs(2));
  rig.pipelines.halt();
  rig.runner.stop();
  const closing = { code: 'ERR_JOBS_STORE', message: /being closed/ };
  assert.throws(() => work.resume(), closing);
  await assert.rejects(retryDead(rig.pipelines, 'work', 10, new AbortController().signal), closing);
  await assert.rejects(rig.add('more'), closing);
  // Jobs that run may push until they have ended.
  assert.deepEqual(await work.push([{ job: job('x'), delayMs: 0 }]), ['stored']);
  await rig.pipelines.stop(0);
});
