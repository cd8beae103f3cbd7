// Q04 at the driver: Redis restarts, stops answering, is cut off in the middle of an acknowledgement; it is down or refuses at the start.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../../helpers/free-port.ts';
import { type RedisServer, startRedis } from '../../../helpers/redis.ts';
import { mostPerSecond, startTcpProxy } from '../../../helpers/tcp-proxy.ts';
import { makeTempDir } from '../../../helpers/temp-dir.ts';
import { eventually, within } from '../../../helpers/wait-for.ts';
import { jobOf, makeQueue, newJobs, type OpenQueue, openQueue } from './open-queue.ts';

/** Longer than this process or Redis is held up by what else a busy machine does, and shorter than an outage. */
const COMMAND_TIMEOUT_MS = 1500;
/** A refusal that comes later has no bound at all. */
const REFUSAL_MS = 15_000;
const OUTAGE_MS = process.env['RUN_LONG'] === '1' ? 10_000 : 3000;

async function durableRedis(t: TestContext): Promise<RedisServer> {
  const folder = makeTempDir('redis');
  const redis = await startRedis({ directory: folder.path });
  t.after(async () => {
    await redis.stop();
    folder.remove();
  });
  return redis;
}

const isEmpty = (redis: RedisServer, ms = 15_000) =>
  eventually(
    async () => (await redis.command('HLEN rrts:jobs:{test}:jobs').catch(() => '')) === ':0',
    'the end of all jobs',
    ms,
  );

/** Whether a push succeeds now. */
const pushes = (queue: OpenQueue, id: string): Promise<boolean> =>
  queue.driver.push([{ job: jobOf(id), delayMs: 0 }]).then(
    () => true,
    () => false,
  );

/** Each was handed over once. */
function assertEach(count: number, { deliveries }: OpenQueue): void {
  const ids = deliveries.map(({ job }) => job.id);
  assert.equal(new Set(ids).size, count, 'lost');
  assert.equal(ids.length, count, 'twice');
}

