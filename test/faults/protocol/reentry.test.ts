// P07: workers that need their own pool while they run a request, all of them at once, get an answer and no deadlock.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIVE, SDK_JSON, type WorkerKind } from '../../e2e/kinds.ts';
import { freePort } from '../../helpers/free-port.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { type Answer, ask } from '../../helpers/request.ts';
import { within } from '../../helpers/wait-for.ts';
import { pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

const QUEUE_TIMEOUT_MS = 1000;
/** What a loaded machine may add to a time limit. */
const SLACK_MS = 1500;
const ROUNDS = pick(1, 20);

/** Requests at once; with more of them than workers, the inner ones wait behind outer ones. */
const CROWDS = [WORKERS, 10 * WORKERS];

/** A path that makes its worker ask its own server for another one. */
function outer(app: StandardApp, inner: string, method: string): string {
  return `/ask-own-server?method=${method}&url=${encodeURIComponent(`${app.url}${inner}`)}`;
}

/** The pool serves, with the workers it had. */
async function expectWhole(app: StandardApp): Promise<void> {
  await app.whole();
  assert.equal((await app.pool()).queue, 0);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(app, `/echo?hello=n${i}`)));
  assert.deepEqual(
    answers.map(({ text }) => text),
    answers.map((_, i) => `N${i}`),
  );
}

const kinds: readonly WorkerKind[] = [NATIVE, SDK_JSON];

describe('P07 a worker asks its own pool', { concurrency: 1 }, () => {
  for (const kind of kinds) {
    for (const method of ['GET', 'POST']) {
      test(`P07 over HTTP, from every worker at once: ${method}, ${kind.name}`, async (t) => {
        const config = { http: { pool: { queue_timeout: `${QUEUE_TIMEOUT_MS}ms` } } };
        const app = await startStandard(t, { kind, config });
        if (app === undefined) return;
        const before = app.workers().map(({ pid }) => pid);
        const counts = { requests: 0, innerRefused: 0, innerAnswered: 0, outerRefused: 0, slowestMs: 0 };
        for (let round = 0; round < ROUNDS; round++) {
          // Quick workers hold requests ahead: the inner one may stand behind the outer one that waits for it.
          await Promise.all(Array.from({ length: 40 }, () => ask(app, '/echo?hello=warm')));
          for (const crowd of CROWDS) {
            const all = Array.from({ length: crowd }, () => ask(app, outer(app, '/echo?hello=in', method), { method }));
            const answers = await within(Promise.all(all), 20_000, 'the answers');
            count(answers, counts);
          }
        }
        report(t, { kind: kind.name, method, ...counts }, { requests: ROUNDS * 44, innerRefused: 1 });
        // An outer request that waits for its own turn, then an inner one that does.
        assert.ok(counts.slowestMs <= 2 * QUEUE_TIMEOUT_MS + SLACK_MS, `the slowest took ${counts.slowestMs} ms`);
        await expectWhole(app);
        assert.deepEqual(new Set(app.workers().map(({ pid }) => pid)), new Set(before), 'no worker was replaced');
        await app.server.stop();
      });
    }

    test(`P07 over RPC, the reset of its own pool from every worker at once: ${kind.name}`, async (t) => {
      const config = { rpc: { listen: `tcp://127.0.0.1:${await freePort()}` } };
      const app = await startStandard(t, { kind, config });
      if (app === undefined) return;
      await app.server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
      let resets = 0;
      let slowestMs = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const before = app.workers().map(({ pid }) => pid);
        const all = Array.from({ length: WORKERS }, () => ask(app, '/reset-own-pool'));
        const answers: Answer[] = await within(Promise.all(all), 20_000, 'the answers');
        for (const { status, text, ms } of answers) {
          assert.equal(status, 200, text);
          assert.match(text, /^\d+ true$/);
          resets++;
          slowestMs = Math.max(slowestMs, ms);
        }
        await expectWhole(app);
        const after = app.workers().map(({ pid }) => pid);
        assert.ok(!after.some((pid) => before.includes(pid)), 'every worker is a new one');
      }
      report(t, { kind: kind.name, resets, slowestMs }, { resets: ROUNDS * WORKERS });
      await app.server.stop();
    });
  }
});

/** Every outer request ends with its answer, which tells how the inner one ended, or is refused while it waits. */
function count(
  answers: readonly Answer[],
  counts: { requests: number; innerRefused: number; innerAnswered: number; outerRefused: number; slowestMs: number },
): void {
  for (const { status, text, ms } of answers) {
    counts.requests++;
    counts.slowestMs = Math.max(counts.slowestMs, ms);
    if (status === 503) counts.outerRefused++;
    else if (status === 200 && text.startsWith('503 ')) counts.innerRefused++;
    else if (status === 200 && text === '201 IN') counts.innerAnswered++;
    else assert.fail(`${status} ${text}`);
  }
}
