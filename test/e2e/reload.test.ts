// SIGHUP: a changed configuration is taken over under load, and one that cannot be changes nothing.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { RawClient } from '../helpers/raw-http.ts';
import { ask } from '../helpers/request.ts';
import { baseConfig, type ConfigTree, mergeConfig, spawnWithYaml, waitUntilReady } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { underLoad, untilAnswer, workerCode, write } from './live-app.ts';

const DONE = /^the configuration was reloaded/;
const FAILED = /^the reload failed/;

/** A server whose worker and configuration the test can write anew. */
async function start(t: TestContext, config: ConfigTree = {}, command?: readonly string[]) {
  const [port, statusPort] = [await freePort(), await freePort()];
  const dir = makeTempDir('reload');
  t.after(() => dir.remove());
  const worker = dir.file('worker.php');
  write(worker, workerCode("'one' . getenv('APP')"));
  const base = mergeConfig(baseConfig(port, statusPort, command ?? ['php', worker]), config);
  const server = spawnWithYaml(stringify(base), {}, [port, statusPort]);
  t.after(() => server.discard());
  await waitUntilReady(server);
  await server.waitForLog(mentions(/rrts is ready/), 'that it is ready');
  const pids = (): number[] => server.workers().map(({ pid }) => pid);
  const times = (pattern: RegExp): number => server.logs.all(mentions(pattern)).length;
  return {
    server,
    worker,
    pids,
    times,
    configure: (change: ConfigTree) => {
      writeFileSync(server.dir.file('app.yaml'), stringify(mergeConfig(base, change)));
    },
    /** SIGHUP, and the line with its result. */
    reload: async (result: RegExp) => {
      const before = times(result);
      server.child.kill('SIGHUP');
      await eventually(() => times(result) > before, `a log line ${result}`, 20_000);
      const line = server.logs.all(mentions(result)).at(-1);
      assert.ok(line !== undefined);
      return line;
    },
  };
}

