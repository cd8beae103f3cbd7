// P06: deadlines, callers that go, ten thousand calls at once, workers that die before their replies: all answered or dropped, nothing kept.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { pick } from '../rig/length.ts';
import { look } from '../rig/probe.ts';
import { report } from '../rig/report.ts';
import { WORKERS } from '../rig/standard-app.ts';
import { moduleCall, post, readReplies, startDoors } from './doors.ts';

const DEADLINE_MS = 200;
const MANY = 10_000;
/** So long that the last of them begins before the first has ended. */
const AT_ONCE_MS = 3000;
const MEGABYTE = 1024 * 1024;

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

describe('P06 calls', { concurrency: 1 }, () => {
  test('P06 a deadline of 200 ms', async (t) => {
    const { app, doors, quiet } = await startDoors(t);
    for (const door of doors) {
      const took: number[] = [];
      for (let i = 0; i < pick(10, 200); i++) {
        const begin = performance.now();
        const [reply] = await door.send(moduleCall(7, 'never', [], DEADLINE_MS), 1);
        took.push(performance.now() - begin);
        assert.ok(reply?.error);
        assert.match(reply.text, /bridge\.Call was not answered within 200 ms/);
      }
      const facts = { door: door.name, calls: took.length, least: Math.min(...took), median: middle(took) };
      report(t, { ...facts, most: Math.max(...took) }, { calls: 10 });
      assert.ok(facts.least >= DEADLINE_MS - 1, `${facts.least} ms`);
      // With the way there and back, which for the worker is a request over HTTP and PHP in between.
      const more = door.name === 'listener' ? 60 : 150;
      assert.ok(facts.median <= DEADLINE_MS + more, `${facts.median} ms`);
    }
    await quiet();
    await app.server.stop();
  });

  test('P06 callers that go: their calls are given up, and what they held is let go', async (t) => {
    const { app, port, metric, quiet } = await startDoors(t);
    const counts = { rounds: 0, connections: 0, workers: 0 };
    for (let round = 0; round < pick(3, 50); round++) {
      const frames = Buffer.concat([
        ...Array.from({ length: 20 }, (_, i) => moduleCall(i + 1, 'makeThing', [])),
        ...Array.from({ length: 80 }, (_, i) => moduleCall(i + 21, 'never', [])),
      ]);
      const sockets = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
      for (const socket of sockets) socket.write(frames);
      await eventually(async () => (await metric('rrts_rpc_calls_in_flight')) === 5 * 80, 'the calls to be under way');
      assert.equal(await metric('rrts_bridge_objects'), 5 * 20);
      for (const socket of sockets) socket.resetAndDestroy();
      await quiet();
      assert.equal(await metric('rrts_bridge_objects'), 0);
      counts.connections += sockets.length;
      // A worker that has its 20 objects and dies with 80 calls under way.
      const died = await Promise.all(Array.from({ length: WORKERS }, () => post(app, '/drop/20', frames)));
      assert.deepEqual(new Set(died.map(({ status }) => status)), new Set([502]));
      await app.whole();
      await quiet();
      assert.equal(await metric('rrts_bridge_objects'), 0);
      counts.workers += WORKERS;
      counts.rounds++;
    }
    report(t, { ...counts, calls: counts.rounds * 9 * 100 }, { connections: 15, workers: 12 });
    await app.server.stop();
  });

  test('P06 ten thousand calls in flight, over connections and over one worker', async (t) => {
    const dir = makeTempDir('calls');
    t.after(() => dir.remove());
    const config = { rpc: { max_in_flight: MANY }, http: { pool: { num_workers: 1 } } };
    const { app, doors, metric, quiet } = await startDoors(t, config, dir.file('report'));
    const [listener, inBand] = doors;
    const peaks: number[] = [];
    const heaps: number[] = [];
    let answered = 0;
    for (let round = 0; round < pick(3, 20); round++) {
      const frames = (count: number): Buffer =>
        Buffer.concat(Array.from({ length: count }, (_, i) => moduleCall(i + 1, 'sleep', [AT_ONCE_MS])));
      const all =
        round % 2 === 0
          ? Array.from({ length: 10 }, () => listener.send(frames(MANY / 10), MANY / 10))
          : [inBand.send(frames(MANY), MANY)];
      let ended = false;
      const done = Promise.all(all).finally(() => {
        ended = true;
      });
      let peak = 0;
      while (!ended) {
        peak = Math.max(peak, (await metric('rrts_rpc_calls_in_flight')) || 0);
      }
      for (const replies of await done) {
        assert.equal(new Set(replies.map(({ sequence }) => sequence)).size, MANY / all.length);
        for (const { error, text } of replies) assert.ok(!error && text === String(AT_ONCE_MS), text);
        answered += replies.length;
      }
      peaks.push(peak);
      await quiet();
      heaps.push((await look(app, dir.file('report'))).heapUsed / MEGABYTE);
    }
    const slope = (heaps.at(-1) ?? 0) - (heaps[1] ?? 0);
    report(t, { answered, leastPeak: Math.min(...peaks), heapSlopeMb: slope }, { answered: 3 * MANY });
    assert.ok(Math.min(...peaks) > pick(0.5, 0.9) * MANY, `at once: ${peaks.join(', ')}`);
    assert.ok(slope < 5, `heap in MiB: ${heaps.map((heap) => heap.toFixed(1)).join(', ')}`);
    await app.server.stop();
  });

  test('P06 with 128 at a time all ten thousand are answered too', async (t) => {
    const { app, doors, quiet } = await startDoors(t, { http: { pool: { num_workers: 1 } } });
    for (const door of doors) {
      const frames = Buffer.concat(Array.from({ length: MANY }, (_, i) => moduleCall(i + 1, 'sleep', [10])));
      const replies = await door.send(frames, MANY);
      assert.ok(replies.every(({ error }) => !error));
      assert.equal(new Set(replies.map(({ sequence }) => sequence)).size, MANY);
      report(t, { door: door.name, answered: replies.length }, { answered: MANY });
    }
    await quiet();
    await app.server.stop();
  });

  test('P06 a reply that comes after its request was answered finds the worker in another one', async (t) => {
    const { app, quiet } = await startDoors(t, { http: { pool: { num_workers: 1 } } });
    let late = 0;
    for (let round = 0; round < pick(5, 100); round++) {
      const slow = Array.from({ length: 20 }, (_, i) => moduleCall(1000 + i, 'sleep', [100]));
      assert.equal((await post(app, '/send', Buffer.concat(slow))).status, 200);
      // The replies to the first request come while the worker waits for this one.
      const { status, body } = await post(app, '/until/1', moduleCall(1, 'sleep', [150]));
      assert.equal(status, 200);
      const sequences = readReplies(body).map(({ sequence }) => sequence);
      assert.equal(sequences.at(-1), 1);
      late += sequences.length - 1;
    }
    report(t, { late }, { late: 20 });
    await quiet();
    await app.server.stop();
  });
});
