// Q07: somebody sets the clock of the system an hour on, or back, while jobs wait for their time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { JOB_DRIVERS } from '../../helpers/job-drivers.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { report } from '../rig/report.ts';
import { type JobApp, startJobApp } from './job-app.ts';

const DELAY_MS = 1500;
/** What the clock may add to it is an hour; a busy machine adds seconds. */
const LATE_MS = 60_000;

/** When each of these jobs was seen to be done, in milliseconds since `begun`. */
async function endsOf(app: JobApp, ids: readonly string[], begun: number): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  const look = (): boolean => {
    const { ended } = app.notes;
    for (const id of ids) if (ended.has(id) && !seen.has(id)) seen.set(id, performance.now() - begun);
    return seen.size === ids.length;
  };
  await eventually(look, `the end of ${ids.join(', ')}`, LATE_MS).catch((error) => {
    throw new Error(`${String(error)}; there were ${[...seen.keys()].join(', ')}\n${app.server.logs.tail()}`);
  });
  return seen;
}

describe('the clock jumps', { concurrency: 4 }, () => {
  for (const driver of JOB_DRIVERS) {
    test(`Q07 the clock jumps by an hour and back, and delayed jobs come when they should: ${driver.name}`, async (t) => {
      const dir = makeTempDir('clock');
      t.after(() => dir.remove());
      const clock = fakeClock(dir);
      const app = await startJobApp(t, await driver.start(t, dir.path), { dir, environment: clock.environment });
      for (const [round, hours] of [1, 0].entries()) {
        const [before, after, prompt, failing] = ['before', 'after', 'prompt', 'failing'].map((id) => `${id}-${hours}`);
        const begun = performance.now();
        await app.send([{ id: before, job: 'ok', delay: DELAY_MS }]);
        clock.jump(hours);
        await app.send([
          { id: after, job: 'ok', delay: DELAY_MS },
          { id: prompt, job: 'ok' },
          { id: failing, job: 'fail' },
        ]);
        const ends = await endsOf(app, [before, after, prompt].map(String), begun);
        report(t, { driver: driver.name, hours, ...Object.fromEntries(ends) });
        for (const id of [before, after])
          assert.ok((ends.get(String(id)) ?? 0) >= DELAY_MS - 20, `${id} came after ${ends.get(String(id))} ms`);
        await app.waiting(round + 1, 'dead');
        assert.equal(app.notes.begun.get(String(failing)), 3, 'attempts of the one that fails');
      }
      assert.deepEqual([...app.notes.ended.values()], [1, 1, 1, 1, 1, 1]);
      await app.stop();
    });
  }
});