describe('a reload', { concurrency: 2 }, () => {
  test('takes over what can change, names what cannot, and no request fails', async (t) => {
    const { server, pids, configure, reload } = await start(t);
    await untilAnswer(server, 'one');
    const old = pids();
    const client = await RawClient.connect(server.port);
    configure({
      server: { env: { app: ' and two' } },
      http: {
        address: '127.0.0.1:1',
        middleware: ['headers'],
        headers: { response: { 'X-New': 'yes' } },
        limits: { uri_bytes: '64b' },
        pool: { num_workers: 4, supervisor: { exec_ttl: '5s' } },
      },
      logs: { level: 'info' },
      status: { unavailable_status_code: 599 },
      metrics: { address: '127.0.0.1:2' },
    });
    const answered = await underLoad(server, async () => {
      const { facts } = await reload(DONE);
      assert.deepEqual(facts['applied'], [
        'server.env.app',
        'logs.level',
        'status.unavailable_status_code',
        'http.middleware',
        'http.headers.response.X-New',
        'http.limits.uri_bytes',
        'http.pool.num_workers',
        'http.pool.supervisor.exec_ttl',
      ]);
      assert.deepEqual(facts['restart'], ['metrics', 'http.address']);
    });
    await server.waitForLog(mentions(/^not in force before a restart: metrics, http\.address$/), 'that names them');
    await untilAnswer(server, 'one and two');
    await eventually(() => pids().length === 4, 'four workers');
    assert.ok(pids().every((pid) => !old.includes(pid)));
    assert.equal((await ask(server, '/')).headers['x-new'], 'yes');
    // A connection from before the reload is still there, and under the new limits.
    client.send(`GET /${'a'.repeat(100)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal((await client.response()).status, 414);
    const lines = server.logs.records.length;
    await ask(server, '/');
    assert.ok(
      !server.logs.records.slice(lines).some(({ text }) => text.includes('"debug"')),
      'no debug lines any more',
    );
    t.diagnostic(`${answered} requests`);
    await server.stop();
  });

  test('with a mistake in the file changes nothing and names every mistake with its place', async (t) => {
    const { server, pids, configure, reload } = await start(t);
    await untilAnswer(server, 'one');
    const old = pids();
    configure({ server: { env: { app: ' no' } }, http: { pool: { num_wokers: 3, max_jobs: -1 } } });
    const answered = await underLoad(server, async () => {
      const line = await reload(FAILED);
      assert.equal(line.facts['code'], 'ERR_CONFIG_INVALID');
    });
    await server.waitForLog(mentions(/app\.yaml:\d+:\d+ http\.pool\.num_wokers: unknown key, did you mean/), 'of one');
    await server.waitForLog(mentions(/app\.yaml:\d+:\d+ http\.pool\.max_jobs: /), 'of the other');
    writeFileSync(server.dir.file('app.yaml'), 'http: [');
    await reload(FAILED);
    await server.waitForLog(mentions(/app\.yaml:1:\d+ /), 'with the place of the syntax error');
    assert.deepEqual(pids(), old);
    t.diagnostic(`${answered} requests`);
    await server.stop();
  });

  test('S05 to code that does not boot keeps workers and settings and shows the PHP error', async (t) => {
    const { server, worker, pids, configure, reload } = await start(t);
    await untilAnswer(server, 'one');
    const old = pids();
    write(worker, `<?php\n\nfunction broken( {\n`);
    configure({
      http: { pool: { num_workers: 3 }, middleware: ['headers'], headers: { response: { 'X-New': 'yes' } } },
    });
    const answered = await underLoad(server, async () => {
      const { text } = await reload(FAILED);
      assert.match(text, /syntax error.*worker\.php on line 3|worker\.php:3/i);
    });
    assert.deepEqual(pids(), old);
    assert.equal((await ask(server, '/')).headers['x-new'], undefined);
    write(worker, workerCode("'mended'"));
    await reload(DONE);
    await untilAnswer(server, 'mended');
    assert.equal((await ask(server, '/')).headers['x-new'], 'yes');
    await eventually(() => pids().length === 3, 'three workers');
    t.diagnostic(`${answered} requests`);
    await server.stop();
  });

  test('S06 leaves streamed responses alone: five streams over three reloads, none is cut', async (t) => {
    const command = ['php', fixture('native/worker.php')];
    const { server, reload } = await start(t, { http: { pool: { num_workers: 5 } } }, command);
    const streams = Array.from({ length: 5 }, async () => {
      const client = await RawClient.connect(server.port);
      client.send('GET /stream?chunks=60&ms=100 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      await client.head();
      return client;
    });
    const clients = await Promise.all(streams);
    for (let i = 0; i < 3; i++) await reload(DONE);
    assert.ok(
      clients.every((client) => !client.isAtEnd),
      'the streams still run',
    );
    for (const client of clients) {
      const text = (await client.rest(30_000)).toString();
      assert.equal(text.split('line ').length - 1, 60);
      assert.ok(text.endsWith('0\r\n\r\n'), 'and their end is a proper one');
    }
    await server.stop();
  });

  test('S07 250 SIGHUPs and SIGUSR2s in 5 s are at most 3 reloads', async (t) => {
    const { server, times } = await start(t);
    let sent = 0;
    const answered = await underLoad(server, async () => {
      const begin = performance.now();
      for (; sent < 250; sent++) {
        server.child.kill(sent % 2 === 0 ? 'SIGHUP' : 'SIGUSR2');
        await pause(Math.max(0, begin + (sent + 1) * 20 - performance.now()));
      }
      await eventually(() => times(DONE) > 0, 'a reload after the last signal');
    });
    // A further one would begin within its quiet time.
    await pause(1000);
    const reloads = times(DONE);
    assert.ok(reloads >= 1 && reloads <= 3, `${reloads} reloads`);
    assert.equal(times(FAILED), 0);
    t.diagnostic(`${sent} signals, ${reloads} reloads, ${answered} requests`);
    await server.stop();
  });
});
