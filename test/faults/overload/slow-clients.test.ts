// Clients that send or read as slowly as they can: they hold connections, never workers for long, and never much memory.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { type LoadResult, runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';
import { connectMany } from './crowd.ts';

const MB = 1024 * 1024;
const MANY = 1000;
/** How often Node looks for late requests. */
const CHECK_MS = 1000;

/** A client that drips, and how it ended. */
class Dripper {
  status = 0;
  /** Milliseconds from its first byte to the end of the connection. */
  ms = Number.NaN;
  readonly #socket: Socket;
  readonly #drip: NodeJS.Timeout | undefined;

  /** Sends `first`, then `drop` every `everyMs`; never again with 0. */
  constructor(socket: Socket, first: string, drop: string, everyMs: number) {
    this.#socket = socket;
    const begin = performance.now();
    socket.write(first);
    this.#drip = everyMs === 0 ? undefined : setInterval(() => socket.write(drop), everyMs);
    socket.on('data', (bytes) => {
      this.status ||= Number(bytes.toString('latin1', 9, 12));
    });
    socket.on('close', () => {
      clearInterval(this.#drip);
      this.ms = performance.now() - begin;
    });
  }

  get ended(): boolean {
    return !Number.isNaN(this.ms);
  }

  leave(): void {
    clearInterval(this.#drip);
    this.#socket.destroy();
  }
}

/** Legitimate clients, before and beside the slow ones. */
async function withTraffic(
  app: StandardApp,
  slow: () => Promise<void>,
): Promise<{ alone: LoadResult; beside: LoadResult }> {
  const make = () => ({ path: '/do/sleep/2' });
  const alone = await runLoad(app, { connections: 8, until: ({ ms }) => ms < 1500, make, prefix: 'a' });
  let over = false;
  const traffic = runLoad(app, { connections: 8, until: () => !over, make, prefix: 'b' });
  await slow().finally(() => {
    over = true;
  });
  const beside = await traffic;
  alone.assertAllAsExpected();
  beside.assertAllAsExpected(app.server.logs.tail());
  return { alone, beside };
}

function latest(clients: readonly Dripper[]): number {
  return clients.reduce((most, { ms }) => Math.max(most, ms), 0);
}

function statusesOf(clients: readonly Dripper[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of clients) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** How late everything is on this machine now: as the answers to others are. */
function lag(beside: LoadResult): number {
  return pick(3000, 1500) + 2 * beside.percentile(0.99);
}

function assertNotSlower(alone: LoadResult, beside: LoadResult): void {
  const part = pick(0.5, 0.99); // the short form shares the cores with other tests, and with a thousand clients
  atMost(beside.percentile(part), 2 * alone.percentile(part) + pick(1000, 500), 'answers beside slow clients, in ms');
}

test(`O10 ${MANY} clients that never end their headers: 408 in time, and nobody else notices`, async (t) => {
  const headers = 2000;
  const app = await startStandard(t, { kind: NATIVE, config: { http: { timeouts: { headers: `${headers}ms` } } } });
  if (app === undefined) return;
  const clients: Dripper[] = [];
  t.after(() => {
    for (const client of clients) client.leave();
  });
  const { alone, beside } = await withTraffic(app, async () => {
    for (const socket of await connectMany(app.server.port, MANY, () => undefined)) {
      clients.push(new Dripper(socket, 'GET /do HTTP/1.1\r\nHost: h\r\nX-Id: slow\r\n', 'X-Drop: 1\r\n', 400));
    }
    await eventually(() => clients.every(({ ended }) => ended), 'all to be closed', 60_000);
  });
  const seconds = [...clients].map(({ ms }) => ms);
  report(
    t,
    {
      slow: clients.length,
      closed: `${(Math.min(...seconds) / 1000).toFixed(1)} to ${(latest(clients) / 1000).toFixed(1)} s`,
      answers: JSON.stringify(statusesOf(clients)),
      legit: beside.begun,
      p99: `${alone.percentile(0.99).toFixed(0)} ms alone, ${beside.percentile(0.99).toFixed(0)} beside`,
    },
    { slow: MANY, legit: 200 },
  );
  assert.deepEqual(statusesOf(clients), { 408: MANY });
  atMost(latest(clients), headers + CHECK_MS + lag(beside), 'ms until the last was closed');
  assertNotSlower(alone, beside);
  assert.equal(app.executionCounts().get('slow'), undefined);
  await app.server.stop();
});

test(`O11 ${MANY} clients that never end their bodies: closed at body_idle or body, no worker ever busy with them`, async (t) => {
  const [bodyIdle, body] = [2000, 3000];
  const timeouts = { body_idle: `${bodyIdle}ms`, body: `${body}ms` };
  const app = await startStandard(t, { kind: NATIVE, config: { http: { timeouts } } });
  if (app === undefined) return;
  const [silent, dripping]: [Dripper[], Dripper[]] = [[], []];
  t.after(() => {
    for (const client of [...silent, ...dripping]) client.leave();
  });
  const { alone, beside } = await withTraffic(app, async () => {
    const sockets = await connectMany(app.server.port, MANY, () => undefined);
    for (const [index, socket] of sockets.entries()) {
      const head = 'POST /do HTTP/1.1\r\nHost: h\r\nX-Id: slow\r\n';
      const framed = index % 4 < 2 ? 'Content-Length: 100000\r\n\r\nx' : 'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n';
      const drop = index % 4 < 2 ? 'x' : '1\r\nx\r\n';
      if (index % 2 === 0) silent.push(new Dripper(socket, head + framed, drop, 0));
      else dripping.push(new Dripper(socket, head + framed, drop, 300));
    }
    await eventually(() => [...silent, ...dripping].every(({ ended }) => ended), 'all to be closed', 60_000);
  });
  report(
    t,
    {
      silent: silent.length,
      closedAfter: `${(latest(silent) / 1000).toFixed(1)} s`,
      dripping: dripping.length,
      thoseAfter: `${(latest(dripping) / 1000).toFixed(1)} s`,
      answers: JSON.stringify(statusesOf([...silent, ...dripping])),
      legit: beside.begun,
      p99: `${alone.percentile(0.99).toFixed(0)} ms alone, ${beside.percentile(0.99).toFixed(0)} beside`,
    },
    { silent: MANY / 2, dripping: MANY / 2, legit: 200 },
  );
  assert.deepEqual(statusesOf([...silent, ...dripping]), { 408: MANY });
  // A refused client that goes on sending is let read its answer for another second.
  atMost(latest(silent), bodyIdle + CHECK_MS + lag(beside), 'ms until the last silent one was closed');
  atMost(latest(dripping), body + 2 * CHECK_MS + lag(beside), 'ms until the last dripping one was closed');
  assert.equal(app.executionCounts().get('slow'), undefined, 'no worker saw one of them');
  assertNotSlower(alone, beside);
  await app.server.stop();
});

/** Clients that ask for something large and read nothing of it. */
function stall(app: StandardApp, count: number, path: string): Socket[] {
  return Array.from({ length: count }, () => {
    const socket = connect(app.server.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
    return socket;
  });
}

for (const kind of [NATIVE, SDK_JSON]) {
  test(`O12 clients that take nothing of a stream of 10 MB: bounded memory, cut after send_idle: ${kind.name}`, async (t) => {
    const config = { http: { timeouts: { send_idle: '1s' }, pool: { queue_timeout: '60s' } } };
    const app = await startStandard(t, { kind, config });
    if (app === undefined) return;
    const pids = app.workers().map(({ pid }) => pid);
    const before = app.masterBytes();
    const count = pick(8, 60);
    const begin = performance.now();
    const sockets = stall(app, count, `/stream-big?bytes=${10 * MB}`);
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    let most = 0;
    const inFlight = async () => {
      most = Math.max(most, app.masterBytes() - before);
      return Number(/^rr_http_requests_queue (\d+)$/m.exec(await app.metrics())?.[1]);
    };
    await eventually(async () => (await inFlight()) === count, 'all of them to be received');
    await eventually(async () => (await inFlight()) === 0, 'all of them to be cut', 60_000);
    const ms = performance.now() - begin;
    const after = await runLoad(app, { connections: 8, until: 200 });
    report(
      t,
      {
        kind: kind.name,
        stalled: count,
        memory: `${(most / MB).toFixed(0)} MB`,
        eachHeldAWorkerFor: `${Math.round((ms * WORKERS) / count)} ms`,
        ...after.facts(),
      },
      { stalled: count, requests: 200 },
    );
    after.assertAllAsExpected(app.server.logs.tail());
    atMost(most, 100 * MB, 'memory');
    // send_idle, and the time to fill the buffers of the system.
    atMost((ms * WORKERS) / count, pick(8000, 2500), 'ms a stalled client holds a worker');
    assert.deepEqual(
      app.workers().map(({ pid }) => pid),
      pids,
      'the same workers',
    );
    await app.server.stop();
  });
}

test('O12 whole replies of 10 MB to clients that take nothing: workers are free at once, memory after send_idle', async (t) => {
  const app = await startStandard(t, { kind: NATIVE, config: { http: { timeouts: { send_idle: '4s' } } } });
  if (app === undefined) return;
  const before = app.masterBytes();
  const descriptors = () => readdirSync(`/proc/${app.server.pid}/fd`).length;
  const few = descriptors() + 20;
  const count = pick(20, 100);
  const peaks: number[] = [];
  const done = async () => /^rr_http_requests_queue 0$/m.test(await app.metrics());
  // What the first round held must serve the second one again: it was not lost, only not given back to the system yet.
  for (let round = 0; round < 3; round++) {
    const sockets = stall(app, count, `/big?bytes=${10 * MB}`);
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    await eventually(() => descriptors() > count, 'all to be connected', 20_000);
    await eventually(done, 'PHP to be done with all', 20_000);
    peaks.push(app.masterBytes() - before);
    (await runLoad(app, { connections: 8, until: 100, prefix: `beside${round}-` })).assertAllAsExpected();
    await eventually(() => descriptors() < few, 'the clients to be cut', 20_000);
  }
  const inMb = peaks.map((bytes) => (bytes / MB).toFixed(0));
  report(t, { stalled: count * peaks.length, memory: `${inMb.join(', then ')} MB` }, { stalled: 3 * count });
  const [first = 0, ...later] = peaks;
  atMost(first, count * 10 * MB + 100 * MB, 'memory: each reply once');
  for (const peak of later) atMost(peak, 1.5 * count * 10 * MB + 100 * MB, 'memory of a later round');
  await app.server.stop();
});

test('O19 event streams, some of whose clients stall: those are dropped, the others get every byte', async (t) => {
  const [streams, stalled, bytes] = [8, 4, pick(60, 300) * MB];
  const pool = { num_workers: streams + stalled };
  const app = await startStandard(t, { kind: NATIVE, config: { http: { timeouts: { send_idle: '1s' }, pool } } });
  if (app === undefined) return;
  const before = app.masterBytes();
  const path = `/stream-big?bytes=${bytes}`;
  const sleepers = stall(app, stalled, path);
  const readers = Array.from({ length: streams }, () => connect(app.server.port, '127.0.0.1'));
  t.after(() => {
    for (const socket of [...sleepers, ...readers]) socket.destroy();
  });
  let most = 0;
  const received = await Promise.all(
    readers.map(async (socket) => {
      let count = 0;
      socket.on('data', (chunk) => {
        count += chunk.length;
        most = Math.max(most, app.masterBytes() - before);
      });
      socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n`);
      await new Promise((resolve) => socket.once('close', resolve));
      return count;
    }),
  );
  await eventually(async () => /^rr_http_requests_queue 0$/m.test(await app.metrics()), 'the stalled ones to be cut');
  report(
    t,
    {
      streams,
      stalled,
      bytes: received.reduce((sum, count) => sum + count, 0),
      memory: `${(most / MB).toFixed(0)} MB`,
    },
    { streams, bytes: streams * bytes },
  );
  for (const count of received) assert.ok(count > bytes && count < bytes * 1.01, `${count} bytes with heads of chunks`);
  atMost(most, (streams + stalled) * MB + 100 * MB, 'memory');
  (await runLoad(app, { connections: 8, until: 200 })).assertAllAsExpected(app.server.logs.tail());
  await app.server.stop();
});
