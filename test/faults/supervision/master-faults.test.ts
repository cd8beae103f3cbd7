// Faults of the master itself: what nobody caught ends it in order, and a second master does not disturb the first.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SDK_JSON } from '../../e2e/kinds.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { ask } from '../../helpers/request.ts';
import { spawnServer } from '../../helpers/start-server.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { breakable, type Fault } from '../rig/probe.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

const FAULTS: Readonly<Record<Fault, string>> = {
  timer: 'a throw in a timer',
  rejection: 'a rejected promise that nobody awaits',
  data: "a throw in a socket's data handler",
  hook: 'a throw in a hook of a request',
};

/** Sends requests until the server is gone. */
async function provoke(app: StandardApp): Promise<void> {
  while (app.server.ending === undefined) {
    await ask(app, '/do', { signal: AbortSignal.timeout(100) }).catch(() => undefined);
  }
}

describe('faults of the master', { concurrency: 2 }, () => {
  for (const [fault, what] of Object.entries(FAULTS)) {
    test(`R24 ${what}: logged, drained with what is in flight, exit code 70`, async (t) => {
      const app = await startStandard(t, { kind: SDK_JSON, environment: breakable(fault as Fault) });
      if (app === undefined) return;
      const inFlight = Array.from({ length: WORKERS }, (_, index) =>
        ask(app, '/do/sleep/800', { method: 'POST', headers: { 'x-id': `f${index}` } }),
      );
      await eventually(() => app.executions().length === WORKERS, 'all workers to be busy');
      const begin = performance.now();
      process.kill(app.server.pid, 'SIGWINCH');
      // The hook runs with the next request that comes after the signal; it gets whatever a stopping server gives.
      const provoked = fault === 'hook' ? provoke(app) : undefined;
      const statuses = (await Promise.all(inFlight)).map(({ status }) => status);
      const ending = await app.server.waitForEnd(30_000);
      await provoked;
      const ms = performance.now() - begin;
      report(t, { fault, inFlight: statuses.length, answered: statuses.filter((status) => status === 200).length, ms });
      assert.deepEqual(new Set(statuses), new Set([200]), app.server.logs.tail());
      assert.deepEqual(ending, { code: 70, signal: null }, app.server.logs.tail());
      const told = app.server.logs.all(mentions(/unforeseen error, stopping: a fault on purpose/));
      assert.ok(told.length >= 1, app.server.logs.tail());
      atMost(ms, 5000, 'milliseconds to the end');
    });
  }

  test('R25 a second master on the same port refuses, says who is to blame, and the first does not notice', async (t) => {
    const app = await startStandard(t, { kind: SDK_JSON });
    if (app === undefined) return;
    const before = app.workers().map(({ pid }) => pid);
    const enough = new AbortController();
    const load = runLoad(app, { connections: 4, until: () => true, signal: enough.signal });
    const second = await spawnServer({
      command: SDK_JSON.command,
      config: { http: { address: `127.0.0.1:${app.server.port}` } },
    });
    t.after(() => second.discard());
    await second.waitForLog(() => true, 'at all', 20_000);
    const begin = performance.now();
    const ending = await second.waitForEnd(30_000);
    const ms = performance.now() - begin;
    enough.abort();
    const result = await load;
    report(t, { ...result.facts(), refusedMs: ms, exitCode: String(ending.code) }, { requests: 20 });
    assert.equal(ending.code, 69, second.logs.tail());
    assert.match(second.logs.text(), new RegExp(`127\\.0\\.0\\.1:${app.server.port}: EADDRINUSE`));
    assert.doesNotMatch(second.logs.text(), /\n\s+at .*\.(js|ts):\d+/);
    result.assertAllAsExpected();
    assert.deepEqual(
      app.workers().map(({ pid }) => pid),
      before,
    );
    atMost(ms, 2000, 'milliseconds from its first word to its end');
    await app.server.stop();
  });
});
