// Q01: workers are killed while they run jobs: none is lost, for every driver.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOB_DRIVERS } from '../../helpers/job-drivers.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { killRegularly } from '../rig/killer.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { startJobApp } from './job-app.ts';

const KILL_EVERY_MS = 100;
/** Enough for a run of some seconds: most take a millisecond, or the quick drivers are done before the killer has begun. */
const JOBS = 10_000;
const KILLS = pick(15, 100);
/** Where boots are slow the kills make the run long, and the run makes more kills. */
const MOST_KILLS = pick(100, Number.POSITIVE_INFINITY);

// One driver after the other: what workers cost that boot again and again makes each of two take four times as long.
for (const driver of JOB_DRIVERS) {
  test(`Q01 ${JOBS} jobs, a worker killed every ${KILL_EVERY_MS} ms: none is lost: ${driver.name}`, async (t) => {
    const dir = makeTempDir('store');
    t.after(() => dir.remove());
    const app = await startJobApp(t, await driver.start(t, dir.path), {
      workers: 4,
      pipeline: { retry: { max_attempts: 20, delay: '1ms', max_delay: '5ms' } },
    });
    const slow = driver.shared ? pick(JOBS / 2, JOBS) : JOBS;
    const pushed = Promise.all([app.sendMany(slow, 'sleep:1'), app.sendMany(JOBS - slow, 'ok', 'quick')]);
    const stop = killRegularly(app, KILL_EVERY_MS, { keep: 1, most: MOST_KILLS });
    const ids = (await pushed).flat();
    const notes = await app.ended(JOBS, pick(120_000, 180_000));
    const kills = await stop();
    await app.empty();
    const { begun, ended } = app.notes;
    const runs = [...begun.values()].reduce((sum, count) => sum + count, 0);
    const twice = [...ended.values()].reduce((sum, count) => sum + count - 1, 0);
    report(
      t,
      { driver: driver.name, jobs: JOBS, kills, runs, endedTwice: twice, processes: notes.pids.size },
      { kills: KILLS },
    );
    assert.deepEqual(
      ids.filter((id) => !ended.has(id)),
      [],
      'lost jobs',
    );
    // Each kill costs at most the run that its worker was in.
    atMost(runs - JOBS, kills, 'runs beyond one for each job');
    assert.equal((await app.pipeline('dead'))['waiting'], 0, 'dead letters');
    await app.stop();
  });
}
