// What a Redis may be beside up and down: loading its data, a replica by now, far away, set to throw jobs away.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../../helpers/free-port.ts';
import { type RedisServer, type RedisWish, startRedis } from '../../../helpers/redis.ts';
import { startTcpProxy } from '../../../helpers/tcp-proxy.ts';
import { makeTempDir } from '../../../helpers/temp-dir.ts';
import { eventually } from '../../../helpers/wait-for.ts';
import { jobOf, makeQueue, newJobs, openQueue } from './open-queue.ts';

async function redisOf(t: TestContext, wish: RedisWish = {}): Promise<RedisServer> {
  const redis = await startRedis(wish);
  t.after(() => redis.stop());
  return redis;
}

test('50,000 jobs are one push, though no function can be given as many words', async (t) => {
  const redis = await redisOf(t);
  const { driver } = await openQueue(t, { port: redis.port, commandTimeoutMs: 60_000 });
  const results = await driver.push(newJobs(50_000));
  assert.equal(results.filter((result) => result === 'stored').length, 50_000);
  assert.equal((await driver.stats()).waiting, 50_000);
});

describe('a Redis of another kind', { concurrency: 3 }, () => {
  test('one that loads its data does not hold up the start, and is used when it is ready', async (t) => {
    const dir = makeTempDir('redis');
    t.after(() => dir.remove());
    const port = await freePort();
    // Each key takes 0.1 s to load, after the first start, which has none; it looks at its clients after each KB.
    const load = ['--key-load-delay', '100000', '--loading-process-events-interval-bytes', '1024'];
    const words = ['--appendonly', 'no', '--rdbcompression', 'no', ...load];
    const redis = await redisOf(t, { port, directory: dir.path, words });
    await redis.command(`EVAL "for i=1,600 do redis.call('SET',i,string.rep('v',1024)) end" 0`);
    await redis.command('SAVE');
    await redis.restart();
    assert.match(await redis.command('GET 1'), /LOADING/, 'it loads');
    const queue = makeQueue(t, { port, dialTimeoutMs: 500 });
    await queue.driver.start();
    assert.match(await redis.command('GET 1'), /LOADING/, 'the start did not wait for it');
    assert.match(queue.warnings[0] ?? '', /not ready after 500 ms: it may be loading/);
    await assert.rejects(queue.driver.push(newJobs(1)), { code: 'ERR_JOBS_STORE', message: /not ready after 500 ms/ });
    await redis.command('CONFIG SET key-load-delay 0');
    await eventually(() => queue.infos.some((line) => /answers again/.test(line)), 'the connection', 60_000);
    assert.deepEqual(await queue.driver.push(newJobs(1)), ['stored']);
    assert.equal(queue.warnings.length, 1, queue.warnings.join('\n'));
  });

  test('one that became a replica is left for the new master behind the same address, with one line', async (t) => {
    const [old, next] = [await redisOf(t), await redisOf(t)];
    const proxy = await startTcpProxy(old.port);
    t.after(() => proxy.close());
    const queue = await openQueue(t, { port: proxy.port, dialTimeoutMs: 20_000, onDelivery: (one) => one.ack() });
    queue.driver.resume();
    await queue.driver.push(newJobs(1));
    await eventually(() => queue.deliveries.length === 1, 'a job');
    await old.command(`REPLICAOF 127.0.0.1 ${next.port}`);
    await assert.rejects(queue.driver.push(newJobs(1)), { code: 'ERR_JOBS_STORE', message: /READONLY/ });
    const before = proxy.arrivals.length;
    await eventually(() => proxy.arrivals.length >= before + 2, 'two further attempts', 20_000);
    await assert.rejects(queue.driver.push(newJobs(1)), { code: 'ERR_JOBS_STORE', message: /READONLY/ });
    proxy.lead(next.port);
    const push = () =>
      queue.driver.push(newJobs(1, 'next')).then(
        () => true,
        () => false,
      );
    await eventually(push, 'the new master', 20_000);
    await eventually(() => queue.deliveries.some(({ job }) => job.id.startsWith('next')), 'a job of it', 20_000);
    assert.equal(queue.warnings.length, 1, queue.warnings.join('\n'));
    assert.match(queue.warnings[0] ?? '', /READONLY/);
    t.diagnostic(`${proxy.arrivals.length} connections`);
  });

  test('large jobs over a slow line: fewer at once until they come in the time of an answer', async (t) => {
    const redis = await redisOf(t);
    const line = await slowLine(t, redis.port);
    const producer = await openQueue(t, { port: redis.port });
    for (let index = 0; index < 20; index++) {
      await producer.driver.push([{ job: jobOf(`${index}`, { payload: Buffer.alloc(400_000) }), delayMs: 0 }]);
    }
    // 8 MB at 4 MB/s, and an answer has 0.4 s and the margin of 0.5 s.
    const queue = await openQueue(t, { port: line, commandTimeoutMs: 400, onDelivery: (one) => one.ack() });
    queue.driver.resume();
    await eventually(
      async () => (await redis.command('HLEN rrts:jobs:{test}:jobs')) === ':0',
      'the end of all jobs',
      60_000,
    );
    const ids = queue.deliveries.map(({ job }) => job.id);
    assert.equal(new Set(ids).size, 20);
    assert.equal(ids.length, 20, 'what did not arrive is no delivery');
  });

  test('one that would throw queues away is warned of, others are not', async (t) => {
    const warningsOf = async (policy: string, most: string): Promise<readonly string[]> => {
      const redis = await redisOf(t, { words: ['--maxmemory', most, '--maxmemory-policy', policy] });
      const { driver, warnings } = await openQueue(t, { port: redis.port });
      // Answers come in order: that of the look at the settings has come.
      await driver.push(newJobs(1));
      return warnings;
    };
    assert.match(
      String(await warningsOf('allkeys-lru', '100mb')),
      /maxmemory-policy allkeys-lru\): set it to noeviction/,
    );
    assert.deepEqual(await warningsOf('noeviction', '100mb'), []);
    assert.deepEqual(await warningsOf('volatile-lru', '100mb'), []);
    assert.deepEqual(await warningsOf('allkeys-lru', '0'), []);
  });
});

/** A line whose answers come at 4 MB/s. Gives its port. */
async function slowLine(t: TestContext, target: number): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(target, '127.0.0.1');
    client.pipe(redis);
    void trickle(redis, client);
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        redis.destroy();
      });
    }
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

async function trickle(from: Socket, to: Socket): Promise<void> {
  try {
    for await (const part of from as AsyncIterable<Buffer>) {
      await pause(part.length / 4000);
      to.write(part);
    }
  } catch {
    // Cut: so is the other side.
  }
}
