// Three servers on one broker share the work; one of them is killed in the middle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOB_DRIVERS } from '../../helpers/job-drivers.ts';
import type { ConfigTree } from '../../helpers/start-server.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type JobApp, startJobApp } from './job-app.ts';

const JOBS = pick(1500, 18_000);
const WORKERS = 2;
/** Jobs that one master may have at once: the workers run what was sent to them to its end, and nobody is there to tell the broker. */
const PREFETCH = 20;

for (const driver of JOB_DRIVERS) {
  if (!driver.shared) continue;

  test(`three masters on one ${driver.name}, one is killed in the middle: 0 of ${JOBS} lost`, async (t) => {
    const [dir, storeDir] = [makeTempDir('jobs'), makeTempDir('store')];
    t.after(() => {
      dir.remove();
      storeDir.remove();
    });
    const store = await driver.start(t, storeDir.path);
    const open = (more: ConfigTree = {}): Promise<JobApp> =>
      startJobApp(t, store, { workers: WORKERS, dir, config: { prefetch: PREFETCH, ...more } });
    // Only the one that is killed: where the machine stands still for the length of a lease, its master has lost it for good reason.
    const apps = [await open(), await open(), await open(store.shortLease)] as const;
    const pushed = apps.map((app, index) => app.sendMany(JOBS / 3, 'sleep:4', `from-${index}`, 100));
    const ids = (await Promise.all(pushed)).flat();
    const [first, second, victim] = apps;
    await victim.ended(JOBS / 3);
    const done = async (app: JobApp): Promise<number> => Number((await app.pipeline())['done']);
    const least = JOBS / 30;
    await eventually(async () => (await done(victim)) > least, 'a share of the work', 60_000);
    const shares = [0, 0, await done(victim)];
    const victims = victim.workers().map(({ pid }) => pid);
    await victim.kill();
    const killed = performance.now();
    await first.ended(JOBS, 120_000);
    const ms = performance.now() - killed;
    await first.empty();
    [shares[0], shares[1]] = [await done(first), await done(second)];
    const { runners, ended } = first.notes;
    const again = [...runners].filter(([, pids]) => pids.length > 1);
    const lost = ids.filter((id) => !ended.has(id));
    report(t, {
      driver: driver.name,
      jobs: ids.length,
      shares: shares.join(' '),
      lost: lost.length,
      twice: again.length,
      afterKillMs: ms,
    });
    assert.deepEqual(lost, []);
    atMost(again.length, PREFETCH, 'jobs that ran twice');
    for (const [id, [before = 0, ...after]] of again) {
      assert.equal(after.length, 1, `${id} ran ${after.length + 1} times`);
      assert.ok(victims.includes(before), `${id} ran twice, and not because of the kill`);
    }
    for (const share of shares) assert.ok(share > least, `a server that did next to nothing: ${shares.join(' ')}`);
    assert.equal((await first.pipeline('dead'))['waiting'], 0, 'dead letters');
    await first.stop();
    await second.stop();
  });
}