// Each has a Redis of its own, and mostly waits for it.
describe('a Redis that goes away', { concurrency: 4 }, () => {
  test('kill -9 of a Redis with appendonly, three times: 0 lost, 0 twice, what is out stays out', async (t) => {
    const redis = await durableRedis(t);
    const queue = await openQueue(t, { port: redis.port, prefetch: 20 });
    await queue.driver.push(newJobs(60));
    queue.driver.resume();
    await eventually(() => queue.deliveries.length === 20, 'a full hand');
    let settled = 0;
    for (let round = 1; round <= 3; round++) {
      await redis.stop();
      await eventually(() => queue.warnings.length === round, 'a warning');
      await assert.rejects(queue.driver.push(newJobs(1, 'lost')), { code: 'ERR_JOBS_STORE' });
      // Redis does not hear of these until it is back.
      while (settled < 20 * round) queue.deliveries[settled++]?.ack();
      await redis.restart();
      await eventually(() => queue.infos.length === round, 'the connection');
      if (round < 3) await eventually(() => queue.deliveries.length === 20 * (round + 1), 'the next jobs');
    }
    await isEmpty(redis);
    assertEach(60, queue);
    assert.equal(queue.warnings.length, 3, queue.warnings.join('\n'));
  });

  test(`Redis stands still for ${OUTAGE_MS} ms: one line, a push is refused within the time, 0 lost, 0 twice`, async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const queue = await openQueue(t, {
      port: redis.port,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      onDelivery: (one) => one.ack(),
    });
    queue.driver.resume();
    await queue.driver.push(newJobs(500));
    redis.signal('SIGSTOP');
    const begin = performance.now();
    const refused = assert.rejects(queue.driver.push(newJobs(1, 'x')), { code: 'ERR_JOBS_STORE' });
    await within(refused, REFUSAL_MS, 'the refusal');
    const ms = performance.now() - begin;
    t.diagnostic(`refused after ${Math.round(ms)} ms, the time for a command is ${COMMAND_TIMEOUT_MS} ms`);
    await pause(OUTAGE_MS - ms);
    redis.signal('SIGCONT');
    await eventually(() => queue.infos.length > 0, 'the connection', 15_000);
    await queue.driver.push(newJobs(500, 'more'));
    await isEmpty(redis);
    const ids = queue.deliveries.map(({ job }) => job.id).filter((id) => !id.startsWith('x'));
    assert.equal(new Set(ids).size, 1000);
    assert.equal(ids.length, 1000);
    assert.equal(queue.warnings.length, 1, queue.warnings.join('\n'));
  });

  test('the connection is cut in the middle of acknowledgements, before and after Redis got them: 0 lost, 0 twice', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const proxy = await startTcpProxy(redis.port);
    t.after(() => proxy.close());
    const queue = await openQueue(t, { port: proxy.port, prefetch: 10, onDelivery: (one) => one.ack() });
    await queue.driver.push(newJobs(300));
    let cuts = 0;
    const cut = (): false => {
      cuts++;
      proxy.watch(undefined);
      proxy.watchAnswers(undefined);
      return false;
    };
    const spoil = (when: string): void => {
      let seen = 0;
      proxy.watch((bytes) => {
        // The third of the settlements, which name what they settle.
        if (!bytes.includes(':10|') || ++seen !== 3) return true;
        if (when === 'before') return cut();
        proxy.watchAnswers(cut);
        return true;
      });
    };
    for (const when of ['before', 'after', 'before', 'after']) {
      const known = cuts;
      const probe = () => pushes(queue, `${when}-${known}-probe`);
      spoil(when);
      queue.driver.resume();
      await eventually(async () => {
        await probe();
        return cuts > known;
      }, `a cut ${when}`);
      await eventually(probe, 'the connection');
    }
    await isEmpty(redis);
    const ids = queue.deliveries.map(({ job }) => job.id);
    for (const { job } of newJobs(300)) assert.equal(ids.filter((id) => id === job.id).length, 1, job.id);
    t.diagnostic(`${cuts} cuts, ${ids.length} deliveries`);
  });

  test('a push whose answer is lost is rejected: nobody knows', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const proxy = await startTcpProxy(redis.port);
    t.after(() => proxy.close());
    const { driver } = await openQueue(t, { port: proxy.port });
    // From now on Redis knows the script, and the next answer is that of the push.
    await driver.push(newJobs(1));
    proxy.watch((bytes) => {
      if (bytes.includes('payload of')) proxy.watchAnswers(() => false);
      return true;
    });
    await assert.rejects(driver.push(newJobs(1)), { code: 'ERR_JOBS_STORE' });
    assert.equal(await redis.command('HLEN rrts:jobs:{test}:jobs'), ':2', 'this time it was stored');
  });

  test('Redis comes back empty: the jobs are gone, the driver is not', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const queue = await openQueue(t, { port: redis.port, prefetch: 5 });
    queue.driver.resume();
    await queue.driver.push(newJobs(10));
    await eventually(() => queue.deliveries.length === 5, 'a full hand');
    await redis.restart();
    await eventually(() => queue.infos.length === 1, 'the connection');
    for (const delivery of queue.deliveries) delivery.ack();
    await queue.driver.push(newJobs(3, 'new'));
    await eventually(() => queue.deliveries.length === 8, 'the new jobs');
    for (const delivery of queue.deliveries.slice(5)) delivery.ack();
    await isEmpty(redis);
    assert.deepEqual(queue.errors, []);
  });

  test('scripts that Redis forgot are sent again', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const queue = await openQueue(t, { port: redis.port, onDelivery: (one) => one.ack() });
    queue.driver.resume();
    for (let round = 1; round <= 5; round++) {
      await queue.driver.push(newJobs(20, `${round}.`));
      await redis.command('SCRIPT FLUSH');
      await isEmpty(redis);
    }
    assertEach(100, queue);
    assert.deepEqual(queue.warnings, []);
  });

  test('down at the start: a warning, pushes are refused and say why, and it heals', async (t) => {
    const port = await freePort();
    const queue = makeQueue(t, { port });
    await within(queue.driver.start(), 5000, 'the start');
    queue.driver.resume();
    assert.match(queue.warnings[0] ?? '', /jobs\.pipelines\.test\.config.*ECONNREFUSED/);
    await assert.rejects(queue.driver.push(newJobs(1)), {
      code: 'ERR_JOBS_STORE',
      message: /^the pipeline test: Redis at .*ECONNREFUSED/,
      place: 'jobs.pipelines.test.config',
    });
    await assert.rejects(queue.driver.stats(), { code: 'ERR_JOBS_STORE' });
    const redis = await startRedis({ port });
    t.after(() => redis.stop());
    await eventually(() => pushes(queue, 'a'), 'a push');
    await eventually(() => queue.deliveries.length === 1, 'the job');
    assert.equal(queue.warnings.length, 1, queue.warnings.join('\n'));
  });

  test('a wrong password, a wrong user, a database that is not there: the start fails with one clear line', async (t) => {
    const redis = await startRedis({ password: 'right' });
    t.after(() => redis.stop());
    const wrong = [
      [{ password: 'wrong' }, /WRONGPASS/],
      [{}, /NOAUTH/],
      [{ username: 'nobody', password: 'right' }, /WRONGPASS/],
      [{ password: 'right', db: 99 }, /DB index/],
    ] as const;
    for (const [wish, message] of wrong) {
      const { driver, warnings, infos } = makeQueue(t, { port: redis.port, ...wish });
      await assert.rejects(within(driver.start(), 5000, 'the refusal'), {
        code: 'ERR_JOBS_STORE',
        message,
        cure: 'Check username, password and db of jobs.pipelines.test.config.',
      });
      assert.deepEqual([warnings, infos], [[], []], 'nothing beside the error');
    }
    const { driver } = await openQueue(t, { port: redis.port, password: 'right', db: 3 });
    assert.deepEqual(await driver.push(newJobs(1)), ['stored']);
  });

  test('a stop while Redis is away ends in time', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const queue = await openQueue(t, { port: redis.port });
    await queue.driver.push(newJobs(5));
    queue.driver.resume();
    await eventually(() => queue.deliveries.length === 5, 'the jobs');
    redis.signal('SIGSTOP');
    for (const delivery of queue.deliveries) delivery.ack();
    await within(queue.driver.stop(), 5000, 'the stop');
  });
});

test(`${OUTAGE_MS} ms without Redis: fewer than 5 attempts in each second, and no work meanwhile`, async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const proxy = await startTcpProxy(redis.port);
  t.after(() => proxy.close());
  const queue = await openQueue(t, { port: proxy.port, prefetch: 10 });
  await queue.driver.push(newJobs(30));
  queue.driver.resume();
  await eventually(() => queue.deliveries.length === 10, 'a full hand');
  const known = proxy.arrivals.length;
  proxy.refuse();
  for (const delivery of queue.deliveries.slice(0, 5)) delivery.ack();
  const cpu = process.cpuUsage();
  await pause(OUTAGE_MS);
  const { user, system } = process.cpuUsage(cpu);
  proxy.heal();
  await eventually(() => queue.deliveries.length === 15, 'the next jobs');
  const most = mostPerSecond(proxy.arrivals.slice(known));
  t.diagnostic(
    `${proxy.arrivals.length - known} attempts, ${most} in a second at most; ${(user + system) / 1000} ms of CPU`,
  );
  assert.ok(most < 5);
  assert.ok((user + system) / 1000 < OUTAGE_MS / 10, 'no busy loop');
  assert.deepEqual([queue.warnings.length, queue.infos.length], [1, 1]);
});
