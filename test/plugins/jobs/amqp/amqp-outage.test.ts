// Case Q04 for the driver amqp: a broker that is down, goes away or falls silent. Nothing confirmed is lost, and nothing done is done again.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { RrtsError } from '../../../../src/core/errors.ts';
import { type RabbitMq, startRabbitMq } from '../../../helpers/rabbitmq.ts';
import { mostPerSecond, startTcpProxy, type TcpProxy } from '../../../helpers/tcp-proxy.ts';
import { eventually, within } from '../../../helpers/wait-for.ts';
import { job, makeDriver, now, startDriver } from './rig.ts';

/** For what only has to happen some day. */
const DEADLINE_MS = 30_000;
/** Bound of a stop, by the contract of drivers, and what a busy machine adds to it. */
const STOP_MS = 5000;
const BUSY_MS = 5000;
/** Cuts of the connections, and jobs that are confirmed between two of them. */
const CUTS = 5;
const BETWEEN_CUTS = 50;
/** basic.ack: class 60, method 80. */
const ACK = Buffer.from([0, 60, 0, 80]);

describe('the driver amqp without its broker', { timeout: 300_000 }, () => {
  let rabbit: RabbitMq;
  let proxy: TcpProxy;
  const url = (): string => `amqp://guest:guest@${proxy.address}/`;
  before(async () => {
    rabbit = await startRabbitMq();
    proxy = await startTcpProxy(rabbit.port);
  });
  after(async () => {
    await proxy?.close();
    await rabbit?.close();
  });

  test('a broker that is not there is a warning, refuses pushes at once, and is found within 2 s', async (t) => {
    proxy.refuse();
    const first = proxy.arrivals.length;
    const { driver, lines, take } = makeDriver(t, url());
    const begin = performance.now();
    await within(driver.start(), DEADLINE_MS, 'the start');
    driver.resume();
    await assert.rejects(within(driver.push(now(job('a'))), DEADLINE_MS, 'the refusal'), {
      code: 'ERR_JOBS_STORE',
      cure: /rrts goes on trying/,
    });
    // The fifth comes after waits of up to 250 ms, 500 ms, 1 s and 2 s.
    await eventually(() => proxy.arrivals.length - first >= 5, 'five attempts');
    const attempts = proxy.arrivals.slice(first);
    const ms = Math.round(performance.now() - begin);
    t.diagnostic(`${attempts.length} attempts in ${ms} ms, at most ${mostPerSecond(attempts)} in a second`);
    assert.ok(mostPerSecond(attempts) < 5);
    proxy.heal();
    await eventually(() => driver.push(now(job('a'))).catch(() => undefined), 'a push');
    (await take(1)).ack();
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^warn: RabbitMQ at amqp:\/\/127.*cannot be used: .*attempts go on/);
    assert.match(lines[1] ?? '', /^info: RabbitMQ at .* answers again$/);
  });

  test('an ack that was cut on its way is told later: what is done is not run again', async (t) => {
    const { driver, pipeline, taken, take, lines } = await startDriver(t, url());
    driver.resume();
    await driver.push(now(job('done'), job('runs'), job('failed'), job('next')));
    await take(4);
    const [done, runs, failed] = taken;
    let cuts = 0;
    proxy.watch((bytes) => cuts > 0 || !bytes.includes(ACK) || ++cuts === 0);
    done?.ack();
    // Before it is known that the session is lost a job could go into the queue, and the confirm be lost: it would go there again.
    await eventually(() => lines.some((line) => line.startsWith('warn:')), 'the loss of the session');
    assert.equal(cuts, 1, 'a cut in the ack');
    proxy.watch(undefined);
    // Told while nobody listens, and after the next session has begun.
    failed?.release({ ...failed.job, attempt: 2 }, 0);
    await eventually(() => driver.push(now(job('after'))).catch(() => undefined), 'a push');
    runs?.ack();
    await take(6);
    taken[3]?.ack();
    for (const delivery of taken.slice(4)) delivery.ack();
    await eventually(async () => {
      const { waiting, reserved } = await driver.stats();
      return waiting === 0 && reserved === 0;
    }, 'an empty queue');
    await pause(300);
    const seen = taken.map((one) => `${one.job.id} ${one.job.attempt}`);
    assert.deepEqual(seen.slice(0, 4), ['done 1', 'runs 1', 'failed 1', 'next 1']);
    assert.deepEqual(seen.slice(4).sort(), ['after 1', 'failed 2']);
    await driver.stop();
    const second = await startDriver(t, url(), { pipeline });
    assert.deepEqual(await second.driver.stats(), { waiting: 0, delayed: 0, reserved: 0 });
  });

  test('no confirmed push is lost while connections are cut again and again', async (t) => {
    const { driver, pipeline, taken, lines } = await startDriver(t, url(), { prefetch: 20 });
    driver.resume();
    const confirmed = new Set<string>();
    let rejected = 0;
    let cuts = 0;
    let cutAt = 0;
    let settled = 0;
    const settle = (): void => {
      while (settled < taken.length) taken[settled++]?.ack();
    };
    for (let number = 0; cuts < CUTS || confirmed.size <= cutAt; number++) {
      const batch = Array.from({ length: 5 }, (_, index) => job(`${number}/${index}`));
      const ok = await driver.push(now(...batch)).then(
        () => true,
        () => false,
      );
      if (ok) for (const { id } of batch) confirmed.add(id);
      else rejected += batch.length;
      settle();
      // However slow the disk is, there is work between the cuts.
      if (cuts < CUTS && confirmed.size >= cutAt + BETWEEN_CUTS) {
        cuts++;
        cutAt = confirmed.size;
        proxy.cut();
      }
      await pause(ok ? 2 : 20);
    }
    const missing = (): string[] => {
      const seen = new Set(taken.map((one) => one.job.id));
      return [...confirmed].filter((id) => !seen.has(id));
    };
    await eventually(
      () => {
        settle();
        return missing().length === 0;
      },
      'every confirmed job',
      20_000,
    );
    await eventually(async () => {
      settle();
      const stats = await driver.stats().catch(() => undefined);
      return stats !== undefined && stats.waiting + stats.reserved === 0;
    }, 'an empty queue');
    const again = taken.length - new Set(taken.map((one) => one.job.id)).size;
    t.diagnostic(`${pipeline}: ${confirmed.size} confirmed, ${rejected} rejected, ${cuts} cuts, ${again} run again`);
    assert.ok(confirmed.size > CUTS * BETWEEN_CUTS);
    assert.equal(again, 0);
    assert.ok(lines.length <= 2 * cuts);
  });

  test('a broker that falls silent makes pushes fail within 5 s, and not wait for ever', async (t) => {
    const { driver } = await startDriver(t, url());
    proxy.hold();
    t.after(() => proxy.heal());
    await assert.rejects(within(driver.push(now(job('a'))), DEADLINE_MS, 'the refusal'), (error: RrtsError) => {
      assert.equal(error.code, 'ERR_JOBS_STORE');
      assert.match(error.message, /no answer within 5 s/);
      return true;
    });
    const stop = performance.now();
    await within(driver.stop(), STOP_MS + BUSY_MS, 'the stop');
    t.diagnostic(`stopped in ${Math.round(performance.now() - stop)} ms`);
    proxy.heal();
  });

  test('a broker that is short of memory refuses pushes, and jobs are still run and acknowledged', async (t) => {
    const { driver, taken, take } = await startDriver(t, url(), { prefetch: 2 });
    await driver.push(now(...Array.from({ length: 6 }, (_, index) => job(`${index}`))));
    t.after(() => rabbit.control('set_vm_memory_high_watermark', '0.4'));
    await rabbit.control('set_vm_memory_high_watermark', '0.0000001');
    // The broker tells a publisher only when it publishes; that one push may be stored, once there is room.
    const first = await driver.push(now(job('blocked'))).catch((error: RrtsError) => error.message);
    const begin = performance.now();
    // At once: what waited for an answer would say that there was none within 5 s.
    await assert.rejects(driver.push(now(job('refused'))), /it takes no messages now \(low on memory\)/);
    t.diagnostic(`${String(first)}; then refused in ${Math.round(performance.now() - begin)} ms`);
    driver.resume();
    for (let number = 1; number <= 6; number++) (await take(number)).ack();
    await rabbit.control('set_vm_memory_high_watermark', '0.4');
    await eventually(() => driver.push(now(job('again'))).catch(() => undefined), 'a push');
    await eventually(() => taken.some((one) => one.job.id === 'again'), 'the job');
  });

  test('what was confirmed survives kill -9 of the broker, delayed jobs included', async (t) => {
    const { driver, taken, take, lines } = await startDriver(t, url(), { prefetch: 4 });
    const jobs = Array.from({ length: 200 }, (_, index) => job(`${index}`));
    await driver.push(now(...jobs));
    await driver.push([{ job: job('late'), delayMs: 1500 }]);
    driver.resume();
    await take(4);
    taken[0]?.ack();
    await rabbit.stop();
    taken[1]?.ack();
    await assert.rejects(driver.push(now(job('x'))), { code: 'ERR_JOBS_STORE' });
    await rabbit.restart();
    let settled = 2;
    await eventually(
      () => {
        while (settled < taken.length) taken[settled++]?.ack();
        return taken.length >= 201;
      },
      'all jobs',
      20_000,
    );
    const ids = taken.map((one) => one.job.id);
    t.diagnostic(`${ids.length} runs of ${new Set(ids).size} jobs; ${lines.join(' | ')}`);
    assert.deepEqual(new Set(ids), new Set([...jobs.map(({ id }) => id), 'late']));
    assert.equal(ids.length, 201);
    assert.equal(lines.length, 2);
  });
});
