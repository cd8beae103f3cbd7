// How a server ends: drained by SIGTERM, at once by a second signal.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { RawClient } from '../helpers/raw-http.ts';
import { ask } from '../helpers/request.ts';
import { startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { SDK_JSON } from './kinds.ts';

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`S01 ${signal} with 50 requests of 300 ms in flight: all are answered, exit code 0`, async (t) => {
      const server = await startServer({ command: SDK_JSON.command, config: { http: { pool: { num_workers: 8 } } } });
      t.after(() => server.discard());
      const { begun, url } = sleeper(t, 300);
      const answers = Array.from({ length: 50 }, (_, index) => ask(server, url(index)));
      // With the ninth the first eight are answered, and by then all fifty have long been received.
      await eventually(() => begun() >= 9, 'nine requests to begin');
      server.child.kill(signal);
      const statuses = (await Promise.all(answers)).map((answer) => answer.status);
      assert.deepEqual(new Set(statuses), new Set([200]), statuses.join(' '));
      assert.deepEqual(await server.waitForEnd(5000), { code: 0, signal: null });
      assert.equal(begun(), 50, 'each ran once');
      t.diagnostic('50 requests in flight, 50 answered');
    });
  }

  test('after SIGTERM the port is closed, and idle connections are', async (t) => {
    const server = await startServer({ command: SDK_JSON.command });
    t.after(() => server.discard());
    const idle = await RawClient.connect(server.port);
    idle.send('GET /pid HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await idle.response()).status, 200);
    const { begun, url } = sleeper(t, 600);
    const running = ask(server, url(0));
    await eventually(() => begun() === 1, 'a request to begin');
    server.child.kill('SIGTERM');
    await idle.rest(3000);
    await eventually(
      () =>
        RawClient.connect(server.port).then(
          () => false,
          () => true,
        ),
      'a closed port',
      20_000,
    );
    assert.equal((await running).status, 200);
    assert.equal((await server.waitForEnd()).code, 0);
  });

  test('S02 a request that never ends is cut at endure.grace_period, nothing is left', async (t) => {
    const config = { endure: { grace_period: '1s' }, http: { pool: { destroy_timeout: '1s' } } };
    const server = await startServer({ command: SDK_JSON.command, config });
    t.after(() => server.discard());
    const { begun, url } = sleeper(t, 60_000);
    const hung = ask(server, url(0)).then(
      (answer) => String(answer.status),
      () => 'cut',
    );
    await eventually(() => begun() === 1, 'a request to begin');
    const at = performance.now();
    server.child.kill('SIGTERM');
    await server.waitForEnd(30_000);
    const ms = performance.now() - at;
    // The default grace period is 30 s, the request's own time a minute.
    assert.ok(ms < 10_000, `ended after ${Math.round(ms)} ms`);
    assert.match(await hung, /^(5\d\d|cut)$/);
  });

  test('S03 a second signal ends it at once', async (t) => {
    const server = await startServer({ command: SDK_JSON.command });
    t.after(() => server.discard());
    const { begun, url } = sleeper(t, 60_000);
    const hung = ask(server, url(0)).catch(() => undefined);
    await eventually(() => begun() === 1, 'a request to begin');
    server.child.kill('SIGTERM');
    await eventually(
      () =>
        RawClient.connect(server.port).then(
          () => false,
          () => true,
        ),
      'the drain to begin',
      20_000,
    );
    const at = performance.now();
    server.child.kill('SIGTERM');
    const ending = await server.waitForEnd(30_000);
    await hung;
    const ms = performance.now() - at;
    assert.ok(ms < 10_000, `ended after ${Math.round(ms)} ms\n${server.logs.tail()}`);
    assert.notEqual(ending.code, 0, 'not a clean end');
  });

  test('a worker that ignores the stop frame and SIGTERM is killed, and the exit code is still 0', async (t) => {
    const command = ['php', fixture('misbehaving/ignores-sigterm.php')];
    const config = { endure: { grace_period: '3s' }, http: { pool: { num_workers: 1 } } };
    const server = await startServer({ command, config });
    t.after(() => server.discard());
    assert.equal((await ask(server, '/')).status, 200);
    await server.stop(15_000);
  });
});

/** Requests that note their beginning in a file. */
function sleeper(t: { after(fn: () => void): void }, ms: number) {
  const dir = makeTempDir('signals');
  t.after(() => dir.remove());
  const file = dir.file('begun');
  return {
    begun: () => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').length : 0),
    url: (index: number) => `/sleep?ms=${ms}&id=${index}&begun=${encodeURIComponent(file)}`,
  };
}
