// The end of queues: what follows a job is stored before any of them is closed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { RrtsError } from '../../../src/core/errors.ts';
import type { ChainLink } from '../../../src/plugins/jobs/job.ts';
import { retryDead } from '../../../src/plugins/jobs/retry-dead.ts';
import { within } from '../../helpers/wait-for.ts';
import { job } from './driver-contract.ts';
import { QueueRig, SLOW_TO_START } from './queue-rig.ts';

const PATIENCE_MS = 20_000;

const link = (id: string, pipeline: string): ChainLink => ({
  pipeline,
  id,
  name: 'B',
  payload: Buffer.alloc(0),
  headers: {},
  priority: 10,
  delayMs: 0,
  options: {},
});

/** `work` is consumed; its dead letters go to `dead`, whose store is slow. `next` is slow, too. */
async function slowRig(): Promise<QueueRig> {
  const rig = new QueueRig();
  await rig.add('dead');
  await rig.add('next');
  const work = await rig.add('work', { dead_letter: 'dead', retry: { max_attempts: 1 } });
  work.resume();
  rig.queue('dead').hold();
  rig.queue('next').hold();
  return rig;
}

/** As the plugin does it, when the pool has let all runs end. */
function stop(rig: QueueRig, ms = PATIENCE_MS): Promise<void> {
  rig.pipelines.halt();
  rig.runner.stop();
  return rig.pipelines.stop(ms);
}

async function heal(rig: QueueRig): Promise<void> {
  await turn();
  assert.deepEqual(
    rig.events.filter((event) => event.startsWith('stop')),
    [],
    'a queue was closed while others had to be told',
  );
  rig.queue('dead').heal();
  rig.queue('next').heal();
}

test('a stop waits for what follows jobs that have ended: their dead letters, the next of their chains', async () => {
  const rig = await slowRig();
  await rig.running('work', job('a'));
  await rig.running('work', job('b', { options: { chain: [link('b-2', 'next')] } }));
  rig.pool.fail('a');
  rig.pool.done('b');
  const stopped = stop(rig);
  await heal(rig);
  await within(stopped, PATIENCE_MS, 'the end');
  assert.deepEqual(rig.events.slice(-7).sort(), [
    'ack a',
    'ack b',
    'stop dead',
    'stop next',
    'stop work',
    'stored dead',
    'stored next',
  ]);
  assert.ok(rig.events.indexOf('ack a') < rig.events.indexOf('stop work'));
  assert.deepEqual([await rig.queue('dead').jobs(), await rig.queue('next').jobs()], [1, 1]);
  assert.equal(await rig.queue('work').jobs(), 0, 'a job is there twice');
  assert.deepEqual(
    rig.log.lines.filter((line) => /cannot be pushed/.test(line)),
    [],
  );
});

test('a job that was acknowledged before its run and is cut by a stop is stored again', async () => {
  const rig = await slowRig();
  await rig.running('work', job('a', { options: { autoAck: true } }));
  assert.equal(await rig.queue('work').jobs(), 0);
  rig.pipelines.halt();
  rig.runner.stop();
  rig.queue('work').hold();
  rig.pool.cut('a');
  const stopped = rig.pipelines.stop(PATIENCE_MS);
  await turn();
  rig.queue('work').heal();
  await within(stopped, PATIENCE_MS, 'the end');
  assert.equal(await rig.queue('work').jobs(), 1);
});

test('a push of somebody else that is under way is waited for, too; a later one is told why', async () => {
  const rig = await slowRig();
  const pushed = rig.pipelines.get('next').push([{ job: job('a'), delayMs: 0 }]);
  const late = rig.pipelines.get('next');
  const stopped = stop(rig);
  await heal(rig);
  assert.deepEqual(await pushed, ['stored']);
  await within(stopped, PATIENCE_MS, 'the end');
  assert.throws(() => rig.pipelines.get('work'), { code: 'ERR_JOBS_STORE', message: /the server is stopping/ });
  await assert.rejects(late.push([{ job: job('b'), delayMs: 0 }]), { code: 'ERR_JOBS_STORE' });
  await assert.rejects(rig.add('more'), { code: 'ERR_JOBS_STORE' });
});

