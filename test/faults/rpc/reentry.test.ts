// P07: every worker of a pool makes an RPC call whose method needs the same pool: an error by the deadline, no deadlock, the pool whole.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIVE } from '../../e2e/kinds.ts';
import { ROOT } from '../../helpers/paths.ts';
import { type Answer, ask } from '../../helpers/request.ts';
import { within } from '../../helpers/wait-for.ts';
import { pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

const QUEUE_TIMEOUT_MS = 1000;
const DEADLINE_MS = 400;
/** What a loaded machine may add. */
const SLACK_MS = 2000;
const ROUNDS = pick(2, 40);
/** With more requests than workers, inner ones wait behind outer ones; quick workers hold some of them ahead. */
const CROWDS = [WORKERS, 10 * WORKERS];

function count(answers: readonly Answer[], counts: Record<string, number>): void {
  for (const { status, text, ms } of answers) {
    const what = status === 503 ? 'outerRefused' : text === 'ERR_RPC_TIMEOUT' ? 'late' : text.slice(0, 3);
    assert.ok(status === 503 || status === 200, `${status} ${text}`);
    assert.ok(['outerRefused', 'late', '503', '201'].includes(what), text);
    counts[what] = (counts[what] ?? 0) + 1;
    counts['slowestMs'] = Math.max(counts['slowestMs'] ?? 0, ms);
  }
}

async function expectWhole(app: StandardApp, before: ReadonlySet<number>): Promise<void> {
  await app.whole();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(app, `/echo?hello=n${i}`)));
  assert.deepEqual(
    answers.map(({ text }) => text),
    answers.map((_, i) => `N${i}`),
  );
  assert.equal((await app.pool()).queue, 0);
  assert.deepEqual(new Set(app.workers().map(({ pid }) => pid)), before, 'no worker was replaced');
  assert.match(await app.metrics(), /^rrts_rpc_calls_in_flight 0$/m);
}

describe('P07 RPC methods that need the pool of their caller', { concurrency: 1 }, () => {
  for (const deadlineMs of [DEADLINE_MS, 0]) {
    test(`P07 over RPC and back over HTTP, ${deadlineMs === 0 ? 'no deadline' : `deadline ${deadlineMs} ms`}`, async (t) => {
      const app = await startStandard(t, {
        kind: NATIVE,
        cwd: ROOT,
        config: {
          http: { pool: { queue_timeout: `${QUEUE_TIMEOUT_MS}ms` } },
          bridge: { modules: { waiting: { from: './test/faults/rpc/waiting-module.mjs', allow: ['askUrl'] } } },
        },
      });
      if (app === undefined) return;
      const before = new Set(app.workers().map(({ pid }) => pid));
      const counts: Record<string, number> = {};
      const outer = `/ask-by-rpc?ms=${deadlineMs}&url=${encodeURIComponent(`${app.url}/echo?hello=in`)}`;
      for (let round = 0; round < ROUNDS; round++) {
        await Promise.all(Array.from({ length: 40 }, () => ask(app, '/echo?hello=warm')));
        for (const crowd of CROWDS) {
          const all = Array.from({ length: crowd }, () => ask(app, outer));
          count(await within(Promise.all(all), 30_000, 'the answers'), counts);
        }
        // The inner requests of calls that were given up may still wait.
        await expectWhole(app, before);
      }
      const failed = (counts['late'] ?? 0) + (counts['503'] ?? 0);
      report(t, { ...counts, requests: ROUNDS * 44, failed }, { failed: 1 });
      const limit = QUEUE_TIMEOUT_MS + (deadlineMs || QUEUE_TIMEOUT_MS) + SLACK_MS;
      assert.ok((counts['slowestMs'] ?? 0) <= limit, `the slowest took ${counts['slowestMs']} ms`);
      await app.server.stop();
    });
  }
});
