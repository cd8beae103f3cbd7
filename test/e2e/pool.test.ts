// RoadRunner's pool checklist: recycling, queues, limits, relays, workers that print before they speak.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { type LogRecord, mentions } from '../helpers/log-lines.ts';
import { exists, fixture } from '../helpers/paths.ts';
import { isAlive, kill } from '../helpers/processes.ts';
import { ask } from '../helpers/request.ts';
import { type ConfigTree, type ServerProcess, spawnServer, startServer, statusOf } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { NATIVE, SDK_JSON, SDK_PROTO } from './kinds.ts';

async function startPool(t: { after(fn: () => Promise<void>): void }, pool: ConfigTree, more: ConfigTree = {}) {
  const server = await startServer({ command: SDK_JSON.command, config: { http: { pool }, ...more } });
  t.after(() => server.discard());
  return server;
}

describe('6.4 recycling', () => {
  test('max_jobs: 1 gives every request a new pid', async (t) => {
    const server = await startPool(t, { num_workers: 2, max_jobs: 1 });
    const pids = new Set<string>();
    for (let i = 0; i < 6; i++) pids.add((await ask(server, '/pid')).text);
    assert.equal(pids.size, 6);
    await server.stop();
  });

  test('max_jobs: 1 with 8 clients at once: every answer 200, every pid once', async (t) => {
    const server = await startPool(t, { num_workers: 4, max_jobs: 1 });
    const answers = await Promise.all(Array.from({ length: 16 }, () => ask(server, '/pid')));
    assert.ok(answers.every((answer) => answer.status === 200));
    assert.equal(new Set(answers.map((answer) => answer.text)).size, 16);
    await server.stop();
  });

  test('an externally killed idle worker is replaced without a request', async (t) => {
    const server = await startPool(t, { num_workers: 2 });
    const [victim] = server.workers();
    assert.ok(victim && kill(victim.pid, 'SIGKILL'));
    await eventually(() => !isAlive(victim.pid) && server.workers().length === 2, 'two workers again');
    await eventually(async () => (await statusOf(server, '/ready')) === 200, 'a ready server');
    await server.stop();
  });

  test('501 workers are refused, with the limit in the message', async (t) => {
    const server = await spawnServer({ command: SDK_JSON.command, config: { http: { pool: { num_workers: 501 } } } });
    t.after(() => server.discard());
    const ending = await server.waitForEnd();
    assert.equal(ending.code, 78);
    assert.match(server.logs.text(), /num_workers/);
    assert.match(server.logs.text(), /500/);
  });
});

describe('6.4 queue', () => {
  test('a full queue refuses at once: 503 with Retry-After (RoadRunner: 500)', async (t) => {
    const server = await startPool(t, { num_workers: 1, max_queue_size: 2 });
    const { answers, refused } = await flood(server, 8);
    const served = answers.filter(({ status }) => status === 200).map(({ ms }) => ms);
    assert.equal(
      refused.length,
      5,
      `one runs, two wait, five are refused; got ${answers.map((answer) => answer.status)}`,
    );
    for (const answer of refused) {
      assert.equal(answer.status, 503);
      assert.match(String(answer.headers['retry-after']), /^\d+$/);
      assert.ok(answer.ms < Math.min(...served), `refused after ${answer.ms} ms, served after ${Math.min(...served)}`);
    }
    await server.stop();
  });

  test('the same with error_codes: roadrunner is 500 with an empty body', async (t) => {
    const config = { http: { error_codes: 'roadrunner', pool: { num_workers: 1, max_queue_size: 2 } } };
    const server = await startServer({ command: SDK_JSON.command, config });
    t.after(() => server.discard());
    const { refused } = await flood(server, 8);
    assert.ok(refused.length > 0);
    for (const answer of refused) assert.deepEqual([answer.status, answer.text], [500, '']);
    await server.stop();
  });

  test('no free worker within queue_timeout: 503 after that time (RoadRunner: 500)', async (t) => {
    const server = await startPool(t, { num_workers: 1, queue_timeout: '300ms' });
    const busy = await occupy(server, 3000);
    const answer = await ask(server, '/pid');
    assert.equal(answer.status, 503);
    assert.match(String(answer.headers['retry-after']), /^\d+$/);
    assert.ok(answer.ms >= 290 && answer.ms < 3000, `after ${answer.ms} ms`);
    assert.equal((await busy.answer).status, 200);
    await server.stop();
  });

  test('allocate_timeout alone bounds the wait too, as in RoadRunner', async (t) => {
    const server = await startPool(t, { num_workers: 1, allocate_timeout: '1s' });
    const busy = await occupy(server, 4000);
    const answer = await ask(server, '/pid');
    assert.equal(answer.status, 503);
    assert.ok(answer.ms >= 950 && answer.ms < 4000, `after ${answer.ms} ms`);
    assert.equal((await busy.answer).status, 200);
    await server.stop();
  });
});

