// Memory, noise and bursts: leaking workers are replaced between requests, floods of output hurt nobody, the pool breathes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import { ask } from '../../helpers/request.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { lookAllTheTime } from '../rig/look.ts';
import { look, lookable } from '../rig/probe.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard } from '../rig/standard-app.ts';

const MIB = 1 << 20;

/** Looks again and again until the function is called; gives the highest number seen. */
function highest(look: () => number | Promise<number>): () => Promise<number> {
  let most = 0;
  const stop = lookAllTheTime(async () => {
    most = Math.max(most, await look());
  });
  return () => stop().then(() => most);
}

/** The largest resident set of the workers that live, in bytes. */
function largestWorker(app: StandardApp): number {
  return Math.max(0, ...app.workers().map(({ pid }) => residentBytes(pid)));
}

function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has just ended
  }
}

describe('memory, noise and bursts', () => {
  for (const kind of [SDK_JSON, NATIVE]) {
    test(`R13 5 MB leak with each request, max_worker_memory: 100: replaced after the answer: ${kind.name}`, async (t) => {
      const [limit, leak, requests] = [100, 5, pick(200, 2_000)];
      const config = { http: { pool: { supervisor: { max_worker_memory: limit } } } };
      const app = await startStandard(t, { kind, config });
      if (app === undefined) return;
      const stop = highest(() => largestWorker(app));
      const make = () => ({ method: 'POST', path: `/do/leak/${leak * MIB}` }) as const;
      const result = await runLoad(app, { connections: 8, until: requests, make });
      const largestMiB = (await stop()) / MIB;
      const workers = new Set(app.executions().map(({ pid }) => pid)).size;
      const facts = { kind: kind.name, ...result.facts(), leakedMiB: leak * requests, workers, largestMiB };
      report(t, facts, { requests, workers: (leak * requests) / (limit * 1.5) });
      result.assertAllAsExpected(app.server.logs.tail());
      assert.equal(app.executions().length, requests, 'each ran once');
      // It serves on until its successor is ready, up to a quarter more: docs/config.md.
      atMost(largestMiB, limit * 1.25 + 2 * leak, 'MiB of the largest worker');
      await app.whole();
      await app.server.stop();
    });

    test(`R16 floods of output in one request: answers whole, others served, memory bounded: ${kind.name}`, async (t) => {
      const dir = makeTempDir('noise');
      t.after(() => dir.remove());
      const app = await startStandard(t, { kind, environment: lookable(dir.file('report.json')) });
      if (app === undefined) return;
      const quiet = await runLoad(app, { connections: 4, until: 500 });
      const before = await look(app, dir.file('report.json'));
      const stop = highest(() => app.masterBytes());
      const enough = new AbortController();
      const others = runLoad(app, { connections: 2, until: () => true, signal: enough.signal });
      const flood = pick(20, 100) * MIB;
      for (const noise of [`echo/${10 * MIB}`, 'warn/5000', `stderr/${flood}`]) {
        const answer = await ask(app, `/do/${noise}`, { method: 'POST', headers: { 'x-id': 'noisy' }, body: 'quiet' });
        assert.equal(answer.status, 200, noise);
        assert.match(answer.text, /^noisy \d+ [0-9a-f]{64}$/, noise);
      }
      const size = 10 * MIB;
      const big = await ask(app, `/do/big/${size}`, { method: 'POST' });
      const expected = createHash('sha256')
        .update('0123456789abcdef'.repeat(size / 16))
        .digest('hex');
      assert.equal(createHash('sha256').update(big.text).digest('hex'), expected);
      enough.abort();
      const loud = await others;
      const peakMiB = ((await stop()) - before.rss) / MIB;
      const after = await look(app, dir.file('report.json'));
      const [grownMiB, heapMiB] = [(after.rss - before.rss) / MIB, (after.heapUsed - before.heapUsed) / MIB];
      const printed = app.server.logs.all(({ text }) => text.includes('noise noise noise')).length;
      const facts = { kind: kind.name, floodMiB: flood / MIB, others: loud.begun, linesLogged: printed };
      const memory = { peakMiB, grownMiB, heapMiB };
      const p99 = `${quiet.percentile(0.99).toFixed(1)} then ${loud.percentile(0.99).toFixed(1)} ms`;
      report(t, { ...facts, ...memory, p99 }, { others: 50, linesLogged: 1 });
      loud.assertAllAsExpected(app.server.logs.tail());
      // The answer of 10 MiB is held until it is sent, more than once on its way; what is not collected yet comes on top.
      atMost(peakMiB, 100, 'MiB that the master grew for a moment');
      atMost(grownMiB, 48, 'MiB that its allocator kept');
      atMost(heapMiB, 8, 'MiB that it holds');
      await app.server.stop();
      assert.match(app.server.logs.text(), /the rest was dropped|log lines were dropped/);
    });
  }

  test('R26 a burst on num_workers: 2, max_workers: 20: it grows step by step, and shrinks again', async (t) => {
    const [least, most, rate, idleS] = [2, pick(8, 20), 5, 2];
    const dynamic = { spawn_rate: rate, idle_timeout: `${idleS}s`, queue_time: '20ms' };
    const pool = {
      num_workers: least,
      max_workers: most,
      max_queue_size: 0,
      queue_timeout: '30s',
      dynamic_allocator: dynamic,
    };
    const app = await startStandard(t, { kind: SDK_JSON, config: { http: { pool } } });
    if (app === undefined) return;
    const stop = highest(() => app.workers().length);
    const ms = ((most - least) / rate) * 1000 + pick(4_000, 10_000);
    const until = (progress: { ms: number }) => progress.ms < ms;
    const result = await runLoad(app, {
      connections: 60,
      until,
      make: () => ({ method: 'POST', path: '/do/sleep/100' }),
    });
    const peak = await stop();
    const begin = performance.now();
    const limitMs = idleS * 1000 + ((most - least) / rate) * 1000 + pick(10_000, 2000);
    await eventually(() => app.workers().length === least, `${least} workers again`, limitMs + 20_000);
    const backMs = performance.now() - begin;
    report(t, { ...result.facts(), peak, backMs }, { requests: 100, peak: Math.min(most, least + 3) });
    result.assertAllAsExpected(app.server.logs.tail());
    atMost(peak, most, 'workers at most');
    atMost(backMs, limitMs, 'milliseconds until only the least number was left');
    await app.whole(least);
    await app.server.stop();
  });
});
