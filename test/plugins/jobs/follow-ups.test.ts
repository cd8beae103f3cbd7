// What follows a job that has ended, when it cannot be stored: the job is not run again, and nothing is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { RrtsError } from '../../../src/core/errors.ts';
import { DEAD_HEADERS } from '../../../src/plugins/jobs/dead-letter.ts';
import type { Delivery } from '../../../src/plugins/jobs/driver.ts';
import type { ChainLink, Job } from '../../../src/plugins/jobs/job.ts';
import { decodeJob, encodeJob } from '../../../src/plugins/jobs/job-record.ts';
import { job } from './driver-contract.ts';
import { QueueRig } from './queue-rig.ts';

const AWAY = new RrtsError('ERR_JOBS_STORE', 'the broker is away');

const link = (id: string, pipeline: string, payload = ''): ChainLink => ({
  pipeline,
  id,
  name: 'B',
  payload: Buffer.from(payload),
  headers: {},
  priority: 10,
  delayMs: 0,
  options: {},
});

/** `work` is consumed, and dies to `dead`; the stores of `dead` and `next` are away. */
async function awayRig(): Promise<QueueRig> {
  const rig = new QueueRig();
  await rig.add('dead', { max_payload: '1b' });
  await rig.add('next', { max_payload: '1b' });
  const work = await rig.add('work', { dead_letter: 'dead', retry: { max_attempts: 1 } });
  work.resume();
  for (const name of ['dead', 'next']) rig.queue(name).fault = AWAY;
  return rig;
}

/** The jobs of a queue, as its next consumer gets them. */
async function contents(rig: QueueRig, name: string): Promise<Job[]> {
  const taken: Delivery[] = [];
  const end = rig.pipelines.get(name).borrow({ take: (delivery) => taken.push(delivery), cut: () => undefined });
  await turn();
  end();
  for (const delivery of taken) delivery.release(delivery.job, 0);
  return taken.map((delivery) => delivery.job);
}

test('a job that is done is not run again while the next of its chain cannot be stored', async () => {
  const rig = await awayRig();
  await rig.running(
    'work',
    job('a', { options: { unique: 'k', chain: [link('b', 'next', 'long'), link('c', 'work')] } }),
  );
  rig.pool.done('a');
  for (let round = 0; round < 3; round++) {
    await turn();
    assert.equal(await rig.queue('work').jobs(), 1);
    rig.queue('work').skip(5000);
    assert.deepEqual(rig.pool.runs, []);
  }
  await turn();
  const complaints = rig.log.lines.filter((line) => /^error.*what follows the job a cannot be stored/.test(line));
  assert.equal(complaints.length, 1, 'it is said once');
  rig.queue('next').fault = undefined;
  rig.queue('work').skip(5000);
  await turn();
  assert.equal(await rig.queue('work').jobs(), 0);
  const [next] = await contents(rig, 'next');
  // Its payload is larger than what `next` takes of others: it was let in when the chain was pushed.
  assert.deepEqual([next?.id, next?.payload.toString(), next?.options.chain?.length], ['b', 'long', 1]);
  const { done, failed } = rig.pipelines.get('work').counts;
  assert.deepEqual([done, failed], [1, 0]);
});

test('a dead job is not run again while its dead letter cannot be stored, and says afterwards why it is dead', async () => {
  const rig = await awayRig();
  await rig.running('work', job('a', { headers: { x: ['y'] }, options: { unique: 'k' } }));
  rig.pool.fail('a');
  await turn();
  assert.equal(await rig.queue('dead').jobs(), 0);
  rig.queue('work').skip(5000);
  assert.deepEqual(rig.pool.runs, []);
  await turn();
  rig.queue('dead').fault = undefined;
  rig.queue('work').skip(5000);
  await turn();
  assert.equal(await rig.queue('work').jobs(), 0);
  const [letter] = await contents(rig, 'dead');
  const { x, [DEAD_HEADERS.error]: error, [DEAD_HEADERS.pipeline]: from } = letter?.headers ?? {};
  assert.deepEqual([x, error, from], [['y'], ['as it was told'], ['work']]);
  assert.deepEqual(letter?.options, {});
  assert.equal(rig.pipelines.get('work').counts.dead, 1);
});

