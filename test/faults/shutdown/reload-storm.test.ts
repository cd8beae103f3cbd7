// S07: somebody sends reload signals without end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NATIVE } from '../../e2e/kinds.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { kill } from '../../helpers/processes.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { startStandard, WORKERS } from '../rig/standard-app.ts';

const EVERY_MS = 20;
const STORM_MS = pick(3000, 5000);

for (const signals of [['SIGHUP'], ['SIGUSR2', 'SIGHUP']] as const) {
  test(`S07 ${signals.join(' and ')} 50 times a second: at most three reloads, and no request fails`, async (t) => {
    const app = await startStandard(t, { kind: NATIVE });
    if (app === undefined) return;
    const before = app.workers().map(({ pid }) => pid);
    const reloads = () => app.server.logs.all(mentions(/the configuration was reloaded/)).length;
    let over = false;
    const traffic = runLoad(app, { connections: 8, until: () => !over });
    const begin = performance.now();
    let sent = 0;
    for (let next = begin; next < begin + STORM_MS; next += EVERY_MS) {
      await pause(Math.max(0, next - performance.now()));
      if (kill(app.server.pid, signals[sent % signals.length] ?? 'SIGHUP')) sent++;
    }
    await eventually(() => reloads() >= 1, 'a reload after the last signal', 20_000);
    await pause(1000); // one more would come within this time
    over = true;
    const result = await traffic;
    report(t, { signals: sent, reloads: reloads(), ...result.facts() }, { signals: pick(75, 200), requests: 500 });
    result.assertAllAsExpected(app.server.logs.tail());
    atMost(reloads(), 3, 'reloads');
    await app.whole(WORKERS, 20_000);
    assert.equal(
      app.workers().some(({ pid }) => before.includes(pid)),
      false,
      'all workers are new',
    );
    await app.server.stop();
  });
}