test('a store that takes nothing holds up a stop for the time it has, and the job stays where it was', async () => {
  const rig = await slowRig();
  await rig.running('work', job('a'));
  rig.pool.fail('a');
  await within(stop(rig, 20), PATIENCE_MS, 'the end');
  assert.deepEqual(rig.events.slice(-3).sort(), ['stop dead', 'stop next', 'stop work']);
  assert.equal(await rig.queue('work').jobs(), 1);
  assert.ok(rig.log.lines.some((line) => /1 jobs that have ended are not settled.*: they run again/.test(line)));
});

test('a pipeline that is declared while the server stops is closed again', async () => {
  const rig = await slowRig();
  const slow = rig.add(SLOW_TO_START);
  await stop(rig);
  rig.queue(SLOW_TO_START).heal();
  await assert.rejects(slow, { code: 'ERR_JOBS_STORE' });
  assert.equal(rig.events.at(-1), 'stop slow');
  assert.deepEqual(rig.pipelines.all, []);
});

test('dead letters that are taken back when a stop comes are in one place each', async () => {
  const rig = await slowRig();
  rig.queue('dead').heal();
  await rig.running('work', job('a'));
  await rig.running('work', job('b'));
  rig.pool.fail('a');
  rig.pool.fail('b');
  await turn();
  assert.equal(await rig.queue('dead').jobs(), 2);
  rig.pipelines.get('work').pause();
  rig.queue('work').hold();
  // Dead since a moment that is before this one: the clock counts milliseconds.
  for (const died = Date.now(); Date.now() === died; ) await turn();
  const back = retryDead(rig.pipelines, 'dead', 1000, new AbortController().signal);
  await turn();
  const stopped = stop(rig);
  await turn();
  rig.queue('work').heal();
  assert.equal(await within(back, PATIENCE_MS, 'the answer'), 2);
  await within(stopped, PATIENCE_MS, 'the end');
  assert.deepEqual([await rig.queue('dead').jobs(), await rig.queue('work').jobs()], [0, 2]);
  assert.deepEqual(
    rig.events.filter((event) => /too late/.test(event)),
    [],
  );
});

test('jobs that no worker has go back at a stop and at a pause, from the last to the first; what runs goes on', async () => {
  const rig = new QueueRig(1);
  const work = await rig.add('work');
  work.resume();
  await work.push(['a', 'b', 'c', 'd'].map((id) => ({ job: job(id), delayMs: 0 })));
  rig.pool.begin('a');
  assert.deepEqual(
    rig.pool.runs.map(({ id }) => id),
    ['a', 'b'],
  );
  work.pause();
  assert.deepEqual(rig.events.slice(-3), ['release d', 'release c', 'release b']);
  assert.deepEqual(
    [...rig.runner.running].map(({ id }) => id),
    ['a'],
  );
  work.resume();
  const stopped = stop(rig);
  assert.deepEqual(rig.events.slice(-3), ['release d', 'release c', 'release b']);
  rig.pool.done('a');
  await stopped;
  assert.deepEqual(rig.events.slice(-2), ['ack a', 'stop work']);
});

test('a pipeline that is destroyed waits for dead letters that are on their way to it', async () => {
  const rig = await slowRig();
  await rig.running('work', job('a'));
  rig.pool.fail('a');
  const destroyed = rig.pipelines.destroy('dead');
  await turn();
  assert.ok(!rig.events.includes('destroy dead'));
  await assert.rejects(rig.add('dead'), { code: 'ERR_JOBS_INVALID' }, 'its store is still open');
  rig.queue('dead').heal();
  await within(destroyed, PATIENCE_MS, 'the end of it');
  assert.ok(rig.events.indexOf('stored dead') < rig.events.indexOf('destroy dead'));
  assert.ok(rig.events.includes('ack a'));
  assert.deepEqual(
    rig.log.lines.filter((line) => /cannot be pushed/.test(line)),
    [],
  );
});

test('a queue that cannot be removed is closed all the same, and can be declared anew', async () => {
  const rig = await slowRig();
  rig.queue('dead').fault = new RrtsError('ERR_JOBS_STORE', 'the broker is away');
  await assert.rejects(rig.pipelines.destroy('dead'), /the broker is away/);
  assert.equal(rig.events.at(-1), 'stop dead');
  await rig.add('dead');
});
