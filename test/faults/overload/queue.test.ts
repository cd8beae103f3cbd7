// More requests than the workers can do: the excess is refused soon and politely, the rest goes on at full rate.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import { RawClient } from '../../helpers/raw-http.ts';
import { ask } from '../../helpers/request.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { type LoadAnswer, type LoadResult, runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';
import { type CrowdAnswer, runCrowd } from './crowd.ts';

const MB = 1024 * 1024;
const QUEUE = 100;
/** Then a flood has filled the queue. */
const SETTLED_MS = 1000;
/** Part of the possible rate. On cores that others use the clients of the crowd take what the workers need, so the short form only looks whether they work. */
const LEAST_GOODPUT = pick(0, 0.9);
/** Part of the looks at which all workers had a request, as they shall while a hundred wait. */
const LEAST_BUSY = 0.75;

/** Part of the answers that shall be quick again; in the short form a single slow one tells of the machine. */
const RECOVERED = pick(0.5, 0.99);

/** Clients that shall come and be refused while the crowd is there. */
const LEAST_NEWCOMERS = pick(10, 200);

/** Answers with 503, and what each of them must have. */
class Refusals {
  readonly latencies: number[] = [];
  withoutRetryAfter = 0;

  readonly note = ({ status, headers, ms }: LoadAnswer): void => {
    if (status === 503) this.add(ms, /^\d+$/.test(String(headers['retry-after'])));
  };

  readonly noteRaw = ({ status, text, ms }: CrowdAnswer): void => {
    if (status === 503) this.add(ms, /\r\nRetry-After: \d+\r\n/.test(text));
  };

  add(ms: number, saysWhen: boolean): void {
    this.latencies.push(ms);
    if (!saysWhen) this.withoutRetryAfter++;
  }

