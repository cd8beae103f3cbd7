// Workers are replaced again and again while clients use them: nobody notices, also when the new code is broken.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NATIVE, SDK_JSON, type WorkerKind } from '../../e2e/kinds.ts';
import { mergeTop } from '../../e2e/server-of-kind.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { fixture } from '../../helpers/paths.ts';
import { RawClient, type RawResponse } from '../../helpers/raw-http.ts';
import type { ConfigTree } from '../../helpers/start-server.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { RpcClient } from '../../plugins/rpc/rpc-client.ts';
import { atMost, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { lookAllTheTime } from '../rig/look.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

interface Resettable {
  readonly app: StandardApp;
  /** The worker's script, which the test may overwrite; a command of the kind's otherwise. */
  readonly script: string;
  reset(): Promise<unknown>;
}

const NATIVE_SCRIPT = `<?php require '${fixture('native/worker.php')}';\n`;

async function startResettable(
  t: TestContext,
  kind: WorkerKind,
  { ownScript = false, config = {} as ConfigTree } = {},
): Promise<Resettable | undefined> {
  const dir = makeTempDir('reset');
  t.after(() => dir.remove());
  const [socket, script] = [dir.file('rpc.sock'), dir.file('worker.php')];
  writeFileSync(script, NATIVE_SCRIPT);
  const app = await startStandard(t, {
    kind,
    ...(ownScript ? { command: ['php', script] } : {}),
    config: mergeTop({ rpc: { listen: `unix://${socket}` } }, config),
  });
  if (app === undefined) return undefined;
  await app.server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
  const client = new RpcClient({ path: socket });
  t.after(() => client.close());
  return { app, script, reset: () => client.call('resetter.Reset', 'http') };
}

/** Looks all the time at how many workers can take requests. */
function watchCapacity(app: StandardApp): () => Promise<{ least: number; looks: number }> {
  const seen = { least: Number.POSITIVE_INFINITY, looks: 0 };
  const stop = lookAllTheTime(async () => {
    seen.least = Math.min(seen.least, (await app.pool()).serving);
    seen.looks++;
  });
  return () => stop().then(() => seen);
}

describe('S04 resets back to back under load', () => {
  for (const kind of [NATIVE, SDK_JSON]) {
    test(`S04 no request fails, and three of four workers can always take one: ${kind.name}`, async (t) => {
      const it = await startResettable(t, kind);
      if (it === undefined) return;
      const { app } = it;
      const [resets, least] = [pick(12, 100), pick(4_000, 50_000)];
      const before = app.workers().map(({ pid }) => pid);
      const capacity = watchCapacity(app);
      let done = 0;
      const until = ({ begun }: { begun: number }) => done < resets || begun < least;
      const traffic = runLoad(app, { connections: 16, until });
      for (; done < resets; done++) assert.equal(await it.reset(), true);
      const result = await traffic;
      const { least: serving, looks } = await capacity();
      // Replay and prefetch would hide a worker that broke from the clients.
      const faults = app.server.logs.all(({ facts }) => !['reset', undefined].includes(facts['reason'] as undefined));
      report(
        t,
        {
          kind: kind.name,
          ...result.facts(),
          resets: done,
          leastWorkers: `${serving} of ${WORKERS}`,
          looks,
          faults: faults.length,
        },
        { requests: least, resets, looks: pick(25, 500) },
      );
      result.assertAllAsExpected(app.server.logs.tail());
      assert.deepEqual(faults, [], 'workers that ended for another reason');
      assert.ok(serving >= WORKERS * 0.75, `only ${serving} workers could take requests`);
      await app.whole(WORKERS, 20_000);
      assert.deepEqual(
        app.workers().filter(({ pid }) => before.includes(pid)),
        [],
        'all are new',
      );
      await app.server.stop();
    });
  }

  test('S04 calls at the same time share a round', async (t) => {
    const it = await startResettable(t, NATIVE);
    if (it === undefined) return;
    const traffic = runLoad(it.app, { connections: 8, until: pick(1000, 5000) });
    const calls = 50;
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: calls }, () => it.reset()))), new Set([true]));
    const result = await traffic;
    const pids = new Set(it.app.executions().map(({ pid }) => pid)).size;
    report(t, { ...result.facts(), calls, workersEver: pids }, { calls, requests: pick(1000, 5000) });
    // The first call's round and the one that all others share.
    atMost(pids, 3 * WORKERS, 'workers that ever served');
    result.assertAllAsExpected(it.app.server.logs.tail());
    await it.app.whole(WORKERS, 20_000);
    await it.app.server.stop();
  });
});

