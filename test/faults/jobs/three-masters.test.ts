// Three servers on one broker share the work; one of them is killed in the middle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOB_DRIVERS } from '../../helpers/job-drivers.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type JobApp, startJobApp } from './job-app.ts';

const JOBS = pick(1500, 18_000);
const WORKERS = 2;
/** Jobs that a worker may have been sent: one that it runs, and those behind it. */
const AT_A_WORKER = 9;

for (const driver of JOB_DRIVERS) {
  if (!driver.shared) continue;

  test(`three masters on one ${driver.name}, one is killed in the middle: 0 of ${JOBS} lost`, async (t) => {
    const [dir, storeDir] = [makeTempDir('jobs'), makeTempDir('store')];
    t.after(() => {
      dir.remove();
      storeDir.remove();
    });
    const store = await driver.start(t, storeDir.path);
    const open = (): Promise<JobApp> => startJobApp(t, store, { workers: WORKERS, dir });
    const apps = [await open(), await open(), await open()] as const;
    const pushed = apps.map((app, index) => app.sendMany(JOBS / 3, 'sleep:4', `from-${index}`, 100));
    const ids = (await Promise.all(pushed)).flat();
    const [first, second, victim] = apps;
    await victim.ended(JOBS / 3);
    const done = async (app: JobApp): Promise<number> => Number((await app.pipeline())['done']);
    const shares = [0, 0, await done(victim)];
    await victim.kill();
    const killed = performance.now();
    const { begun, ended } = await first.ended(JOBS, 120_000);
    const ms = performance.now() - killed;
    await first.empty();
    [shares[0], shares[1]] = [await done(first), await done(second)];
    const twice = [...begun.values()].filter((count) => count > 1).length;
    const lost = ids.filter((id) => !ended.has(id));
    report(t, {
      driver: driver.name,
      jobs: ids.length,
      shares: shares.join(' '),
      lost: lost.length,
      twice,
      afterKillMs: ms,
    });
    assert.deepEqual(lost, []);
    atMost(twice, WORKERS * AT_A_WORKER, 'jobs that ran twice');
    for (const share of shares) assert.ok(share > JOBS / 30, `a server that did next to nothing: ${shares.join(' ')}`);
    assert.equal((await first.pipeline('dead'))['waiting'], 0, 'dead letters');
    await first.stop();
    await second.stop();
  });
}
