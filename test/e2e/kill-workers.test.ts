// Workers are killed with SIGKILL under load: no GET is lost, no POST runs twice.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { kill } from '../helpers/processes.ts';
import { load } from '../helpers/request.ts';
import { type ServerProcess, startServer, statusOf } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { NATIVE, SDK_JSON, type WorkerKind } from './kinds.ts';

const KILL_EVERY_MS = 200;
const CONNECTIONS = 16;
const WORKERS = 4;

/** Kills a random worker every 200 ms until told to stop; tells how many it killed. */
function killRegularly(server: ServerProcess): () => Promise<number> {
  const enough = new AbortController();
  let kills = 0;
  const run = async () => {
    for (;;) {
      await pause(KILL_EVERY_MS, undefined, { signal: enough.signal });
      const workers = server.workers();
      const victim = workers[Math.floor(Math.random() * workers.length)];
      if (victim !== undefined && kill(victim.pid, 'SIGKILL')) kills++;
    }
  };
  const done = run().catch(() => {});
  return async () => {
    enough.abort();
    await done;
    return kills;
  };
}

async function startFor(kind: WorkerKind): Promise<ServerProcess> {
  const config = { http: { pool: { num_workers: WORKERS } }, logs: { level: 'info' } };
  return startServer({ command: kind.command, config });
}

describe('kill -9 of workers under load', () => {
  for (const [kind, total, ms] of [
    [SDK_JSON, 10_000, 2],
    [NATIVE, 4_000, 2],
  ] as const) {
    test(`${total} GETs, a random worker killed every ${KILL_EVERY_MS} ms, all 200: ${kind.name}`, async (t) => {
      const reason = await kind.prepare();
      if (reason !== undefined) return t.skip(reason);
      const server = await startFor(kind);
      t.after(() => server.discard());
      const stopKilling = killRegularly(server);
      const make = (index: number) => ({ path: `/sleep?ms=${ms}&id=r${index}`, expect: `r${index}` });
      const result = await load(server, { total, connections: CONNECTIONS, make });
      const kills = await stopKilling();
      t.diagnostic(`${total} requests in ${Math.round(result.ms)} ms, ${kills} workers killed`);
      assert.deepEqual(Object.fromEntries(result.statuses), { 200: total }, server.logs.tail());
      assert.equal(result.mixedUp, 0, 'every answer belongs to its request');
      assert.ok(kills >= 10, `the test killed only ${kills} workers`);
      await eventually(() => server.workers().length === WORKERS, 'all workers back');
      await eventually(async () => (await statusOf(server, '/ready')) === 200, 'a ready server');
      await server.stop();
    });
  }

  test('R11 a poison URL among good ones, 1 in 50: 502 for it, 200 for every other request', async (t) => {
    const server = await startFor(SDK_JSON);
    t.after(() => server.discard());
    const total = 1_000;
    const poison = (index: number) => index % 50 === 25;
    const make = (index: number) =>
      poison(index) ? { path: '/exit' } : { path: `/sleep?ms=1&id=r${index}`, expect: `r${index}` };
    const result = await load(server, { total, connections: CONNECTIONS, make });
    assert.deepEqual(Object.fromEntries(result.statuses), { 200: 980, 502: 20 }, server.logs.tail());
    assert.equal(result.mixedUp, 0);
    t.diagnostic(`${total} requests, 20 of them poison, in ${Math.round(result.ms)} ms`);
    await server.stop();
  });

  test('R02: POSTs under the same: a killed one is a single 502, none runs twice', async (t) => {
    const server = await startFor(SDK_JSON);
    const dir = makeTempDir('posts');
    t.after(() => server.discard());
    t.after(() => dir.remove());
    const file = dir.file('executions');
    const total = 2_000;
    const stopKilling = killRegularly(server);
    const make = (index: number) => ({
      path: `/log?ms=5&id=r${index}&file=${encodeURIComponent(file)}`,
      expect: `r${index}`,
      wish: { method: 'POST', body: 'x' },
    });
    const result = await load(server, { total, connections: CONNECTIONS, make });
    const kills = await stopKilling();
    const executions = countLines(file);
    const most = Math.max(...executions.values());
    const { 200: served = 0, 502: lost = 0, ...others } = Object.fromEntries(result.statuses) as Record<string, number>;
    t.diagnostic(
      `${total} POSTs, ${kills} workers killed, ${served} answered, ${lost} times 502, ${executions.size} begun`,
    );
    assert.deepEqual(others, {}, 'nothing but 200 and 502');
    assert.equal(result.mixedUp, 0);
    assert.ok(lost <= kills, `${lost} lost requests of ${kills} kills`);
    assert.ok(kills >= 5, `the test killed only ${kills} workers`);
    assert.equal(most, 1, 'no POST ran twice');
    await server.stop();
  });
});

function countLines(file: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
