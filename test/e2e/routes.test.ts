// Routes and named pools against the real server: a slow endpoint has workers, limits, numbers and resets of its own.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { runFor } from '../cli/run-cli.ts';
import { freePort } from '../helpers/free-port.ts';
import { type LogRecord, mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { kill } from '../helpers/processes.ts';
import { type Answer, ask } from '../helpers/request.ts';
import { type ConfigTree, type ServerProcess, spawnServer, startServer, statusOf } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';
import { NATIVE, SDK_JSON, type WorkerKind } from './kinds.ts';

const SLOW_MS = 600;
const SLOW_REQUESTS = 12;
const REPORTS = {
  pool: { num_workers: 2 },
  pools: { reports: { num_workers: 2 } },
  routes: [{ path: '/sleep', pool: 'reports' }],
};

async function start(t: TestContext, http: ConfigTree, more: ConfigTree = {}, kind: WorkerKind = SDK_JSON) {
  const server = await startServer({ command: kind.command, config: { ...kind.config, http, ...more } });
  t.after(() => server.discard());
  return server;
}

/** Sends slow requests, six times as many as there are workers for them, and quick ones one after the other until those are done. */
async function mixed(server: ServerProcess): Promise<{ slow: Answer[]; quick: Answer[] }> {
  let done = false;
  const all = Promise.all(Array.from({ length: SLOW_REQUESTS }, () => ask(server, `/sleep?ms=${SLOW_MS}`)));
  const slow = all.finally(() => {
    done = true;
  });
  await server.waitForLog(() => true, 'at all');
  const quick: Answer[] = [];
  while (!done) quick.push(await ask(server, '/pid'));
  return { slow: await slow, quick };
}

/** The time within which a share of the answers came. */
function within(share: number, answers: readonly Answer[]): number {
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  return times[Math.ceil(times.length * share) - 1] ?? Number.NaN;
}

const pidsOf = async (server: ServerProcess, path: string): Promise<Set<string>> => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(server, path)));
  return new Set(answers.map(({ text }) => text));
};

describe('a pool of its own for what is slow', () => {
  for (const kind of [SDK_JSON, NATIVE]) {
    test(`a crowd at the slow endpoint delays nobody else, ${kind.name}`, async (t) => {
      const reason = await kind.prepare();
      if (reason !== undefined) return t.skip(reason);
      const apart = await start(t, REPORTS, {}, kind);
      const separate = await mixed(apart);
      await apart.stop();
      const shared = await start(t, { pool: { num_workers: 4 } }, {}, kind);
      const together = await mixed(shared);
      await shared.stop();
      for (const { slow, quick } of [separate, together]) {
        assert.ok([...slow, ...quick].every(({ status }) => status === 200));
      }
      const [alone, mixedUp] = [within(0.99, separate.quick), within(1, together.quick)];
      t.diagnostic(
        `${separate.quick.length} quick requests beside ${SLOW_REQUESTS} slow ones: 99 % within ${Math.round(alone)} ms; with the same 4 workers in one pool the slowest takes ${Math.round(mixedUp)} ms`,
      );
      assert.ok(separate.quick.length > 20, `${separate.quick.length} quick requests`);
      assert.ok(alone < SLOW_MS / 2, `99 % of the quick requests took up to ${alone} ms`);
      assert.ok(mixedUp >= SLOW_MS / 2, 'without a pool of their own the slow ones hold up the others');
      assert.ok(within(1, separate.slow) >= (SLOW_REQUESTS / 2 - 1) * SLOW_MS, 'the slow ones had two workers');
    });
  }

  test('the pools have workers of their own, by path and method', async (t) => {
    const routes = [
      { path: '/pid', methods: ['POST'], pool: 'reports' },
      { path: '/echo-body', pool: 'reports' },
    ];
    const server = await start(t, { ...REPORTS, routes });
    const post = async (path: string) => (await ask(server, path, { method: 'POST', body: 'x' })).text;
    const own = await pidsOf(server, '/pid');
    const others = new Set<string>();
    for (let i = 0; i < 6; i++) others.add(await post(`/pid?a=${i}`));
    assert.equal(own.size, 2);
    assert.ok(others.size >= 1 && [...others].every((pid) => !own.has(pid)), `${[...own]} and ${[...others]}`);
    assert.equal(await post('/echo-body'), 'x');
    await server.stop();
  });

  test('a full queue refuses in its own pool only; a client that leaves it makes room', async (t) => {
    const pools = { reports: { num_workers: 1, max_queue_size: 1 } };
    const server = await start(t, { ...REPORTS, pools });
    const leaver = new AbortController();
    const running = ask(server, '/sleep?ms=1200');
    await server.waitForLog(mentions(/worker is ready/), 'of a worker');
    const waiting = ask(server, '/sleep?ms=1', { signal: leaver.signal });
    waiting.catch(() => undefined);
    await eventually(async () => (await ask(server, '/sleep?ms=1')).status === 503, 'a refusal');
    assert.equal((await ask(server, '/pid')).status, 200);
    leaver.abort();
    const next = await eventually(async () => {
      const answer = await ask(server, '/sleep?ms=1');
      return answer.status === 200 && answer;
    }, 'room again');
    assert.equal(next.status, 200);
    assert.equal((await running).status, 200);
    await server.stop();
  });
});

