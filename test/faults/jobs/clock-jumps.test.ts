// Q07: somebody sets the clock of the system an hour on, or back, while jobs wait for their time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { JOB_DRIVERS } from '../../helpers/job-drivers.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { report } from '../rig/report.ts';
import { startJobApp } from './job-app.ts';

const DELAY_MS = 1500;
/** A machine that is busy with other tests, and RabbitMQ's steps of delays. */
const LATE_MS = 2500;

describe('the clock jumps', { concurrency: 4 }, () => {
  for (const driver of JOB_DRIVERS) {
    for (const hours of [1, -1]) {
      test(`Q07 the clock jumps by ${hours} h, and a delayed job comes when it should: ${driver.name}`, async (t) => {
        const dir = makeTempDir('clock');
        t.after(() => dir.remove());
        const clock = fakeClock(dir);
        const app = await startJobApp(t, await driver.start(t, dir.path), { dir, environment: clock.environment });
        const begun = performance.now();
        await app.send([{ id: 'before', job: 'ok', delay: DELAY_MS }]);
        clock.jump(hours);
        await app.send([
          { id: 'after', job: 'ok', delay: DELAY_MS },
          { id: 'prompt', job: 'ok' },
          { id: 'failing', job: 'fail' },
        ]);
        await app.ended(1, DELAY_MS);
        const early = performance.now() - begun;
        assert.deepEqual([...app.notes.ended.keys()], ['prompt']);
        await app.ended(3);
        const ms = performance.now() - begun;
        await app.empty();
        report(t, { driver: driver.name, hours, atOnceMs: early, delayedMs: ms });
        assert.ok(ms >= DELAY_MS - 20 && ms <= DELAY_MS + LATE_MS, `the delayed jobs came after ${ms} ms`);
        assert.equal(app.notes.begun.get('failing'), 3, 'attempts of the one that fails');
        await app.stop();
      });
    }
  }
});
