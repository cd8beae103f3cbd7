// Requests that run too long, clients that do not wait, and processes that workers leave behind.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { isAlive } from '../helpers/processes.ts';
import { RawClient } from '../helpers/raw-http.ts';
import { ask } from '../helpers/request.ts';
import { startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { SDK_JSON } from './kinds.ts';

const EXEC_TTL = { num_workers: 2, supervisor: { exec_ttl: '1s' } };

describe('exec_ttl', () => {
  test('an endless loop with error_codes: roadrunner is 500', async (t) => {
    const config = { http: { error_codes: 'roadrunner', pool: EXEC_TTL } };
    const server = await startServer({ command: SDK_JSON.command, config });
    t.after(() => server.discard());
    const answer = await ask(server, '/loop');
    assert.deepEqual([answer.status, answer.text], [500, '']);
    await server.stop();
  });
});

describe('clients that leave', () => {
  test('O03 requests whose clients left while they waited never reach PHP', async (t) => {
    const server = await startServer({ command: SDK_JSON.command, config: { http: { pool: { num_workers: 1 } } } });
    const dir = makeTempDir('left');
    t.after(() => server.discard());
    t.after(() => dir.remove());
    const file = encodeURIComponent(dir.file('log'));
    const busy = ask(server, `/log?id=busy&ms=700&file=${file}`);
    await eventually(() => existsSync(dir.file('log')), 'the worker to be busy');
    const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(server.port)));
    for (const [index, client] of clients.entries()) {
      client.send(`GET /log?id=left${index}&file=${file} HTTP/1.1\r\nHost: a\r\n\r\n`);
    }
    for (const client of clients) client.destroy();
    assert.equal((await busy).status, 200);
    assert.equal((await ask(server, `/log?id=after&file=${file}`)).status, 200);
    const executed = readFileSync(dir.file('log'), 'utf8').trimEnd().split('\n');
    t.diagnostic(`100 clients left, ${executed.length - 2} of their requests ran`);
    assert.ok(executed.length <= 4, `executed: ${executed.join(', ')}`);
    await server.stop();
  });

  test('O04 a client that leaves while PHP works: one execution, no replay, the worker is reused', async (t) => {
    const server = await startServer({ command: SDK_JSON.command, config: { http: { pool: { num_workers: 1 } } } });
    const dir = makeTempDir('mid');
    t.after(() => server.discard());
    t.after(() => dir.remove());
    const [worker] = server.workers();
    for (let round = 0; round < 5; round++) {
      const file = dir.file(`log${round}`);
      const client = await RawClient.connect(server.port);
      client.send(`GET /log?id=x&ms=100&file=${encodeURIComponent(file)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await eventually(() => existsSync(file), 'the request to begin');
      client.destroy();
      assert.equal((await ask(server, '/pid')).text, String(worker?.pid));
      assert.equal(readFileSync(file, 'utf8'), 'x GET\n');
    }
    await server.stop();
  });

  test('6.1 a broken client pipe does not kill a worker', async (t) => {
    const server = await startServer({ command: SDK_JSON.command, config: { http: { pool: { num_workers: 1 } } } });
    t.after(() => server.discard());
    const [worker] = server.workers();
    for (let round = 0; round < 5; round++) {
      const client = await RawClient.connect(server.port);
      client.send(`GET /big?bytes=${10 << 20} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await client.some(1000);
      client.destroy();
    }
    assert.equal((await ask(server, '/pid')).text, String(worker?.pid));
    await server.stop();
  });
});

describe('processes of workers', () => {
  test('a worker that is asked to stop may leave a process of its own behind, as under FPM', async (t) => {
    const { server, pids } = await startWithGrandchild(t);
    const [grandchild = 0] = pids();
    server.child.kill('SIGTERM');
    assert.equal((await within(server.ended, 20_000, 'the end')).code, 0);
    assert.equal(server.workers().length, 0);
    assert.ok(isAlive(grandchild), 'a background job outlives the worker that began it');
  });

  for (const [how, path] of [
    ['exits', '/exit'],
    ['crashes', '/segfault'],
  ] as const) {
    test(`a worker that ${how} by itself takes its processes along, although they keep its pipes open`, async (t) => {
      const { server, pids } = await startWithGrandchild(t);
      const [grandchild = 0] = pids();
      assert.ok(isAlive(grandchild));
      const answer = await ask(server, path, { method: 'POST' });
      assert.equal(answer.status, 502);
      // Its processes would keep the pipes open for much longer.
      assert.ok(answer.ms < 10_000, `the 502 took ${answer.ms} ms`);
      assert.equal((await ask(server, '/pid')).status, 200);
      await eventually(() => !isAlive(grandchild), `grandchild ${grandchild} gone`);
    });
  }
});

/** One worker that has started `sleep 999`. */
async function startWithGrandchild(t: { after(fn: () => void | Promise<void>): void }) {
  const dir = makeTempDir('grandchild');
  const command = ['php', fixture('misbehaving/spawns-grandchild.php')];
  const environment = { GRANDCHILD_FILE: dir.file('pids') };
  const server = await startServer({ command, environment, config: { http: { pool: { num_workers: 1 } } } });
  t.after(() => server.discard());
  t.after(() => dir.remove());
  return { server, pids: () => readFileSync(dir.file('pids'), 'utf8').trim().split('\n').map(Number) };
}
