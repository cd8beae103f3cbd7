// A server that is told to stop while it has a lot to do.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NATIVE } from '../../e2e/kinds.ts';
import { RawClient, valuesOf } from '../../helpers/raw-http.ts';
import { statusOf } from '../../helpers/start-server.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard } from '../rig/standard-app.ts';

const IN_FLIGHT = 200;
const MS = 500;
const MANY_WORKERS = 20;

function get(path: string, id: string, method = 'GET'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: h\r\nX-Id: ${id}\r\nContent-Length: 0\r\n\r\n`;
}

/** Somebody new knocks every 20 ms; what became of them. */
function arrivals(app: StandardApp): () => Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  let over = false;
  const knock = (): Promise<string> =>
    new Promise((resolve) => {
      let received = '';
      const socket = connect(app.server.port, '127.0.0.1', () => socket.write(get('/do', 'late')));
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        if (received.includes('\r\n\r\n')) socket.end();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on('close', () => resolve(received.slice(9, 12) || 'closed without an answer'));
    });
  const run = async () => {
    while (!over) {
      const outcome = await knock();
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      await pause(20);
    }
  };
  const done = run();
  return async () => {
    over = true;
    await done;
    return outcomes;
  };
}

/** When /readyz said 503 for the first time, and everything else it said until the server was gone. */
async function watchReadiness(app: StandardApp, since: number): Promise<{ after: number; answers: unknown[] }> {
  const answers: unknown[] = [];
  let after = Number.NaN;
  while (app.server.ending === undefined) {
    const status = await statusOf(app.server, '/readyz');
    if (status === 503 && Number.isNaN(after)) after = performance.now() - since;
    answers.push(status);
    await pause(20);
  }
  return { after, answers };
}

test(`S01 SIGTERM with ${IN_FLIGHT} requests of ${MS} ms in flight and new ones arriving`, async (t) => {
  const app = await startStandard(t, { kind: NATIVE, config: { http: { pool: { num_workers: MANY_WORKERS } } } });
  if (app === undefined) return;
  const idle = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(app.server.port)));
  for (const [index, client] of idle.entries()) client.send(get('/do', `idle${index}`));
  for (const client of idle) assert.equal((await client.response()).status, 200);
  const clients = await Promise.all(Array.from({ length: IN_FLIGHT }, () => RawClient.connect(app.server.port)));
  for (const [index, client] of clients.entries()) client.send(get(`/do/sleep/${MS}`, `r${index}`));
  // When the first are done, all have long been received.
  await eventually(() => app.executions().length >= idle.length + MANY_WORKERS + 1, 'the second round of requests');
  const stopArrivals = arrivals(app);
  const begin = performance.now();
  app.server.child.kill('SIGTERM');
  const readiness = watchReadiness(app, begin);
  const idleClosed = Promise.all(idle.map((client) => client.rest(20_000))).then((rests) => ({
    bytes: rests.reduce((sum, { length }) => sum + length, 0),
    ms: performance.now() - begin,
  }));
  const answers = await Promise.all(clients.map((client) => client.response(60_000)));
  const answeredAt = performance.now();
  assert.deepEqual(await app.server.waitForEnd(30_000), { code: 0, signal: null });
  const exitAfter = performance.now() - answeredAt;
  const late = await stopArrivals();
  const { after, answers: probes } = await readiness;
  const { bytes, ms: idleMs } = await idleClosed;
  const closing = answers.filter((answer) => valuesOf(answer, 'connection').includes('close'));
  report(
    t,
    {
      inFlight: answers.length,
      closing: closing.length,
      drain: `${Math.round(answeredAt - begin)} ms`,
      exitAfter: `${Math.round(exitAfter)} ms`,
      readyz503After: `${Math.round(after)} ms`,
      probes: probes.length,
      idleConnections: idle.length,
      closedAfter: `${Math.round(idleMs)} ms`,
      arrivals: [...late].map(([outcome, count]) => `${count} ${outcome}`).join(' '),
    },
    { inFlight: IN_FLIGHT, probes: 20, closing: 100 },
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  for (const [index, answer] of answers.entries()) assert.match(answer.body.toString(), new RegExp(`^r${index} `));
  const counts = [...app.executionCounts()].filter(([id, count]) => id.startsWith('r') && count === 1);
  assert.equal(counts.length, IN_FLIGHT, 'each ran once');
  atMost(exitAfter, pick(2000, 1000), 'ms from the last answer to the end');
  atMost(after, pick(1500, 500), 'ms until /readyz was 503');
  // The first probe may come before the signal is handled.
  assert.equal(probes.lastIndexOf(200) < probes.indexOf(503), true, '/readyz never says 200 again');
  assert.equal(bytes, 0, 'idle connections are closed without a word');
  atMost(idleMs, pick(2000, 1000), 'ms until idle connections were closed');
  // Whoever comes is told by the system that nobody listens. One that came at the very moment the listener was closed, and that nobody had
  // accepted, is reset by the system; no program can tell that moment.
  // So is one that was accepted and had said nothing yet: its connection was idle.
  const atThatMoment = ['ECONNRESET', 'EPIPE', 'closed without an answer'];
  const reset = atThatMoment.reduce((sum, outcome) => sum + (late.get(outcome) ?? 0), 0);
  atMost(reset, 2, 'arrivals that were reset');
  assert.deepEqual(
    [...late.keys()].filter((outcome) => !['ECONNREFUSED', '200', ...atThatMoment].includes(outcome)),
    [],
  );
});

describe('requests that do not end', { concurrency: true }, () => {
  for (const path of ['/do/sleep/60000', '/do/loop']) {
    test(`S02 SIGTERM with a request that does not end, grace 3 s: ${path}`, async (t) => {
      const config = { endure: { grace_period: '3s' }, http: { pool: { destroy_timeout: '3s' } } };
      const app = await startStandard(t, { kind: NATIVE, config });
      if (app === undefined) return;
      const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(app.server.port)));
      for (const [index, client] of clients.entries()) client.send(get(path, `r${index}`, 'POST'));
      await eventually(() => app.executions().length === 4, 'four of them to begin');
      const begin = performance.now();
      app.server.child.kill('SIGTERM');
      const answers = clients.map(async (client) => {
        const answer = await client.response(20_000).catch(() => undefined);
        return { outcome: answer === undefined ? 'closed' : String(answer.status), ms: performance.now() - begin };
      });
      const outcomes = await Promise.all(answers);
      assert.deepEqual(await app.server.waitForEnd(30_000), { code: 0, signal: null });
      const ms = performance.now() - begin;
      const told = outcomes.map(({ outcome, ms: at }) => `${outcome} at ${Math.round(at)}`).join(', ');
      report(t, { hung: 4, waiting: 4, exit: `${Math.round(ms)} ms`, clients: told });
      assert.ok(ms >= 2900 && ms <= pick(8000, 4000), `the end after ${Math.round(ms)} ms`);
      for (const { outcome } of outcomes) assert.match(outcome, /^(closed|50[34])$/);
      assert.equal(app.executions().length, 4, 'those that waited never ran');
    });
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`S03 a second ${signal} ends it at once, whatever runs`, async (t) => {
      const app = await startStandard(t, { kind: NATIVE });
      if (app === undefined) return;
      const paths = ['/do/sleep/60000', '/do/loop', '/stream?chunks=1000&ms=60', '/do/sleep/60000', '/do', '/do'];
      const clients = await Promise.all(paths.map(() => RawClient.connect(app.server.port)));
      for (const [index, client] of clients.entries()) client.send(get(paths[index] ?? '/do', `r${index}`, 'POST'));
      await clients[2]?.some(100);
      await eventually(() => app.executions().length === 3, 'them to begin');
      app.server.child.kill(signal);
      await eventually(async () => (await statusOf(app.server, '/readyz')) === 503, 'the drain to begin');
      const begin = performance.now();
      app.server.child.kill(signal);
      const ending = await app.server.waitForEnd(30_000);
      const ms = performance.now() - begin;
      report(t, { requests: paths.length, exit: `${Math.round(ms)} ms`, code: String(ending.code) });
      // The grace period, which it shall not wait for, is 30 s.
      atMost(ms, pick(8000, 1000), 'ms to the end');
      assert.equal(ending.code, signal === 'SIGINT' ? 130 : 143);
      for (const client of clients) client.destroy();
    });
  }
});
