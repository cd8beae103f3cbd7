// max_jobs under load: nobody notices that workers come and go, and the slow end of the answers stays where it was.

import { describe, test } from 'node:test';
import { NATIVE, SDK_JSON, type WorkerKind } from '../../e2e/kinds.ts';
import { atMost, LONG, pick } from '../rig/length.ts';
import { type LoadResult, runLoad } from '../rig/load.ts';
import { lookAllTheTime } from '../rig/look.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

const REQUESTS = pick(2_000, 20_000);
const CONNECTIONS = 32;
const MAX_JOBS = 50;
/** On a machine that others use too, a short run can only show that nothing is badly wrong. */
const P99_RATIO = pick(3, 1.5);

/** The fewest workers that served at any moment, looked at every 20 ms, until the function is called. */
function watchServing(app: StandardApp): () => Promise<{ fewest: number; looks: number }> {
  const seen = { fewest: WORKERS, looks: 0 };
  const stop = lookAllTheTime(async () => {
    seen.fewest = Math.min(seen.fewest, (await app.pool()).serving);
    seen.looks++;
  });
  return () => stop().then(() => seen);
}

async function loadOf(app: StandardApp, part: number): Promise<LoadResult> {
  const make = () => ({ path: '/do/sleep/5' });
  const result = await runLoad(app, { connections: CONNECTIONS, until: REQUESTS * part, make });
  result.assertAllAsExpected(app.server.logs.tail());
  return result;
}

/** Half of the comparison before and half after it, so that what else goes on touches both alike. */
async function compare(plain: StandardApp, recycled: StandardApp) {
  const before = await loadOf(plain, 0.5);
  const stopWatching = watchServing(recycled);
  const result = await loadOf(recycled, 1);
  const { fewest, looks } = await stopWatching();
  const after = await loadOf(plain, 0.5);
  const baseline = (before.percentile(0.99) + after.percentile(0.99)) / 2;
  return { result, baseline, ratio: result.percentile(0.99) / baseline, fewest, looks };
}

function startWith(kind: WorkerKind, maxJobs: number) {
  return { kind, config: { http: { pool: { max_jobs: maxJobs } } } };
}

describe('max_jobs under load', () => {
  for (const kind of [SDK_JSON, NATIVE]) {
    test(`R12 max_jobs: 50 over ${REQUESTS} requests: no error, never less than 3 workers, p99 kept: ${kind.name}`, async (t) => {
      const plain = await startStandard(t, startWith(kind, 0));
      const recycled = await startStandard(t, startWith(kind, MAX_JOBS));
      if (plain === undefined || recycled === undefined) return;
      // A worn worker serves on until its successor is ready, so there are fewer workers than requests by max_jobs.
      let { result, baseline, ratio, fewest, looks } = await compare(plain, recycled);
      // A cost of recycling shows each time, what others on the machine do does not.
      for (let again = 0; again < 2 && ratio > P99_RATIO && fewest >= WORKERS - 1; again++) {
        ({ result, baseline, ratio, fewest, looks } = await compare(plain, recycled));
      }
      const workers = new Set(recycled.executions().map(({ pid }) => pid)).size;
      const facts = { kind: kind.name, ...result.facts(), workers, fewestServing: fewest, looks };
      report(
        t,
        { ...facts, p99Without: `${baseline.toFixed(1)} ms`, p99Ratio: ratio.toFixed(2) },
        { requests: REQUESTS, workers: Math.floor((REQUESTS / MAX_JOBS) * 0.5), looks: 20 },
      );
      if (fewest < WORKERS - 1) throw new Error(`only ${fewest} workers served at one moment`);
      atMost(ratio, P99_RATIO, `p99 with max_jobs by p99 without${LONG ? '' : ', short form'}`);
      await recycled.server.stop();
      await plain.server.stop();
    });
  }
});
