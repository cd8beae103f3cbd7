// Workers are killed with SIGKILL under load: no GET is lost, no POST runs twice, and nobody gets another's answer.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import { killRegularly } from '../rig/killer.ts';
import { atMost, pick } from '../rig/length.ts';
import { type LoadOptions, runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

/** The short form runs beside others, which take a booting worker its time. A kill comes with every second look at most. */
const LOOK_EVERY_MS = pick(100, 50);
const KILL_EVERY_MS = 2 * LOOK_EVERY_MS;
const CONNECTIONS = 32;
const MS = pick(3_000, 30_000);
const KILLS = pick(10, 250);
const GETS = pick(800, 20_000);
const POSTS = pick(500, 5_000);
const LONGEST_MS = pick(90_000, 180_000);
/** Longest back-off of a crash loop, and a boot: on a busy machine most kills hit a worker that boots, which counts as a failed boot. */
const WHOLE_MS = pick(40_000, 1_000);
/** The killer waits for the requests that were hit: only so many kills a second can be made up for. A request waits for that as long as it takes. */
const CONFIG = { http: { pool: { queue_timeout: '60s' } } };

/**
 * Loads for the time, and until there were enough requests and kills. A request that lost two workers is not tried again: that none is lost is promised
 * only for those that are hit once, so the next kill waits until all that were under way at the last one are answered.
 */
async function loadAndKill(app: StandardApp, make: NonNullable<LoadOptions['make']>, least: number) {
  const underWay = new Set<number>();
  const hit = new Set<number>();
  let [tries, isSettled] = [0, true];
  const mayKill = () => {
    // One look later the master has seen the death, and nothing new is sent to who is dead.
    if (!isSettled) for (const index of underWay) hit.add(index);
    const may = isSettled && hit.size === 0;
    isSettled = !may;
    if (may) tries++;
    return may;
  };
  const stop = killRegularly(app, LOOK_EVERY_MS, { mayKill });
  const until = ({ begun, ms }: { begun: number; ms: number }) =>
    ms < MS || ((begun < least || tries < KILLS + 2) && ms < LONGEST_MS);
  const result = await runLoad(app, {
    connections: CONNECTIONS,
    until,
    make: (index) => {
      underWay.add(index);
      return make(index);
    },
    onAnswer: ({ index }) => {
      underWay.delete(index);
      hit.delete(index);
    },
  });
  const kills = await stop();
  const wholeMs = await app.whole(WORKERS, WHOLE_MS + 20_000);
  const failedBoots = app.server.logs.all(({ facts }) => facts['retryInMs'] !== undefined).length;
  return { result, kills, wholeMs, failedBoots };
}

describe('kill -9 of workers under load', () => {
  for (const kind of [SDK_JSON, NATIVE]) {
    test(`R01 a random worker every ${KILL_EVERY_MS} ms under GETs, none fails: ${kind.name}`, async (t) => {
      const app = await startStandard(t, { kind, config: CONFIG });
      if (app === undefined) return;
      const { result, kills, wholeMs, failedBoots } = await loadAndKill(app, () => ({ path: '/do/sleep/2' }), GETS);
      report(t, { kind: kind.name, ...result.facts(), kills, failedBoots, wholeMs }, { requests: GETS, kills: KILLS });
      result.assertNoMixUp();
      result.assertAllAsExpected(app.server.logs.tail());
      atMost(wholeMs, WHOLE_MS, 'milliseconds until all workers served again');
      await app.server.stop();
    });

    test(`R02 the same under POSTs, a killed one is a single 502 and none runs twice: ${kind.name}`, async (t) => {
      const app = await startStandard(t, { kind, config: CONFIG });
      if (app === undefined) return;
      const make = (index: number) => ({ method: 'POST', path: '/do/sleep/5', body: `body ${index % 50}` }) as const;
      const { result, kills, wholeMs, failedBoots } = await loadAndKill(app, make, POSTS);
      const counts = app.executionCounts();
      const lost = result.count(502);
      report(
        t,
        { kind: kind.name, ...result.facts(), kills, executed: counts.size, failedBoots, wholeMs },
        { requests: POSTS, kills: KILLS },
      );
      result.assertNoMixUp();
      assert.equal(result.count(200) + lost, result.begun, 'nothing but 200 and 502');
      atMost(lost, kills, 'lost requests');
      assert.deepEqual([...counts].filter(([, count]) => count > 1).slice(0, 10), [], 'ids that ran more than once');
      atMost(wholeMs, WHOLE_MS, 'milliseconds until all workers served again');
      for (const id of result.served) assert.ok(counts.has(id), `${id} was answered and never ran`);
      await app.server.stop();
    });
  }

  for (const kind of [SDK_JSON, NATIVE]) {
    test(`R11 a poison URL, 1 in 50: 502 for it, 200 for every other request: ${kind.name}`, async (t) => {
      const app = await startStandard(t, { kind, config: CONFIG });
      if (app === undefined) return;
      const poison = (index: number) => index % 50 === 25;
      const make = (index: number) =>
        poison(index) ? { path: '/do/kill/KILL', expect: 502 } : { path: '/do/sleep/1' };
      const result = await runLoad(app, { connections: CONNECTIONS, until: pick(1_000, 10_000), make });
      const wholeMs = await app.whole();
      const counts = app.executionCounts();
      const deaths = Array.from({ length: result.begun }, (_, index) => index)
        .filter(poison)
        .map((index) => counts.get(`r${index}`) ?? 0);
      const killed = deaths.reduce((sum, count) => sum + count, 0);
      const facts = { kind: kind.name, ...result.facts(), poison: deaths.length, killed, wholeMs };
      report(t, facts, { requests: 1_000, killed: 40 });
      result.assertAllAsExpected(app.server.logs.tail());
      // A native worker may begin a request that was sent ahead while the order to give it back is on its way.
      atMost(Math.max(...deaths), kind === NATIVE ? 3 : 2, 'workers that one poison request killed');
      atMost(killed, 2.5 * deaths.length, 'workers that were killed');
      await app.server.stop();
    });
  }
});
