// Two servers that share their locks: an occurrence is run by one of them, also when the other dies, stops or hangs before it begins.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import FakeTimers from '@sinonjs/fake-timers';
import { camelCased } from '../../../src/core/camel-case.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { claim, LEASE_MS } from '../../../src/plugins/cron/claim.ts';
import { cronSchema } from '../../../src/plugins/cron/config.ts';
import { Entries } from '../../../src/plugins/cron/entries.ts';
import { type Action, DONE } from '../../../src/plugins/cron/run.ts';
import { jobAction } from '../../../src/plugins/cron/run-job.ts';
import { CallError } from '../../../src/plugins/rpc-router/method.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { lockService } from './lock-service.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Between two looks of one who waits what becomes of an occurrence elsewhere. */
const LOOK_MS = 5 * SECOND;
const AWAY = new CallError('the broker is away', 'ERR_JOBS_STORE');
const JOB = { job: { pipeline: 'mail', name: 'Nightly' } };

/** Two servers on one clock, which stands. A is asked first at each time. */
function rig(t: TestContext, written: object, seconds = false) {
  const clock = FakeTimers.install({
    now: Date.parse('2026-06-01T12:59:59.500Z'),
    toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
  t.after(() => clock.uninstall());
  const locks = lockService();
  const schedule = seconds ? '* * * * * *' : '0 * * * *';
  const entry = { schedule, timezone: 'UTC', ...('job' in written ? {} : { command: 'x' }), ...written };
  const log: string[] = [];
  const server = (name: string, action: () => Action) => {
    const user = locks.join();
    const entries = new Entries({
      logger: silentLogger,
      directory: makeTempDir('cron').path,
      lock: user.lock,
      actionOf: () => (context) => {
        log.push(`${name} ${new Date(context.occurrence).toISOString().slice(11, 19)}`);
        return action()(context);
      },
    });
    entries.configure(camelCased(cronSchema, cronSchema.parse({ nightly: entry })));
    t.after(() => {
      user.kill();
      void entries.stop(0);
    });
    const counts = (): object => Object.fromEntries(entries.find('nightly').counts);
    return { ...user, entries, counts };
  };
  const tick = async (ms: number): Promise<void> => void (await clock.tickAsync(ms));
  return { ...locks, server, log, tick };
}

const quick = (): Action => async () => DONE;
const endless = (): Action => () => new Promise(() => {});

/** A queue that may be away; what was pushed, by whom. */
function queue(pushed: string[]) {
  let away = false;
  const of = (name: string) => (): Action => {
    const call = async (): Promise<unknown> => {
      if (away) throw AWAY;
      pushed.push(name);
      return { ids: ['id'] };
    };
    return jobAction({ ...JOB.job, payload: '', headers: {} }, false, call);
  };
  const setAway = (is: boolean): void => {
    away = is;
  };
  return { of, setAway };
}

test('each occurrence runs on one server and is left by the other; the lock stays an hour longer than the next one', async (t) => {
  const { server, log, tick, calls } = rig(t, {});
  const [a, b] = [server('A', quick), server('B', quick)];
  await tick(2 * HOUR + MINUTE);
  assert.deepEqual(log, ['A 13:00:00', 'A 14:00:00', 'A 15:00:00']);
  assert.deepEqual([a.counts(), b.counts()], [{ done: 3 }, { elsewhere: 3 }]);
  const resource = 'cron:nightly:2026-06-01T13:00:00.000Z';
  const begun = calls.find(([method, argument]) => method === 'lock.Lock' && argument.resource === resource);
  assert.equal(begun?.[1].ttl, 2 * HOUR * 1000);
});

// The calls of A for one occurrence: lease, has it begun, hold the run, begin.
for (const [call, what] of ['asked for the lease', 'got the lease', 'asked who has begun', 'held the run'].entries()) {
  test(`killed when it had ${what}: the other one runs the occurrence`, async (t) => {
    const { server, log, tick } = rig(t, {});
    const [a, b] = [server('A', quick), server('B', quick)];
    a.kill(call + 1);
    await tick(SECOND + LEASE_MS + LOOK_MS + MINUTE + SECOND);
    assert.deepEqual(log, ['B 13:00:00']);
    assert.deepEqual([a.counts(), b.counts()], [{}, { done: 1 }]);
  });
}

test('killed when it had begun: nobody begins it again, and the next one runs', async (t) => {
  const { server, log, tick } = rig(t, { overlap: 'allow' });
  const [a, b] = [server('A', endless), server('B', quick)];
  await tick(SECOND);
  assert.deepEqual(log, ['A 13:00:00']);
  a.kill();
  await tick(2 * HOUR);
  assert.deepEqual(
    log.filter((line) => line.startsWith('B')),
    ['B 14:00:00', 'B 15:00:00'],
  );
  assert.deepEqual(b.counts(), { elsewhere: 1, done: 2 });
});

test('killed while the broker is away: the other one pushes the job, once', async (t) => {
  const { server, log, tick } = rig(t, JOB);
  const pushed: string[] = [];
  const mail = queue(pushed);
  mail.setAway(true);
  const [a, b] = [server('A', mail.of('A')), server('B', mail.of('B'))];
  await tick(3 * MINUTE);
  assert.deepEqual(log, ['A 13:00:00'], 'for as long as it lives it is left to it');
  assert.deepEqual(b.entries.find('nightly').report.running, 0, 'one that waits for another server is not under way');
  a.kill();
  await tick(LEASE_MS + LOOK_MS);
  mail.setAway(false);
  await tick(MINUTE);
  assert.deepEqual(pushed, ['B']);
  assert.deepEqual(b.counts(), { done: 1 });
});

test('stopped while the broker is away: the other one goes on', async (t) => {
  const { server, tick } = rig(t, JOB);
  const pushed: string[] = [];
  const mail = queue(pushed);
  mail.setAway(true);
  const [a, b] = [server('A', mail.of('A')), server('B', mail.of('B'))];
  await tick(3 * MINUTE);
  const stopped = a.entries.stop(SECOND);
  await tick(LOOK_MS);
  await stopped;
  mail.setAway(false);
  await tick(LOOK_MS);
  assert.deepEqual([pushed, a.counts(), b.counts()], [['B'], { failed: 1 }, { done: 1 }]);
});

test('a push that fails within its time is given up by all, after one more attempt of the other', async (t) => {
  const { server, log, tick } = rig(t, { ...JOB, timeout: '2m' });
  const mail = queue([]);
  mail.setAway(true);
  const [a, b] = [server('A', mail.of('A')), server('B', mail.of('B'))];
  await tick(3 * MINUTE);
  assert.deepEqual(log, ['A 13:00:00', 'B 13:00:00']);
  assert.deepEqual([a.counts(), b.counts()], [{ failed: 1 }, { failed: 1 }]);
});

test('one that hangs, and finds on its way back that another one has pushed, does not push', async (t) => {
  const { server, tick, faults } = rig(t, JOB);
  const pushed: string[] = [];
  const [away, back] = [queue(pushed), queue(pushed)];
  away.setAway(true);
  const [a, b] = [server('A', away.of('A')), server('B', back.of('B'))];
  await tick(SECOND);
  // A cannot prolong its lease, and B does not see that either.
  faults.push(...Array.from({ length: 20 }, () => ({ before: new Error('Redis does not answer') })));
  await tick(2 * MINUTE);
  assert.deepEqual(pushed, ['B']);
  away.setAway(false);
  await tick(MINUTE);
  assert.deepEqual([pushed, a.counts(), b.counts()], [['B'], { elsewhere: 1 }, { done: 1 }]);
});

test('the next occurrence comes: what waits for the one before lets it go', async (t) => {
  const { server, log, tick } = rig(t, {}, true);
  const [a, b] = [server('A', quick), server('B', quick)];
  a.kill(2);
  await tick(3 * SECOND + 500);
  assert.deepEqual(log, ['B 13:00:01', 'B 13:00:02', 'B 13:00:03']);
  assert.deepEqual(b.counts(), { elsewhere: 1, done: 3 });
});

test('a stop ends the wait, and the occurrence is not told as seen', async (t) => {
  const { server, tick } = rig(t, {});
  const [a, b] = [server('A', quick), server('B', quick)];
  a.kill(2);
  await tick(SECOND);
  const stopped = b.entries.stop(SECOND);
  await tick(SECOND);
  await stopped;
  assert.deepEqual(b.counts(), { skipped: 1 });
});

test('one whose lease ended while it hung does not begin what another one has begun', async (t) => {
  const { join, tick } = rig(t, {});
  const [a, b] = [join(), join()];
  const order = (watches = new Set<AbortController>()) => {
    const at = Date.parse('2026-06-01T13:00:00Z');
    return { name: 'x', occurrence: at, next: at + HOUR, stopping: new AbortController().signal, watches };
  };
  const first = claim(a.lock, order());
  await tick(10);
  a.kill();
  const second = claim(b.lock, order());
  await tick(LEASE_MS + LOOK_MS);
  assert.equal(await (await second)?.begin(), true);
  a.kill(Number.POSITIVE_INFINITY);
  const late = await first;
  const answer = late?.begin();
  await tick(10);
  assert.equal(await answer, false);
});
