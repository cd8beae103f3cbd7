// Q04: the broker is restarted, is away for a while, is not there at the start, and every connection to it is cut, under work.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { JOB_DRIVERS, type JobStore } from '../../helpers/job-drivers.ts';
import { mostPerSecond } from '../../helpers/tcp-proxy.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type JobApp, startJobApp } from './job-app.ts';

const OUTAGE_MS = pick(3000, 10_000);
const JOBS = pick(300, 2000);
const CUTS = pick(8, 40);
/** `work` and `dead`. */
const PIPELINES = 2;
/** Reconnections of one pipeline in any second. */
const MOST_ATTEMPTS = 4;
/** A driver tries each 2 s at most; the rest is for a machine that is busy with a broker that starts. */
const NEXT_ATTEMPT_MS = 5000;
/** For what only has to happen some day. */
const DEADLINE_MS = 60_000;

/** Pushes one job after the other until `stop`; gives the ids that were confirmed, and the refusals. */
function producer(t: TestContext, app: JobApp, prefix: string) {
  const confirmed: string[] = [];
  const refusals: { message: string; ms: number }[] = [];
  let running = true;
  const work = async (): Promise<void> => {
    for (let index = 0; running; index++) {
      const id = `${prefix}-${index}`;
      const begin = performance.now();
      try {
        await app.send([{ id, job: 'ok' }]);
        confirmed.push(id);
      } catch (error) {
        refusals.push({ message: String(error), ms: performance.now() - begin });
      }
      await pause(20);
    }
  };
  const ended = work();
  t.after(() => {
    running = false;
  });
  return {
    confirmed,
    refusals,
    stop: async () => {
      running = false;
      await within(ended, 70_000, 'the end of the producer');
    },
  };
}

/** None is lost, and none ran twice: one server alone knows what it has. */
function assertAll(t: TestContext, app: JobApp, ids: readonly string[], facts: Readonly<Record<string, number>>): void {
  const { begun, ended } = app.notes;
  const twice = [...begun].filter(([, count]) => count > 1);
  report(t, { jobs: ids.length, ...facts, twice: twice.length });
  assert.deepEqual(
    ids.filter((id) => !ended.has(id)),
    [],
    'lost jobs',
  );
  assert.deepEqual(twice, [], 'jobs that ran twice');
}

for (const driver of JOB_DRIVERS) {
  const open = async (t: TestContext): Promise<JobStore> => {
    const dir = makeTempDir('store');
    t.after(() => dir.remove());
    return await driver.start(t, dir.path);
  };
  if (!driver.shared) continue;

  describe(`jobs, broker: ${driver.name}`, () => {
    test(`Q04 the broker is away for ${OUTAGE_MS} ms: 0 lost, no hot loop, pushes are refused and say why`, async (t) => {
      const store = await open(t);
      const app = await startJobApp(t, store, { workers: 2 });
      const ids = await app.sendMany(JOBS, 'sleep:5');
      await app.ended(20);
      const { confirmed, refusals, stop } = producer(t, app, 'during');
      await store.away?.();
      const known = store.arrivals?.().length ?? 0;
      const gone = performance.now();
      await eventually(() => refusals.length > 0, 'a push that is refused', DEADLINE_MS);
      await pause(Math.max(0, OUTAGE_MS - (performance.now() - gone)));
      const attempts = store.arrivals?.().slice(known) ?? [];
      const before = confirmed.length;
      await store.back?.();
      const begin = performance.now();
      const attempt = () => store.arrivals?.().find((at) => at > begin);
      await eventually(() => confirmed.length > before || attempt() !== undefined, 'an attempt', DEADLINE_MS);
      // None, where the last one before went on until the broker was there.
      const nextAttemptMs = Math.max(0, (attempt() ?? begin) - begin);
      await eventually(() => confirmed.length > before, 'a push that is stored again', DEADLINE_MS);
      const healedMs = performance.now() - begin;
      await stop();
      await app.ended(new Set([...ids, ...confirmed]).size);
      await app.empty();
      const perSecond = mostPerSecond(attempts);
      const facts = {
        confirmed: confirmed.length,
        refused: refusals.length,
        attempts: attempts.length,
        perSecond,
        nextAttemptMs,
        healedMs,
      };
      assertAll(t, app, [...ids, ...confirmed], facts);
      t.diagnostic(refusals[0]?.message ?? '');
      atMost(perSecond, MOST_ATTEMPTS * PIPELINES, 'attempts in a second');
      atMost(nextAttemptMs, NEXT_ATTEMPT_MS, 'milliseconds until it was tried again');
      const lines = app.server.logs.records.filter(({ facts }) => ['warn', 'error'].includes(String(facts['level'])));
      atMost(lines.length, 4 * PIPELINES, 'lines of warnings and errors');
      await app.stop();
    });

    test(`Q04 ${CUTS} cuts of every connection, under work: 0 lost`, async (t) => {
      const store = await open(t);
      const app = await startJobApp(t, store, { workers: 2 });
      const { confirmed, refusals, stop } = producer(t, app, 'cut');
      for (let cut = 0; cut < CUTS; cut++) {
        const before = confirmed.length;
        await eventually(() => confirmed.length > before + 3, 'pushes', DEADLINE_MS);
        store.cut?.();
      }
      await stop();
      await app.ended(confirmed.length);
      await app.empty();
      assertAll(t, app, confirmed, { cuts: CUTS, refused: refusals.length });
      await app.stop();
    });

    test('a broker that is down at the start: the server starts, says so, and uses it once it is there', async (t) => {
      const store = await open(t);
      await store.hide?.();
      const app = await startJobApp(t, store, { workers: 1 });
      assert.ok(
        app.server.logs.records.some(({ facts }) => facts['logger'] === 'jobs' && facts['level'] === 'warn'),
        app.server.logs.tail(),
      );
      await assert.rejects(app.send([{ id: 'early', job: 'ok' }]), (error: Error) => {
        t.diagnostic(error.message);
        return /127\.0\.0\.1:\d+/.test(error.message) && !/\n/.test(error.message);
      });
      await store.show?.();
      const sent = () =>
        app.send([{ id: 'later', job: 'ok' }]).then(
          () => true,
          () => false,
        );
      await eventually(sent, 'a push', DEADLINE_MS);
      await eventually(() => app.notes.ended.has('later'), 'the job', DEADLINE_MS);
      await app.stop();
    });
  });
}