test('how a job has ended is stored with it', () => {
  const ended = { result: 'dead', error: 'because', at: 1_700_000_000_000 } as const;
  assert.deepEqual(decodeJob(encodeJob(job('a', { options: { ended } }))).options, { ended });
});

test('a dead job whose pipeline has no dead_letter any more is dropped, and the log says so', async () => {
  const rig = new QueueRig();
  const work = await rig.add('work');
  work.resume();
  await work.push([{ job: job('a', { options: { ended: { result: 'dead', error: 'x', at: 0 } } }), delayMs: 0 }]);
  assert.deepEqual([rig.pool.runs, await rig.queue('work').jobs()], [[], 0]);
  assert.ok(rig.log.lines.some((line) => /a dead job is dropped/.test(line)));
});

test('a job that was acknowledged before its run says that what follows it is lost', async () => {
  const rig = await awayRig();
  await rig.running('work', job('a', { options: { autoAck: true, chain: [link('b', 'next')] } }));
  rig.pool.done('a');
  await turn();
  assert.deepEqual(
    rig.log.lines.filter((line) => line.startsWith('error')),
    ['error what follows the job a cannot be stored in the pipeline next: it is lost'],
  );
});

test('a retry is never refused, however full its queue is', async () => {
  const rig = new QueueRig();
  const work = await rig.add('work', { max_waiting: 2, retry: { max_attempts: 3 } });
  work.resume();
  await rig.running('work', job('a'));
  await rig.running('work', job('b'));
  await assert.rejects(work.push([{ job: job('c'), delayMs: 0 }]), { code: 'ERR_JOBS_FULL' });
  rig.pool.fail('a');
  rig.pool.answer('b', { result: 'requeue', delay: 10 });
  await assert.rejects(work.push([{ job: job('c'), delayMs: 0 }]), { code: 'ERR_JOBS_FULL' });
  rig.queue('work').skip(10_000);
  assert.deepEqual(rig.pool.runs.map(({ id, attempt }) => [id, attempt]).sort(), [
    ['a', 2],
    ['b', 1],
  ]);
});

test('a job that was acknowledged before its run and wants to run again is stored when its store is back, or in the last moment', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rig = await awayRig();
  const autoAck = { options: { autoAck: true } };
  await rig.running('work', job('a', autoAck));
  await rig.running('work', job('b', autoAck));
  rig.queue('work').fault = AWAY;
  rig.pool.answer('a', { result: 'requeue', delay: 60_000 });
  await turn();
  rig.queue('work').fault = undefined;
  t.mock.timers.tick(5000);
  await turn();
  assert.equal(await rig.queue('work').jobs(), 1);
  rig.queue('work').fault = AWAY;
  rig.pool.answer('b', { result: 'requeue', delay: 60_000 });
  await turn();
  rig.queue('work').fault = undefined;
  rig.pipelines.halt();
  rig.runner.stop();
  await rig.pipelines.stop(1000);
  assert.equal(await rig.queue('work').jobs(), 2);
  assert.deepEqual(
    rig.log.lines.filter((line) => /lost/.test(line)),
    [],
  );
});

test('a job that nothing but memory holds is lost when its store stays away, and the log says so', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rig = await awayRig();
  await rig.running('work', job('a', { options: { autoAck: true } }));
  rig.queue('work').fault = AWAY;
  rig.pool.answer('a', { result: 'requeue' });
  await turn();
  rig.pipelines.halt();
  await rig.pipelines.stop(1000);
  assert.deepEqual(
    rig.log.lines.filter((line) => line.startsWith('error')),
    ['error a job that was acknowledged before its run cannot be stored again: it is lost'],
  );
});
