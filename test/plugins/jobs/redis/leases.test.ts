// Leases of the redis driver: of a master that dies, of one that is cut off, of a job that runs longer than its lease.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis } from '../../../helpers/redis.ts';
import { startTcpProxy, type TcpProxy } from '../../../helpers/tcp-proxy.ts';
import { eventually } from '../../../helpers/wait-for.ts';
import { newJobs, type OpenQueue, openQueue } from './open-queue.ts';

const LEASE_MS = 1000;
/** Of masters that must not lose a lease, however long this process or Redis is held up by what else the machine does. */
const LONG_LEASE_MS = 60_000;
/** A master is held up for two thirds of it before it loses what it has. */
const HELD_LEASE_MS = 3000;

/** Two masters on one queue; the first one's connection goes through a proxy, and its leases are those that may end. */
async function twoMasters(t: TestContext, { leaseMs = LEASE_MS, prefetch = 50 } = {}) {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const proxy = await startTcpProxy(redis.port);
  t.after(() => proxy.close());
  const first = await openQueue(t, { leaseMs, prefetch, port: proxy.port });
  const second = await openQueue(t, { leaseMs: LONG_LEASE_MS, port: redis.port });
  return { redis, proxy, first, second };
}

/** The first master has them all, and can say no more. */
async function strand(first: OpenQueue, proxy: TcpProxy, count: number): Promise<void> {
  await first.driver.push(newJobs(count));
  first.driver.resume();
  await eventually(() => first.deliveries.length === count, 'the jobs');
  proxy.refuse();
}

// Each has a Redis of its own, and mostly waits for it.
describe('leases of jobs in Redis', { concurrency: 4 }, () => {
  test('a master that dies: when its leases end, another one gets its jobs, in their order, with the same attempt', async (t) => {
    const { proxy, first, second } = await twoMasters(t);
    await strand(first, proxy, 20);
    second.driver.resume();
    const begin = performance.now();
    await eventually(() => second.deliveries.length === 20, 'the jobs of the other');
    t.diagnostic(`after ${Math.round(performance.now() - begin)} ms, lease ${LEASE_MS} ms`);
    assert.deepEqual(
      second.deliveries.map(({ job }) => job.id),
      first.deliveries.map(({ job }) => job.id),
    );
    assert.ok(second.deliveries.every(({ job }) => job.attempt === 1));
    assert.match(second.warnings.join('\n'), /^20 jobs of the pipeline test are handed over again: the master/);
  });

  test('fencing: who was cut off for longer than a lease settles nothing that another has now', async (t) => {
    const { redis, proxy, first, second } = await twoMasters(t);
    await strand(first, proxy, 3);
    second.driver.resume();
    await eventually(() => second.deliveries.length === 3, 'the jobs of the other');
    const [acked, released] = first.deliveries;
    acked?.ack();
    released?.release({ ...released.job, attempt: 2 }, 0);
    proxy.heal();
    await eventually(() => first.infos.some((line) => line.includes('answers again')), 'the connection');
    // The third one still runs there; it is told that this is not its own any more.
    await eventually(() => first.warnings.some((line) => line.includes('have lost their lease')), 'the warning');
    assert.equal(await redis.command('HLEN rrts:jobs:{test}:jobs'), ':3', 'all are still there');
    assert.equal(await redis.command('ZCARD rrts:jobs:{test}:reserved'), ':3', 'and with the other master');
    for (const delivery of second.deliveries) delivery.ack();
    await eventually(async () => (await redis.command('HLEN rrts:jobs:{test}:jobs')) === ':0', 'the acks that count');
    assert.equal(first.deliveries.length + second.deliveries.length, 6, 'nothing came a third time');
  });

  test('a job that runs longer than its lease is handed over once', async (t) => {
    const { redis, first, second } = await twoMasters(t, { leaseMs: HELD_LEASE_MS });
    await first.driver.push(newJobs(5));
    first.driver.resume();
    await eventually(() => first.deliveries.length === 5, 'the jobs');
    second.driver.resume();
    // The other one looks for leases that have ended once a second.
    await pause(HELD_LEASE_MS + 1500);
    for (const delivery of first.deliveries) delivery.ack();
    await eventually(async () => (await redis.command('HLEN rrts:jobs:{test}:jobs')) === ':0', 'the acks');
    assert.equal(first.deliveries.length, 5);
    assert.equal(second.deliveries.length, 0);
    assert.deepEqual([...first.warnings, ...second.warnings], []);
  });

  test('cut off for longer than a lease, and alone: its leases are taken up again, nothing runs twice', async (t) => {
    const { redis, proxy, first } = await twoMasters(t);
    await strand(first, proxy, 10);
    await pause(1.5 * LEASE_MS);
    for (const delivery of first.deliveries.slice(0, 4)) delivery.ack();
    proxy.heal();
    await eventually(async () => (await redis.command('HLEN rrts:jobs:{test}:jobs')) === ':6', 'the acks');
    await pause(1.5 * LEASE_MS);
    assert.equal(first.deliveries.length, 10);
    for (const delivery of first.deliveries.slice(4)) delivery.ack();
    await eventually(async () => (await redis.command('HLEN rrts:jobs:{test}:jobs')) === ':0', 'the other acks');
  });

  test('1,200 jobs that were done while it was cut off, more than one call tells: none of them runs twice', async (t) => {
    const { redis, proxy, first } = await twoMasters(t, { prefetch: 2000 });
    await strand(first, proxy, 1200);
    for (const delivery of first.deliveries) delivery.ack();
    await pause(1.5 * LEASE_MS);
    proxy.heal();
    await eventually(async () => (await redis.command('HLEN rrts:jobs:{test}:jobs')) === ':0', 'the acks');
    assert.equal(first.deliveries.length, 1200);
  });

  test('a take whose answer was lost: its jobs are taken again at once, not after the lease', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const proxy = await startTcpProxy(redis.port);
    t.after(() => proxy.close());
    const { driver, deliveries } = await openQueue(t, { port: proxy.port });
    await driver.push(newJobs(10));
    let lost = 0;
    proxy.watchAnswers((bytes) => {
      if (!bytes.includes('payload of')) return true;
      return lost++ > 0;
    });
    driver.resume();
    await eventually(() => deliveries.length === 10, 'the jobs');
    assert.ok(lost >= 2, `${lost} answers with jobs`);
    assert.equal(await redis.command('ZCARD rrts:jobs:{test}:reserved'), ':10');
  });
});
