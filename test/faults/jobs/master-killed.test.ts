// Q02: kill -9 of the master in the middle of its pushes. What was confirmed is run by the next one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOB_DRIVERS } from '../../helpers/job-drivers.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type JobApp, readNotes, startJobApp } from './job-app.ts';

const JOBS = 10_000;
/** Pushes at the same time, and jobs in each. */
const PUSHERS = 4;
const BATCH = 100;
const KILLS = pick(1, 10);
/** Confirmed jobs that a kill leaves, at least. */
const LEFT = 25;
const RECOVERY_MS = 2000;

/** Pushes until all jobs are confirmed, or the server is gone. */
async function pushAll(app: JobApp, job: string, ids: string[], confirmed: Set<string>): Promise<void> {
  const one = async (): Promise<void> => {
    for (let some = ids.splice(0, BATCH); some.length > 0; some = ids.splice(0, BATCH)) {
      try {
        await app.send(some.map((id) => ({ id, job })));
      } catch {
        // Killed: nobody knows about these, so they are pushed again, as an application would.
        ids.push(...some);
        return;
      }
      for (const id of some) confirmed.add(id);
    }
  };
  await Promise.all(Array.from({ length: PUSHERS }, one));
}

for (const driver of JOB_DRIVERS.filter(({ durable }) => durable)) {
  test(`Q02 ${driver.name}: the master is killed with -9 in the middle of ${JOBS} pushes, and every confirmed job is run`, async (t) => {
    const dir = makeTempDir('jobs');
    const storeDir = makeTempDir('store');
    t.after(() => {
      dir.remove();
      storeDir.remove();
    });
    const store = await driver.start(t, storeDir.path);
    const ids = Array.from({ length: JOBS }, (_, index) => `job-${index}`);
    const confirmed = new Set<string>();
    let slowest = 0;
    let restart = 0;
    let left = 0;
    // Those that are killed leave jobs behind, which the next one shall have soon.
    const open = (config = store.shortLease ?? {}) => startJobApp(t, store, { workers: 4, dir, config });
    let app = await open();
    for (let kill = 1; kill <= KILLS; kill++) {
      const pushing = pushAll(app, 'sleep:2', ids, confirmed);
      // Also where a disk is so slow that the workers keep up with the pushes.
      const ahead = (): boolean => confirmed.size - readNotes(dir).ended.size >= 2 * LEFT;
      await eventually(() => confirmed.size >= (JOBS * kill) / (KILLS + 1) && ahead(), 'half of the pushes', 120_000);
      await app.kill();
      await pushing;
      const before = readNotes(dir);
      left += [...confirmed].filter((id) => !before.ended.has(id)).length;
      const killed = performance.now();
      app = await open(kill === KILLS ? {} : undefined);
      const ready = performance.now();
      restart = Math.max(restart, ready - killed);
      await eventually(() => readNotes(dir).order.length > before.order.length, 'a job after the restart', 30_000);
      slowest = Math.max(slowest, performance.now() - ready);
    }
    await pushAll(app, 'ok', ids, confirmed);
    assert.equal(confirmed.size, JOBS);
    await app.ended(JOBS, pick(120_000, 180_000));
    await app.empty();
    const { begun, ended } = app.notes;
    report(
      t,
      {
        driver: driver.name,
        confirmed: confirmed.size,
        kills: KILLS,
        leftByKills: left,
        restartMs: restart,
        recoveryMs: slowest,
        ranTwice: again(ended),
        begunTwice: again(begun),
      },
      { leftByKills: LEFT * KILLS },
    );
    assert.deepEqual(
      [...confirmed].filter((id) => !ended.has(id)),
      [],
      'confirmed and lost',
    );
    atMost(slowest, RECOVERY_MS, 'milliseconds from ready to the first job');
    await app.stop();
  });
}

function again(runs: ReadonlyMap<string, number>): number {
  return [...runs.values()].reduce((sum, count) => sum + count - 1, 0);
}
