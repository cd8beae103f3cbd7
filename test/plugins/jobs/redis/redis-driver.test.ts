// The redis driver on a real redis-server: the contract, what it adds to that, and how fast it takes and settles.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RedisDriver } from '../../../../src/plugins/jobs/redis/redis-driver.ts';
import { type RedisServer, startRedis } from '../../../helpers/redis.ts';
import { eventually } from '../../../helpers/wait-for.ts';
import { driverContract } from '../driver-contract.ts';
import { jobOf, newJobs, openQueue, queueOptions } from './open-queue.ts';

const FIGURE_JOBS = 20_000;

describe('on one redis-server', () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  let opened = 0;
  driverContract('redis', {
    open: async (t, context) => {
      const driver = new RedisDriver({ ...queueOptions({ port: redis.port }), queue: `contract-${opened++}` }, context);
      t.after(() => driver.stop());
      await driver.start();
      return driver;
    },
  });

  const ids = (deliveries: readonly { job: { id: string } }[]) => deliveries.map(({ job }) => job.id);

  test('a released job that was not begun keeps its place, one that was begun goes to the end, as it is now', async (t) => {
    const { driver, deliveries } = await openQueue(t, { port: redis.port, queue: 'places', prefetch: 1 });
    await driver.push(newJobs(3));
    driver.resume();
    await eventually(() => deliveries.length === 1, 'the first');
    deliveries[0]?.release(deliveries[0].job, 0);
    await eventually(() => deliveries.length === 2, 'the first again');
    assert.equal(deliveries[1]?.job.id, '0');
    deliveries[1]?.release({ ...deliveries[1].job, attempt: 2 }, 0);
    for (const count of [3, 4]) {
      await eventually(() => deliveries.length === count, `delivery ${count}`);
      deliveries[count - 1]?.ack();
    }
    await eventually(() => deliveries.length === 5, 'the last');
    assert.deepEqual(ids(deliveries), ['0', '0', '1', '2', '0']);
    assert.equal(deliveries[4]?.job.attempt, 2);
  });

  test('a delayed job comes when it is due, to a consumer that sleeps, by the clock of Redis', async (t) => {
    const { driver, deliveries } = await openQueue(t, { port: redis.port, queue: 'delayed' });
    driver.resume();
    const begin = performance.now();
    await driver.push([
      { job: jobOf('later'), delayMs: 600 },
      { job: jobOf('soon'), delayMs: 200 },
    ]);
    await eventually(() => deliveries.length === 1, 'the first');
    const first = performance.now() - begin;
    await eventually(() => deliveries.length === 2, 'the second');
    const second = performance.now() - begin;
    assert.deepEqual(ids(deliveries), ['soon', 'later']);
    assert.ok(first >= 195 && second >= 595, `${first} and ${second} ms`);
    t.diagnostic(`200 ms: ${Math.round(first)} ms, 600 ms: ${Math.round(second)} ms`);
  });

  test('another master hears of a job at once', async (t) => {
    const consumer = await openQueue(t, { port: redis.port, queue: 'wake' });
    const producer = await openQueue(t, { port: redis.port, queue: 'wake' });
    consumer.driver.resume();
    await eventually(async () => (await redis.command('PUBSUB NUMSUB rrts:jobs:{wake}:wake')) === '*2', 'a subscriber');
    const waits: number[] = [];
    for (let count = 1; count <= 10; count++) {
      const begin = performance.now();
      await producer.driver.push(newJobs(1, `${count}.`));
      await eventually(() => consumer.deliveries.length === count, 'the job');
      waits.push(performance.now() - begin);
      consumer.deliveries.at(-1)?.ack();
    }
    waits.sort((a, b) => a - b);
    t.diagnostic(`from push to delivery: ${waits.map((ms) => ms.toFixed(1)).join(' ')} ms`);
    // By the look of each second all but the first take that second, as each push follows a look. A busy machine holds up some, not all.
    assert.ok((waits[2] ?? Number.NaN) < 500, `${waits} ms: by the look of each second`);
  });

  test('a record that cannot be read is put aside with one line, and others go on', async (t) => {
    const { driver, deliveries, errors } = await openQueue(t, { port: redis.port, queue: 'broken' });
    await driver.push(newJobs(3));
    await redis.command('HSET rrts:jobs:{broken}:jobs 0000000000000002:10 nonsense');
    driver.resume();
    await eventually(() => deliveries.length === 2, 'the others');
    await eventually(async () => (await redis.command('HLEN rrts:jobs:{broken}:unreadable')) === ':1', 'the record');
    assert.deepEqual(ids(deliveries), ['0', '2']);
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', /has a job that cannot be read: .*:unreadable/);
  });

  test('a stop gives back at once what is not settled; destroy leaves no key', async (t) => {
    const first = await openQueue(t, { port: redis.port, queue: 'stop' });
    await first.driver.push(newJobs(10));
    first.driver.resume();
    await eventually(() => first.deliveries.length === 10, 'all');
    for (const delivery of first.deliveries.slice(0, 4)) delivery.ack();
    await first.driver.stop();
    const second = await openQueue(t, { port: redis.port, queue: 'stop' });
    assert.deepEqual(await second.driver.stats(), { waiting: 6, delayed: 0, reserved: 0 });
    await second.driver.destroy();
    await second.driver.stop();
    assert.equal(await redis.command('KEYS rrts:jobs:{stop}*'), '*0');
  });

  test(`${FIGURE_JOBS} jobs, taken and acknowledged`, async (t) => {
    const queue = await openQueue(t, { port: redis.port, queue: 'figure', onDelivery: (one) => one.ack() });
    const { driver, deliveries } = queue;
    for (let batch = 0; batch < FIGURE_JOBS / 500; batch++) await driver.push(newJobs(500, `${batch}.`));
    const begin = performance.now();
    driver.resume();
    await eventually(async () => (await redis.command('HLEN rrts:jobs:{figure}:jobs')) === ':0', 'the end', 60_000);
    t.diagnostic(`${Math.round((FIGURE_JOBS / (performance.now() - begin)) * 1000)} jobs/s`);
    assert.equal(new Set(ids(deliveries)).size, FIGURE_JOBS);
    assert.equal(deliveries.length, FIGURE_JOBS);
  });
});

test('a Redis without memory refuses pushes, and can still be emptied', async (t) => {
  const redis = await startRedis({ words: ['--maxmemory', '6mb', '--maxmemory-policy', 'noeviction'] });
  t.after(() => redis.stop());
  const { driver, deliveries } = await openQueue(t, { port: redis.port, onDelivery: (one) => one.ack() });
  let stored = 0;
  const payload = Buffer.alloc(10_000, 'x');
  const fill = async () => {
    for (;;) {
      await driver.push([{ job: jobOf(`${stored}`, { payload }), delayMs: 0 }]);
      stored++;
    }
  };
  await assert.rejects(fill(), { code: 'ERR_JOBS_STORE', message: /OOM/ });
  assert.ok(stored > 50, `${stored} jobs`);
  driver.resume();
  await eventually(() => deliveries.length === stored, 'all of them');
  await eventually(async () => (await redis.command('HLEN rrts:jobs:{test}:jobs')) === ':0', 'the acks');
  assert.deepEqual(await driver.push(newJobs(1)), ['stored']);
  t.diagnostic(`${stored} jobs until it was full`);
});