describe('6.4 relays', { concurrency: 2 }, () => {
  for (const kind of [SDK_JSON, SDK_PROTO, NATIVE]) {
    for (const scheme of ['unix', 'tcp'] as const) {
      test(`${kind.name} over ${scheme}: requests, a crash, a stream`, async (t) => {
        const reason = await kind.prepare();
        if (reason !== undefined) return t.skip(reason);
        const dir = makeTempDir('relay');
        t.after(() => dir.remove());
        const relay = scheme === 'unix' ? `unix://${dir.file('relay.sock')}` : `tcp://127.0.0.1:${await freePort()}`;
        const config = { ...kind.config, server: { relay } };
        const server = await startServer({ command: kind.command, config });
        t.after(() => server.discard());
        assert.equal((await ask(server, '/echo?hello=relay')).text, 'RELAY');
        assert.equal((await ask(server, '/exit', { method: 'POST' })).status, 502);
        assert.equal((await ask(server, '/stream?chunks=30')).text.split('\n').length, 31);
        assert.equal((await ask(server, '/noise?to=stdout&text=stray')).text, 'after the noise');
        await server.waitForLog(mentions(/stray/), 'with what went to stdout');
        await server.stop();
      });
    }
  }
});

describe('6.4 workers that print', { concurrency: 2 }, () => {
  test('a line on stdout before the handshake is quoted with the script, and harmless (RoadRunner: fatal)', async (t) => {
    const command = ['php', fixture('misbehaving/prints-garbage.php')];
    const server = await startServer({ command, config: { http: { pool: { num_workers: 1 } } } });
    t.after(() => server.discard());
    const quoted = (record: LogRecord) =>
      mentions(/something is deprecated in \/app\/boot\.php on line 3/)(record) &&
      mentions(/prints-garbage\.php/)(record);
    await server.waitForLog(quoted, 'that quotes the line');
    assert.equal((await ask(server, '/echo?hello=fine')).text, 'FINE');
    await server.stop();
  });

  test('10 MB on stderr while it boots do no harm', async (t) => {
    const command = ['php', fixture('misbehaving/stderr-10mb.php')];
    const server = await startServer({ command, config: { http: { pool: { num_workers: 1 } } } });
    t.after(() => server.discard());
    assert.equal((await ask(server, '/echo?hello=a')).text, 'A');
    await server.stop();
  });

  test('stdout of a native worker is a log line, and harmless', async (t) => {
    const reason = await NATIVE.prepare();
    if (reason !== undefined) return t.skip(reason);
    const server = await startServer({ command: NATIVE.command });
    t.after(() => server.discard());
    for (const to of ['echo', 'stdout', 'stderr']) {
      const answer = await ask(server, `/noise?to=${to}&text=said-on-${to}`);
      assert.equal(answer.text, 'after the noise');
      await server.waitForLog(mentions(new RegExp(`said-on-${to}`)), `with what went to ${to}`);
    }
    await server.stop();
  });

  test('a slow boot within allocate_timeout is waited for', async (t) => {
    const command = ['php', fixture('misbehaving/boot-slow.php')];
    const server = await startServer({ command, environment: { SLOW_MS: '1200' } });
    t.after(() => server.discard());
    assert.equal((await ask(server, '/pid')).status, 200);
    await server.stop();
  });
});

/** Occupies the single worker, then sends `count - 1` further requests at once and waits for all. */
async function flood(server: ServerProcess, count: number) {
  const running = await occupy(server, 800);
  const answers = await Promise.all(Array.from({ length: count - 1 }, () => ask(server, '/sleep?ms=50')));
  answers.push(await running.answer);
  return { answers, refused: answers.filter((answer) => answer.status !== 200) };
}

/** Gives the single worker something to do and waits until it has begun. */
async function occupy(server: ServerProcess, ms: number) {
  const file = server.dir.file('begun');
  const answer = ask(server, `/sleep?ms=${ms}&begun=${encodeURIComponent(file)}`);
  await eventually(() => exists(file), 'the worker to begin');
  return { answer };
}
