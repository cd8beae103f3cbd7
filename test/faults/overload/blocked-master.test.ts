// O21: the master's event loop stands still for two seconds while PHP works on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NATIVE } from '../../e2e/kinds.ts';
import { freePort } from '../../helpers/free-port.ts';
import { kill } from '../../helpers/processes.ts';
import { load } from '../../helpers/request.ts';
import { startServer, statusOf } from '../../helpers/start-server.ts';

const BLOCK_MS = 2000;
const TOTAL = 600;

test('O21 a block of 2 s: probes are late, a metric shows it, and no worker is killed for time it did not take', async (t) => {
  const reason = await NATIVE.prepare();
  if (reason !== undefined) return t.skip(reason);
  const metricsPort = await freePort();
  const server = await startServer({
    command: NATIVE.command,
    config: {
      // Half of the block: a master that judged by the clock alone would find every running request over time.
      http: { pool: { num_workers: 4, supervisor: { exec_ttl: '1s' } } },
      metrics: { address: `127.0.0.1:${metricsPort}` },
      logs: { level: 'info' },
    },
  });
  t.after(() => server.discard());
  const pids = server.workers().map(({ pid }) => pid);
  const make = (index: number) => ({ path: `/sleep?ms=20&id=r${index}`, expect: `r${index}` });
  const traffic = load(server, { total: TOTAL, connections: 32, make });
  await pause(300); // traffic is under way
  // From inside, a stopped process and a blocked event loop look the same: time passes and nothing is read.
  assert.ok(kill(server.pid, 'SIGSTOP'));
  const askedAt = performance.now();
  const probe = statusOf(server, '/livez').then((status) => ({ status, ms: performance.now() - askedAt }));
  await pause(BLOCK_MS);
  assert.ok(kill(server.pid, 'SIGCONT'));
  const { statuses, mixedUp } = await traffic;
  const { status, ms } = await probe;
  assert.deepEqual([Object.fromEntries(statuses), mixedUp], [{ 200: TOTAL }, 0], server.logs.tail());
  assert.deepEqual(
    server.workers().map(({ pid }) => pid),
    pids,
    'the same workers as before',
  );
  // The probe gives up by itself at about the end of the block; both are late, which is what a watchdog looks for.
  assert.ok(status === 200 || status === undefined, `/livez answered ${status}`);
  assert.ok(ms > BLOCK_MS * 0.9, `/livez after ${Math.round(ms)} ms`);
  const lag = await largestLag(metricsPort);
  assert.ok(lag > (BLOCK_MS / 1000) * 0.9, `nodejs_eventloop_lag_max_seconds is ${lag}`);
  assert.equal(await statusOf(server, '/livez'), 200);
  t.diagnostic(
    `O21: ${TOTAL} requests, 0 failed; /livez after ${Math.round(ms)} ms, event loop lag ${lag.toFixed(2)} s, 0 of 4 workers killed`,
  );
  await server.stop();
});

async function largestLag(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]);
}