  get slowest(): number {
    return this.latencies.reduce((most, ms) => Math.max(most, ms), 0);
  }
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** What 1,000 clients that come back at once got, beside new clients that ask only once. */
async function flood(app: StandardApp, ms: number) {
  const { server } = app;
  const busy = { looks: 0, all: 0 };
  const refusals = new Refusals();
  const newcomers: number[] = [];
  const served: CrowdAnswer[] = [];
  const statuses = new Map<number, number>();
  let notOwn = 0;
  let over = false;
  const come = (async () => {
    await pause(SETTLED_MS);
    while (!over) {
      const client = await RawClient.connect(server.port);
      const begin = performance.now();
      client.send('GET /do HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
      if ((await client.response()).status === 503) newcomers.push(performance.now() - begin);
      client.destroy();
      if (new RegExp(`^rr_http_workers_working ${WORKERS}$`, 'm').test(await app.metrics())) busy.all++;
      busy.looks++;
      await pause(25);
    }
  })();
  const more = () => newcomers.length < LEAST_NEWCOMERS;
  const onAnswer = (answer: CrowdAnswer) => {
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    if (!answer.own) notOwn++;
    if (answer.status === 200 && answer.at >= SETTLED_MS && answer.at < ms) served.push(answer);
    refusals.noteRaw(answer);
  };
  const result = await runCrowd({ port: server.port, clients: 1000, path: '/do/sleep/100', ms, more, onAnswer });
  over = true;
  await come;
  return { result, refusals, newcomers, statuses, notOwn, served, busy };
}

function assertOnly(result: LoadResult, ...statuses: number[]): void {
  result.assertNoMixUp();
  const others = [...result.statuses.keys(), ...result.errors.keys()].filter((key) => !statuses.includes(Number(key)));
  assert.deepEqual(others, [], `nothing but ${statuses.join(' and ')}: ${JSON.stringify(result.facts())}`);
}

for (const kind of [NATIVE, SDK_JSON]) {
  test(`O01 1,000 connections, 4 workers of 100 ms, a queue of ${QUEUE}: ${kind.name}`, async (t) => {
    const app = await startStandard(t, {
      kind,
      // Whoever has a place gets a worker, however slow the machine is.
      config: { http: { pool: { max_queue_size: QUEUE, queue_timeout: '60s' } } },
    });
    if (app === undefined) return;
    const wanted = () => ({ path: '/do/sleep/100' });
    // What the same workers do on this machine now, when nobody is refused.
    const alone = await runLoad(app, { connections: 12, until: ({ ms }) => ms < pick(2000, 5000), make: wanted });
    alone.assertAllAsExpected();
    const before = app.masterBytes();
    const ms = pick(5000, 30_000);
    const { result, refusals, newcomers, statuses, notOwn, served, busy } = await flood(app, ms);
    const peak = app.masterBytes();
    const again = await runLoad(app, { connections: 12, until: (progress) => progress.ms < 1500, make: wanted });
    const possible = Math.min(WORKERS * 10, alone.rate, again.rate);
    const goodput = (served.length * 1000) / (ms - SETTLED_MS);
    const waits = served.map((answer) => answer.ms);
    const acceptedP99 = percentile(waits, 0.99);
    const after = await eventually(
      () => {
        const bytes = app.masterBytes();
        return bytes - before < 50 * MB ? bytes : undefined;
      },
      'memory within 50 MB of what it was',
      pick(10_000, 30_000),
    );
    report(
      t,
      {
        kind: kind.name,
        requests: result.requests,
        seconds: result.ms / 1000,
        refused: refusals.latencies.length,
        goodput: `${goodput.toFixed(1)}/s of ${possible.toFixed(1)}/s`,
        allBusy: `${busy.all} of ${busy.looks} looks`,
        acceptedP99: `${Math.round(acceptedP99)} ms`,
        newcomers: newcomers.length,
        theirRefusal: `p50 ${Math.round(percentile(newcomers, 0.5))} p99 ${Math.round(percentile(newcomers, 0.99))} ms`,
        memory: `${((peak - before) / MB).toFixed(0)} MB more, then ${((after - before) / MB).toFixed(0)}`,
      },
      { requests: pick(3000, 20_000), refused: pick(2000, 15_000), newcomers: LEAST_NEWCOMERS },
    );
    assert.deepEqual([...statuses.keys()].sort(), [200, 503]);
    assert.deepEqual([result.broken, notOwn], [0, 0], 'broken connections, answers of others');
    assert.equal(refusals.withoutRetryAfter, 0, 'every 503 has Retry-After');
    // It waits for its turn to be read behind a thousand others, as long as that takes on this machine, and not behind those in the queue.
    const soon = Math.max(100, 2 * percentile(refusals.latencies, 0.5));
    atMost(percentile(newcomers, 0.5), soon, 'refusal of somebody who asks for the first time, median');
    atMost(
      percentile(refusals.latencies, 0.5),
      percentile(waits, 0.5),
      'refusal, by the wait of those who are served, medians',
    );
    assert.ok(busy.all >= LEAST_BUSY * busy.looks, `all workers worked at ${busy.all} of ${busy.looks} looks`);
    assert.ok(goodput >= LEAST_GOODPUT * possible, `${goodput.toFixed(1)}/s of ${possible.toFixed(1)}/s`);
    // A full queue and the request itself, at the rate that was had, which on shared cores comes and goes, and time for the machine.
    atMost(acceptedP99, (QUEUE / goodput) * 1000 * pick(1.5, 1) + 1500, 'accepted requests, p99');
    assert.equal((await app.pool()).queue, 0);
    await app.server.stop();
  });
}

test('O02 queue_timeout 1 s: 503 after 1.0 to 1.2 s', async (t) => {
  const app = await startStandard(t, { kind: NATIVE, config: { http: { pool: { queue_timeout: '1s' } } } });
  if (app === undefined) return;
  const busy = runLoad(app, {
    connections: WORKERS,
    until: WORKERS,
    make: () => ({ path: '/do/sleep/4000' }),
    prefix: 'b',
  });
  await eventually(() => app.executions().length === WORKERS, 'all workers to be busy');
  const refusals = new Refusals();
  const count = pick(50, 300);
  const result = await runLoad(app, { connections: count, until: count, onAnswer: refusals.note });
  (await busy).assertAllAsExpected();
  const earliest = percentile(refusals.latencies, 0);
  report(
    t,
    {
      ...result.facts(),
      refused: refusals.latencies.length,
      after: `${Math.round(earliest)} to ${Math.round(refusals.slowest)} ms`,
    },
    { refused: count },
  );
  assertOnly(result, 503);
  assert.equal(refusals.withoutRetryAfter, 0);
  assert.ok(earliest >= 990, `${earliest} ms`);
  atMost(percentile(refusals.latencies, 0.25), pick(1500, 1250), 'the first quarter');
  // They come all at once, and the last of them is read and answered when its turn comes.
  atMost(refusals.slowest, pick(3000, 1700), 'the slowest, on a machine that others use');
  assert.equal(app.executions().length, WORKERS, 'PHP saw none of them');
  await app.server.stop();
});

test('O03 500 clients wait, then leave: none of their requests reaches PHP', async (t) => {
  const app = await startStandard(t, { kind: NATIVE, config: { http: { pool: { max_queue_size: 1000 } } } });
  if (app === undefined) return;
  const busy = runLoad(app, {
    connections: WORKERS,
    until: WORKERS,
    make: () => ({ path: '/do/sleep/3000' }),
    prefix: 'b',
  });
  await eventually(() => app.executions().length === WORKERS, 'all workers to be busy');
  const clients = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(app.server.port)));
  for (const [index, client] of clients.entries())
    client.send(`GET /do HTTP/1.1\r\nHost: h\r\nX-Id: left${index}\r\n\r\n`);
  await eventually(async () => (await app.pool()).queue === 500, '500 requests in the queue');
  for (const client of clients) client.destroy();
  await eventually(async () => (await app.pool()).queue === 0, 'an empty queue');
  (await busy).assertAllAsExpected();
  assert.equal((await ask(app, '/do')).status, 200);
  const executed = app.executions().length;
  report(t, { clients: clients.length, executions: executed }, { clients: 500 });
  assert.equal(executed, WORKERS + 1);
  await app.server.stop();
});