test('exec_ttl of a route: longer, shorter, none', async (t) => {
  const server = await start(t, {
    pool: { num_workers: 2, supervisor: { exec_ttl: '700ms' } },
    routes: [
      { path: '/sleep', methods: ['PUT'], exec_ttl: '10s' },
      { path: '/sleep', methods: ['POST'], exec_ttl: 0 },
      { path: '/loop', exec_ttl: '200ms' },
    ],
  });
  const sleep = (method: string) => ask(server, '/sleep?ms=1300', { method });
  const [long, none, pools, short] = await Promise.all([
    sleep('PUT'),
    sleep('POST'),
    sleep('DELETE'),
    ask(server, '/loop'),
  ]);
  assert.deepEqual([long.status, none.status, pools.status, short.status], [200, 200, 504, 504]);
  await server.waitForLog(mentions(/exec_ttl \(200 ms\)/), 'with the limit of the route');
  await server.waitForLog(mentions(/exec_ttl \(700 ms\)/), 'with the limit of the pool');
  await server.stop();
});

test('a reload takes over routes and the keys of named pools; a new pool needs a restart', async (t) => {
  const server = await start(t, REPORTS);
  const file = server.dir.file('app.yaml');
  const before = parse(readFileSync(file, 'utf8')) as { http: ConfigTree };
  const reload = async (http: ConfigTree, said: RegExp): Promise<LogRecord> => {
    writeFileSync(file, stringify({ ...before, http: { ...before.http, ...http } }));
    const line = server.waitForLog(mentions(said), `that says ${said}`, 20_000);
    server.child.kill('SIGHUP');
    return line;
  };
  const routes = [
    { path: '/pid', methods: ['POST'], pool: 'reports' },
    { path: '/loop', exec_ttl: '300ms' },
  ];
  const pools = { reports: { num_workers: 1 } };
  await reload({ pools, routes }, /^the configuration was reloaded.*http\.pools\.reports\.num_workers, http\.routes/);
  const post = (): Promise<Answer> => ask(server, '/pid', { method: 'POST' });
  const [own, others] = [await pidsOf(server, '/pid'), new Set([(await post()).text, (await post()).text])];
  assert.deepEqual([own.size, others.size], [2, 1]);
  assert.ok(!own.has([...others][0] ?? ''));
  assert.equal((await ask(server, '/loop')).status, 504);
  const failed = /^the reload failed, everything stays as it was: http\.routes: the pool http\.more does not run/;
  await reload({ pools: { ...pools, more: {} }, routes: [{ path: '/pid', pool: 'more' }] }, failed);
  assert.equal((await post()).text, [...others][0], 'workers and routes are those of before');
  await reload({ pools: { ...pools, more: {} }, routes }, /^not in force before a restart: http\.pools\.more$/);
  await server.stop();
});

