// Thousands of restarts leave nothing behind in the master: no descriptor, no timer, no listener, no memory.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import { isAlive, kill } from '../../helpers/processes.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, LONG, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { type Holdings, look, lookable } from '../rig/probe.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

const RESTARTS = pick(80, 2_000);
/** Restarts before the first look: caches fill, code is compiled. */
const WARM_UP = pick(40, 400);
const SLOPE_LIMIT = 10 * 1024;

/** Kills all workers, again and again, each time when four have shown that they serve. */
async function restart(app: StandardApp, times: number): Promise<void> {
  for (let done = 0; done < times; done += WORKERS) {
    const old = await eventually(() => servingPids(app), 'four workers that serve', 20_000);
    for (const pid of old) kill(pid, 'SIGKILL');
    // A request to one that is doomed and not dead yet would lose its worker, and with bad luck the next one too.
    await eventually(() => !old.some(isAlive), 'the end of the old ones', 20_000);
  }
  await eventually(() => servingPids(app), 'four workers that serve', 20_000);
}

/** The pids that answer four requests at once; undefined when those are not four. /metrics is left alone: it is not on trial here. */
async function servingPids(app: StandardApp): Promise<number[] | undefined> {
  const answers = await runPids(app);
  const pids = [...new Set(answers)];
  return pids.length === WORKERS ? pids : undefined;
}

async function runPids(app: StandardApp): Promise<number[]> {
  const pids: number[] = [];
  const onAnswer = ({ text }: { text: string }) => pids.push(Number(text.split(' ')[1]));
  const make = () => ({ path: '/do/sleep/5' });
  const result = await runLoad(app, { connections: WORKERS, until: WORKERS, make, onAnswer });
  result.assertAllAsExpected(app.server.logs.tail());
  return pids;
}

/** What must stay the same. Requests and immediates come and go. */
function steady({ resources, listeners }: Holdings): object {
  const { Timeout, PipeWrap, TCPServerWrap, ProcessWrap } = resources;
  return { Timeout, PipeWrap, TCPServerWrap, ProcessWrap, listeners };
}

describe('restarts leave nothing behind', { concurrency: 1 }, () => {
  for (const kind of [SDK_JSON, NATIVE]) {
    test(`R22 ${RESTARTS} restarts: descriptors, timers, listeners and memory stay: ${kind.name}`, async (t) => {
      const dir = makeTempDir('leaks');
      t.after(() => dir.remove());
      const file = dir.file('report.json');
      const app = await startStandard(t, { kind, environment: lookable(file), config: { logs: { level: 'error' } } });
      if (app === undefined) return;
      await restart(app, WARM_UP);
      const before = await look(app, file);
      const begin = performance.now();
      await restart(app, RESTARTS);
      const seconds = (performance.now() - begin) / 1000;
      const after = await look(app, file);
      const heapSlope = (after.heapUsed - before.heapUsed) / RESTARTS;
      const rssSlope = (after.rss - before.rss) / RESTARTS;
      const facts = { kind: kind.name, restarts: RESTARTS, seconds, heapSlope, rssSlope };
      const descriptors = after.descriptors - before.descriptors;
      report(t, { ...facts, descriptors: `${before.descriptors} then ${after.descriptors}` }, { restarts: RESTARTS });
      assert.deepEqual(steady(after), steady(before));
      atMost(Math.abs(descriptors), 5, 'descriptors more or less');
      atMost(heapSlope, SLOPE_LIMIT, 'bytes of heap for each restart');
      // What the allocator keeps is shared out among few restarts in the short form.
      atMost(rssSlope, LONG ? SLOPE_LIMIT : 20 * SLOPE_LIMIT, 'bytes of resident memory for each restart');
      await app.server.stop();
    });
  }
});