test('O04 clients leave while PHP runs: each request runs once, and the workers stay', async (t) => {
  const app = await startStandard(t, { kind: NATIVE });
  if (app === undefined) return;
  const pids = app.workers().map(({ pid }) => pid);
  const rounds = pick(10, 50);
  for (let round = 0; round < rounds; round++) {
    const clients = await Promise.all(Array.from({ length: WORKERS }, () => RawClient.connect(app.server.port)));
    for (const [index, client] of clients.entries()) {
      const method = index % 2 === 0 ? 'GET' : 'DELETE';
      client.send(`${method} /do/sleep/60 HTTP/1.1\r\nHost: h\r\nX-Id: ${round}-${index}\r\n\r\n`);
    }
    await eventually(() => app.executions().length === (round + 1) * WORKERS, 'all of them to begin');
    for (const client of clients) client.destroy();
  }
  const result = await runLoad(app, { connections: WORKERS, until: 200, prefix: 'after' });
  const counts = [...app.executionCounts()].filter(([id]) => !id.startsWith('after'));
  report(t, { left: counts.length, ...result.facts() }, { left: rounds * WORKERS, requests: 200 });
  result.assertAllAsExpected(app.server.logs.tail());
  assert.deepEqual(
    counts.filter(([, count]) => count !== 1),
    [],
    'each ran once',
  );
  assert.deepEqual(
    app.workers().map(({ pid }) => pid),
    pids,
    'the same workers',
  );
  await app.server.stop();
});

test('O05 three times as many clients as there are places, then quiet: it recovers within 2 s', async (t) => {
  const pool = { max_queue_size: QUEUE, queue_timeout: '1s' };
  const app = await startStandard(t, { kind: NATIVE, config: { http: { pool } } });
  if (app === undefined) return;
  const make = () => ({ path: '/do/sleep/20' });
  const quiet = await runLoad(app, { connections: 2, until: 100, make });
  const before = app.masterBytes();
  const refusals = new Refusals();
  const storm = await runLoad(app, {
    connections: 3 * (WORKERS + QUEUE),
    until: ({ ms }) => ms < pick(6000, 60_000),
    make,
    onAnswer: refusals.note,
  });
  const endedAt = performance.now();
  const bound = 2 * quiet.percentile(RECOVERED) + 30;
  const recovered = await eventually(
    async () => {
      const probe = await runLoad(app, { connections: 2, until: 40, make, prefix: 'probe' });
      probe.assertAllAsExpected();
      return probe.percentile(RECOVERED) <= bound ? probe : undefined;
    },
    `answers below ${Math.round(bound)} ms again`,
    20_000,
  );
  const recovery = performance.now() - endedAt - recovered.ms;
  const grown = app.masterBytes() - before;
  report(
    t,
    {
      ...storm.facts(),
      refused: refusals.latencies.length,
      quietP99: `${quiet.percentile(0.99).toFixed(0)} ms`,
      recovery: `${Math.max(0, recovery).toFixed(0)} ms`,
      memory: `${(grown / MB).toFixed(0)} MB`,
    },
    { requests: pick(1500, 20_000), refused: pick(500, 5000) },
  );
  assertOnly(storm, 200, 503);
  assert.equal(refusals.withoutRetryAfter, 0);
  atMost(recovery, 2000, 'recovery in ms');
  atMost(grown, 50 * MB, 'memory');
  await app.server.stop();
});