describe('operating named pools', { concurrency: 2 }, () => {
  test('informer and resetter: every pool has its name, a reset of http is one of all', async (t) => {
    const port = await freePort();
    const server = await start(t, REPORTS, { rpc: { listen: `tcp://127.0.0.1:${port}` } });
    await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
    const client = new RpcClient({ port, host: '127.0.0.1' });
    t.after(() => client.close());
    const pids = async (name: string): Promise<number[]> => {
      const { workers } = await client.call<{ workers: { pid: number }[] }>('informer.Workers', name);
      return workers.map(({ pid }) => pid);
    };
    const changed = (before: readonly number[], after: readonly number[]): boolean =>
      after.every((pid) => !before.includes(pid));
    assert.deepEqual(await client.call('informer.List', true), ['http', 'http.reports']);
    assert.deepEqual(await client.call('resetter.List', true), ['http']);
    const first = [await pids('http'), await pids('http.reports')] as const;
    assert.equal(await client.call('resetter.Reset', 'http.reports'), true);
    const second = [await pids('http'), await pids('http.reports')] as const;
    assert.deepEqual([changed(first[0], second[0]), changed(first[1], second[1])], [false, true]);
    assert.equal(await client.call('resetter.Reset', 'http'), true);
    const third = [await pids('http'), await pids('http.reports')] as const;
    assert.deepEqual([changed(second[0], third[0]), changed(second[1], third[1])], [true, true]);
    assert.equal(await client.call('informer.AddWorker', 'http.reports'), true);
    assert.equal((await pids('http.reports')).length, 3);
    await server.stop();
  });

  test('rrts workers and rrts reset: every pool by its name, http for all', async (t) => {
    const server = await start(t, REPORTS);
    const table = await runFor(t, server, ['workers']);
    assert.match(table.stdout, /\nhttp: 2 workers.*[\s\S]*\nhttp\.reports: 2 workers/);
    const before = server.workers().map(({ pid }) => pid);
    const replaced = (count: number): Promise<true> => {
      const look = (): boolean => server.workers().filter(({ pid }) => !before.includes(pid)).length === count;
      return eventually(() => (look() && server.workers().length === 4 ? true : undefined), `${count} new workers`);
    };
    assert.match(
      (await runFor(t, server, ['reset', 'http.reports'])).stdout,
      /^http\.reports: the workers were replaced/,
    );
    await replaced(2);
    const all = await runFor(t, server, ['reset']);
    assert.deepEqual([all.code, all.stdout.match(/the workers were replaced/g)?.length], [0, 1], all.stderr);
    await replaced(4);
    const added = await runFor(t, server, ['workers', 'add', 'http.reports']);
    assert.equal(added.code, 0, added.stderr);
    await eventually(() => server.workers().length === 5, 'one more');
    await server.stop();
  });

  test('metrics and log lines carry the name of the pool, and why workers ended', async (t) => {
    const port = await freePort();
    const pools = { reports: { num_workers: 1, max_jobs: 2 } };
    const server = await start(t, { ...REPORTS, pools }, { metrics: { address: `127.0.0.1:${port}` } });
    for (let i = 0; i < 5; i++) assert.equal((await ask(server, '/sleep?ms=1')).status, 200);
    const replaced = await server.waitForLog(mentions(/worker stopped: max_jobs/), 'that a worker was replaced');
    assert.deepEqual([replaced.facts['pool'], replaced.facts['reason']], ['http.reports', 'max_jobs']);
    const [victim] = await pidsOf(server, '/pid');
    assert.ok(kill(Number(victim), 'SIGKILL'));
    const died = await server.waitForLog(
      mentions(/worker was ended by SIGKILL|worker .*SIGKILL/),
      'that a worker died',
    );
    assert.equal(died.facts['pool'], undefined);
    const text = await eventually(async () => {
      const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return (
        /rrts_http_worker_exits_total\{reason="died"\} 1/.test(page) && /reason="max_jobs"\} [12]/.test(page) && page
      );
    }, 'the counters');
    for (const line of [
      /^rr_http_reports_workers_ready 1$/m,
      /^rr_http_reports_total_workers 1$/m,
      /^rrts_http_reports_queue_length 0$/m,
      /^rrts_http_reports_workers_target 1$/m,
      /^rrts_http_workers_target 2$/m,
      /^rrts_http_reports_worker_exits_total\{reason="max_jobs"\} [12]$/m,
      /^rrts_http_reports_queue_seconds_count 5$/m,
      /^rrts_http_queue_seconds_count 8$/m,
    ]) {
      assert.match(text, line);
    }
    await server.stop();
  });

  test('a pool that does not boot aborts the start, with its name', async (t) => {
    const command = ['php', fixture('misbehaving/boot-throws.php')];
    const http = { ...REPORTS, pools: { reports: { num_workers: 1, command } } };
    const server = await spawnServer({ command: SDK_JSON.command, config: { http } });
    t.after(() => server.discard());
    assert.equal((await server.waitForEnd()).code, 69);
    assert.match(server.logs.text(), /^rrts: (\S+ )?pool http\.reports: .*boot-throws\.php/m);
  });

  test('the pools boot at the same time', async (t) => {
    const slow = { num_workers: 1, command: ['php', fixture('misbehaving/boot-slow.php')] };
    const http = {
      pool: slow,
      pools: { a: slow, b: slow, c: slow },
      routes: ['a', 'b', 'c'].map((pool) => ({ path: `/${pool}`, pool })),
    };
    const begin = performance.now();
    const server = await startServer({ command: SDK_JSON.command, environment: { SLOW_MS: '2500' }, config: { http } });
    t.after(() => server.discard());
    const took = performance.now() - begin;
    t.diagnostic(`4 pools that boot in 2.5 s each: ready after ${Math.round(took)} ms`);
    assert.ok(took < 9000, `${took} ms`);
    await server.stop();
  });

  test('pool.debug of one pool: a process per request there, and readable errors; not elsewhere', async (t) => {
    const pools = { reports: { num_workers: 2, debug: true } };
    const routes = [
      { path: '/pid', methods: ['PUT'], pool: 'reports' },
      { path: '/memory', methods: ['POST'], pool: 'reports' },
    ];
    const server = await start(t, { ...REPORTS, pools, routes });
    assert.equal(await statusOf(server, '/health'), 200);
    const put = await Promise.all(Array.from({ length: 5 }, () => ask(server, '/pid', { method: 'PUT' })));
    assert.equal(new Set(put.map(({ text }) => text)).size, 5);
    assert.equal((await pidsOf(server, '/pid')).size, 2);
    assert.match((await ask(server, '/memory', { method: 'POST' })).text, /Allowed memory size/);
    assert.doesNotMatch((await ask(server, '/memory', { method: 'PUT' })).text, /Allowed memory size/);
    await server.stop();
  });

  test('a socket relay serves all pools', async (t) => {
    const dir = makeTempDir('relay');
    t.after(() => dir.remove());
    for (const relay of [`unix://${dir.file('relay.sock')}`, `tcp://127.0.0.1:${await freePort()}`]) {
      const server = await start(t, REPORTS, { server: { relay } });
      assert.equal((await pidsOf(server, '/pid')).size, 2);
      assert.equal((await ask(server, '/sleep?ms=1')).status, 200);
      await server.stop();
    }
  });

  test('a pool that no route leads to is a warning with its place', async (t) => {
    const server = await start(t, { ...REPORTS, pools: { ...REPORTS.pools, spare: { num_workers: 1 } } });
    await server.waitForLog(
      mentions(/app\.yaml:\d+:\d+ http\.pools\.spare: no route leads to this pool/),
      'with the warning',
    );
    await server.stop();
  });
});