describe('S05 a reset to broken code', () => {
  const BOOT_TIMEOUT_MS = 4000;
  const BROKEN = [
    ['a syntax error', '<?php this is no PHP (;\n', /syntax error/],
    ['an exception at boot', "<?php throw new RuntimeException('the new code is broken');\n", /the new code is broken/],
    ['a class that is missing', '<?php new App\\Missing();\n', /App\\Missing/],
    ['an exit at once', '<?php exit(0);\n', /exit|ended|code 0/],
    ['a boot that hangs', '<?php sleep(60);\n', /within|boot/],
  ] as const;

  test('S05 the old workers stay, no request fails, and the caller is told what PHP said', async (t) => {
    const config = { http: { pool: { allocate_timeout: `${BOOT_TIMEOUT_MS}ms` } } };
    const it = await startResettable(t, NATIVE, { ownScript: true, config });
    if (it === undefined) return;
    const { app, script } = it;
    const pids = app.workers().map(({ pid }) => pid);
    let over = false;
    const traffic = runLoad(app, { connections: 8, until: () => !over, make: () => ({ path: '/do/sleep/2' }) });
    const told: string[] = [];
    let slowest = 0;
    for (const [what, code, message] of BROKEN) {
      writeFileSync(script, code);
      const begin = performance.now();
      const error = await it.reset().then(
        () => 'no error',
        (thrown: Error) => thrown.message,
      );
      slowest = Math.max(slowest, performance.now() - begin);
      told.push(`${what}: ${error}`);
      assert.match(error, message, what);
      assert.deepEqual(
        app
          .workers()
          .map(({ pid }) => pid)
          .filter((pid) => pids.includes(pid)),
        pids,
        `${what}: the old workers stay\n${app.server.logs.tail()}`,
      );
    }
    await app.whole(WORKERS, 20_000);
    writeFileSync(script, NATIVE_SCRIPT);
    assert.equal(await it.reset(), true, 'mended code is taken');
    over = true;
    const result = await traffic;
    report(
      t,
      { ...result.facts(), broken: told.length, slowest: `${Math.round(slowest)} ms` },
      { requests: 200, broken: 5 },
    );
    result.assertAllAsExpected(app.server.logs.tail());
    atMost(slowest, BOOT_TIMEOUT_MS + pick(4000, 500), 'ms until the caller is told');
    await app.whole(WORKERS, 20_000);
    assert.equal(
      app.workers().some(({ pid }) => pids.includes(pid)),
      false,
      'all are new',
    );
    await app.server.stop();
  });
});

test('S06 streams go on while the workers are replaced', async (t) => {
  const it = await startResettable(t, NATIVE, { config: { http: { pool: { num_workers: 8 } } } });
  if (it === undefined) return;
  const { app } = it;
  const lines = pick(80, 600);
  const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(app.server.port)));
  const begin = performance.now();
  const streams = clients.map((client) => {
    client.send(`GET /stream?chunks=${lines}&ms=50 HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n`);
    return client.response(60_000).then((response: RawResponse) => ({ response, ms: performance.now() - begin }));
  });
  await pause(300);
  let over = false;
  const traffic = runLoad(app, { connections: 4, until: () => !over });
  let resets = 0;
  const ended = Promise.all(streams).finally(() => {
    over = true;
  });
  while (!over) {
    await it.reset();
    resets++;
    await pause(pick(100, 1000));
  }
  const whole = await ended;
  const result = await traffic;
  const expected = Array.from({ length: lines }, (_, index) => `line ${index}\n`).join('');
  const shortest = Math.min(...whole.map(({ ms }) => ms));
  report(
    t,
    { streams: whole.length, lines: lines * whole.length, seconds: shortest / 1000, resets, ...result.facts() },
    { streams: 4, resets: pick(2, 10), requests: 100 },
  );
  for (const { response } of whole) assert.equal(response.body.toString(), expected);
  result.assertAllAsExpected(app.server.logs.tail());
  for (const client of clients) client.destroy();
  await app.whole(8, 20_000);
  await app.server.stop();
});
