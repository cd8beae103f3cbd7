// The driver amqp with a RabbitMQ that is there: messages as RoadRunner has them, delays, priorities, and what the broker refuses.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RrtsError } from '../../../../src/core/errors.ts';
import { amqpDriverType } from '../../../../src/plugins/jobs/amqp/amqp-driver.ts';
import { type Certificates, makeCertificates } from '../../../helpers/certificates.ts';
import { type RabbitMq, startRabbitMq } from '../../../helpers/rabbitmq.ts';
import { makeTempDir } from '../../../helpers/temp-dir.ts';
import { eventually } from '../../../helpers/wait-for.ts';
import { driverContract } from '../driver-contract.ts';
import { job, makeDriver, now, otherClient, startDriver } from './rig.ts';

describe('the driver amqp', { concurrency: true, timeout: 300_000 }, () => {
  const dir = makeTempDir('certificates');
  let rabbit: RabbitMq;
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates(dir.path, 'right');
    rabbit = await startRabbitMq(certificates);
  });
  after(async () => {
    await rabbit?.close();
    dir.remove();
  });

  let queues = 0;
  driverContract('amqp', {
    open: async (t, context) => {
      const pipeline = `contract-${++queues}`;
      const driver = amqpDriverType.create({}, { addr: rabbit.url }, { ...context, pipeline });
      t.after(() => driver.stop());
      await driver.start();
      return driver;
    },
    lacks: ['unique'],
  });

  const refused = (code: string, text: RegExp) => (error: RrtsError) => {
    assert.equal(error.code, code);
    assert.match(`${error.message} ${error.cure ?? ''}`, text);
    return true;
  };

  test('a job comes back as it was pushed, with all its options', async (t) => {
    const { driver, take } = await startDriver(t, rabbit.url);
    const headers = Object.assign(Object.create(null), { trace: ['1', '2'], 'x-tenant': ['shop'] });
    const link = {
      pipeline: 'next',
      id: 'b',
      name: 'B',
      payload: Buffer.from([0, 255]),
      headers,
      priority: 3,
      delayMs: 5,
      options: {},
    };
    const pushed = job('a', {
      payload: Buffer.from([0, 1, 255]),
      headers,
      priority: 3,
      attempt: 4,
      pushedAt: 1_700_000_000_123,
      options: { timeoutMs: 500, maxAttempts: 7, autoAck: true, chain: [link] },
    });
    assert.deepEqual(await driver.push(now(pushed)), ['stored']);
    driver.resume();
    const delivery = await take(1);
    assert.deepEqual(delivery.job, pushed);
    delivery.ack();
  });

  test('a job whose headers do not fit in a frame travels as well', async (t) => {
    const { driver, take } = await startDriver(t, rabbit.url);
    const pushed = job('large', {
      headers: Object.assign(Object.create(null), { big: ['x'.repeat(150_000)] }),
      payload: Buffer.alloc(1_000_000, 7),
    });
    await driver.push(now(pushed));
    driver.resume();
    const delivery = await take(1);
    assert.deepEqual(delivery.job, pushed);
    delivery.ack();
  });

  test('a message that RoadRunner wrote is the job that RoadRunner meant', async (t) => {
    const { driver, pipeline, take } = await startDriver(t, rabbit.url);
    const client = await otherClient(t, rabbit.url);
    const channel = await client.acquire();
    const headers = {
      rr_id: 'rr-1',
      rr_job: 'App\\FromRoadRunner',
      rr_pipeline: 'other',
      rr_headers: '{"trace":["a","b"]}',
      rr_delay: 0n,
      rr_priority: 2n,
      rr_auto_ack: false,
    };
    await channel.basicPublish(
      { routingKey: pipeline, contentType: 'application/octet-stream', headers },
      Buffer.from('hello'),
    );
    driver.resume();
    const { job: got } = await take(1);
    assert.deepEqual([got.id, got.name, got.priority, got.attempt], ['rr-1', 'App\\FromRoadRunner', 2, 1]);
    assert.deepEqual({ ...got.headers }, { trace: ['a', 'b'] });
    assert.equal(got.payload.toString(), 'hello');
  });

  test('RoadRunner finds its headers in a message that rrts wrote', async (t) => {
    const { driver, pipeline } = await startDriver(t, rabbit.url);
    const headers = { trace: ['a', 'b'], one: ['1'] };
    await driver.push(now(job('id-1', { name: 'App\\Mail', headers, priority: 4 })));
    const client = await otherClient(t, rabbit.url);
    const message = await eventually(() => client.basicGet({ queue: pipeline, noAck: true }), 'the message');
    const { rr_id, rr_job, rr_pipeline, rr_headers, rr_delay, rr_priority, rr_auto_ack, trace, one } =
      message.headers ?? {};
    assert.deepEqual(
      [rr_id, rr_job, rr_pipeline, rr_delay, rr_priority, rr_auto_ack],
      ['id-1', 'App\\Mail', pipeline, 0, 4, false],
    );
    assert.deepEqual(JSON.parse(rr_headers), headers);
    assert.deepEqual([trace, one], [['a', 'b'], '1']);
    assert.deepEqual([message.contentType, message.durable, message.priority], ['application/octet-stream', true, 6]);
    assert.equal(String(message.body), 'payload of id-1');
  });

  test("a message without RoadRunner's headers is a job too, byte for byte", async (t) => {
    const { driver, pipeline, take } = await startDriver(t, rabbit.url, { settings: { priority: 5 } });
    const client = await otherClient(t, rabbit.url);
    const channel = await client.acquire();
    const body = Buffer.from('{"big": 12345678901234567890, "a": 1, "a": 2}\n');
    await channel.basicPublish(
      { routingKey: pipeline, contentType: 'application/json', headers: { tenant: 'shop', n: 7 } },
      body,
    );
    await channel.basicPublish({ routingKey: pipeline, contentType: 'text/plain' }, Buffer.from([0xff, 0xfe]));
    driver.resume();
    const second = await take(2);
    const [first] = await Promise.all([take(1)]);
    assert.deepEqual([first.job.name, first.job.priority], ['deduced_by_rr', 5]);
    assert.deepEqual({ ...first.job.headers }, { tenant: ['shop'], n: ['7'] });
    assert.deepEqual(first.job.payload, body);
    assert.deepEqual(second.job.payload, Buffer.from([0xff, 0xfe]));
    first.release({ ...first.job, attempt: 2 }, 0);
    const again = await take(3);
    assert.deepEqual({ ...again.job, pushedAt: 0 }, { ...first.job, pushedAt: 0, attempt: 2 });
  });

  test('a delayed job waits in the broker until its time', async (t) => {
    const { driver, take } = await startDriver(t, rabbit.url);
    driver.resume();
    const begin = performance.now();
    await driver.push([{ job: job('late'), delayMs: 1430 }, { job: job('later'), delayMs: 1480 }, ...now(job('soon'))]);
    assert.equal((await take(1)).job.id, 'soon');
    assert.deepEqual(await driver.stats(), { waiting: 0, delayed: 2, reserved: 1 });
    const { job: last } = await take(3);
    const ms = performance.now() - begin;
    assert.deepEqual(last.id, 'later');
    assert.ok(ms >= 1480, `${ms} ms`);
    t.diagnostic(`late by ${Math.round(ms - 1480)} ms`);
    assert.equal((await driver.stats()).delayed, 0);
  });

  test('lower priorities come first', async (t) => {
    const { driver, taken, take } = await startDriver(t, rabbit.url, { prefetch: 1 });
    await driver.push(
      now(...[12, 10, 9, 1, 10, 0].map((priority, index) => job(`${priority}/${index}`, { priority }))),
    );
    driver.resume();
    for (let number = 1; number <= 6; number++) (await take(number)).ack();
    assert.deepEqual(
      taken.map((delivery) => delivery.job.id),
      ['0/5', '1/3', '9/2', '12/0', '10/1', '10/4'],
    );
  });

  test('a queue that is there is taken as it is, unless the configuration asks for something else', async (t) => {
    const client = await otherClient(t, rabbit.url);
    await client.queueDeclare({ queue: 'theirs', durable: true, arguments: { 'x-max-length': 500 } });
    await client.queueDeclare({ queue: 'weak', durable: false });
    const { driver, take, lines } = await startDriver(t, rabbit.url, { settings: { queue: 'theirs' } });
    await driver.push(now(job('a', { priority: 1 })));
    driver.resume();
    (await take(1)).ack();
    assert.deepEqual(lines, []);
    const weak = await startDriver(t, rabbit.url, { settings: { queue: 'weak' } });
    assert.match(weak.lines.join(), /warn: the queue weak is there and not durable/);
    const asks = makeDriver(t, rabbit.url, { pipeline: 'asks', settings: { queue: 'weak', durable: true } });
    await assert.rejects(
      asks.driver.start(),
      refused(
        'ERR_JOBS_STORE',
        /refuses jobs\.pipelines\.asks\.config: the queue weak is there with durable = false, and the configuration asks for true/,
      ),
    );
    const other = makeDriver(t, rabbit.url, { settings: { queue: 'theirs', queueHeaders: { 'x-max-length': 7 } } });
    await assert.rejects(
      other.driver.start(),
      refused('ERR_JOBS_STORE', /x-max-length = 500, and the configuration asks for 7.*delete it/),
    );
  });

  test('wrong credentials and a wrong virtual host end the start at once, and the password stays secret', async (t) => {
    const wrong = makeDriver(t, rabbit.url.replace('guest@', 'secret@'));
    await assert.rejects(wrong.driver.start(), (error: RrtsError) => {
      assert.equal(error.code, 'ERR_JOBS_STORE');
      assert.match(
        error.message,
        /^RabbitMQ at amqp:\/\/127\.0\.0\.1:\d+\/ refuses jobs\.pipelines\.\S+: ACCESS_REFUSED - Login was refused/,
      );
      assert.match(error.cure ?? '', /Check the user, the password, the virtual host/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    const nowhere = makeDriver(t, `${rabbit.url}nowhere`);
    await assert.rejects(nowhere.driver.start(), refused('ERR_JOBS_STORE', /NOT_ALLOWED - vhost nowhere not found/));
    assert.deepEqual([...wrong.lines, ...nowhere.lines], []);
  });

  test('over TLS jobs go in and out, and a certificate that is not believed ends the start with the place and the cure', async (t) => {
    const { driver, take } = await startDriver(t, rabbit.safeUrl, { tls: { rootCa: certificates.ca } });
    await driver.push(now(job('a')));
    driver.resume();
    (await take(1)).ack();
    const { ca: stranger } = await makeCertificates(dir.path, 'wrong');
    const wrong = makeDriver(t, rabbit.safeUrl, { pipeline: 'wrong', tls: { rootCa: stranger } });
    await assert.rejects(wrong.driver.start(), (error: RrtsError) => {
      assert.equal(error.code, 'ERR_JOBS_STORE');
      assert.match(
        error.message,
        /^RabbitMQ at amqps:\/\/127\.0\.0\.1:\d+\/ refuses jobs\.pipelines\.wrong\.config: .*certificate/,
      );
      assert.match(error.cure ?? '', /amqp\.tls: root_ca holds the certificate that signed that of the broker/);
      return true;
    });
    const unknown = makeDriver(t, rabbit.safeUrl);
    await assert.rejects(unknown.driver.start(), refused('ERR_JOBS_STORE', /certificate.*amqp\.tls: root_ca/));
    const missing = makeDriver(t, rabbit.safeUrl, { tls: { rootCa: '/nowhere/ca.pem' } });
    await assert.rejects(missing.driver.start(), refused('ERR_JOBS_STORE', /amqp\.tls: .*\/nowhere\/ca\.pem/));
    const plain = makeDriver(t, rabbit.url.replace('amqp:', 'amqps:'));
    await assert.rejects(
      plain.driver.start(),
      refused('ERR_JOBS_STORE', /refuses .*: it speaks no TLS on this port Use a port that does/),
    );
    assert.deepEqual([...wrong.lines, ...unknown.lines, ...missing.lines, ...plain.lines], []);
  });

  test('a push through an exchange reaches the bound queue, and one that reaches none is an error', async (t) => {
    const settings = { queue: 'routed', exchange: 'shop', exchangeType: 'topic', routingKey: 'mail.new' };
    const { driver, take } = await startDriver(t, rabbit.url, { settings });
    driver.resume();
    await driver.push([{ job: job('a'), delayMs: 50 }, ...now(job('b'))]);
    await take(2);
    const lost = job('c', { headers: { 'x-routing-key': ['nobody'] } });
    await assert.rejects(
      driver.push(now(job('d'), lost)),
      refused('ERR_JOBS_STORE', /1 of 2 jobs were not stored: .*exchange shop.*NO_ROUTE/),
    );
    // Back into the queue, not through the exchange.
    const third = await take(3);
    assert.equal(third.job.id, 'd');
    third.release({ ...third.job, attempt: 2 }, 0);
    assert.equal((await take(4)).job.attempt, 2);
    const pushOnly = await startDriver(t, rabbit.url, {
      settings: { exchange: 'shop', exchangeType: 'topic', routingKey: 'mail.new' },
    });
    await pushOnly.driver.push(now(job('e')));
    assert.equal((await take(5)).job.id, 'e');
    pushOnly.driver.resume();
    assert.match(pushOnly.lines.join(), /error: .* names an exchange and no queue, so the pipeline only takes pushes/);
  });

  test('no more are handed over than may be, and none while it is paused', async (t) => {
    const { driver, taken, take } = await startDriver(t, rabbit.url, { prefetch: 3 });
    await driver.push(now(...Array.from({ length: 10 }, (_, index) => job(`${index}`))));
    driver.resume();
    await take(3);
    driver.pause();
    driver.resume();
    await eventually(async () => (await driver.stats()).waiting <= 7, 'a queue without what was handed over');
    assert.equal(taken.length, 3);
    taken[0]?.ack();
    await take(4);
    driver.pause();
    taken[1]?.ack();
    await eventually(async () => (await driver.stats()).waiting === 6, 'what was ahead is back');
    assert.deepEqual([taken.length, (await driver.stats()).reserved], [4, 2]);
    driver.resume();
    await take(5);
    assert.deepEqual(
      taken.map((one) => one.job.id),
      ['0', '1', '2', '3', '4'],
    );
  });

  test('many are taken ahead only while jobs are quick, and as many as the user wrote always', async (t) => {
    const { driver, pipeline, taken, take } = await startDriver(t, rabbit.url, { prefetch: 12 });
    const channel = await (await otherClient(t, rabbit.url)).acquire();
    const consumers = async () => (await channel.queueDeclare({ queue: pipeline, passive: true })).consumerCount;
    const push = () => driver.push(now(...Array.from({ length: 30 }, (_, index) => job(`${index}`))));
    await push();
    driver.resume();
    await take(10);
    assert.equal(await consumers(), 1);
    let [ended, pushes] = [0, 1];
    const look = async () => {
      while (ended < taken.length) taken[ended++]?.ack();
      if (ended > (pushes - 1) * 30) await push().then(() => pushes++);
      return (await consumers()) === 2;
    };
    await eventually(look, 'a consumer for more, while 12 jobs end within a second', 60_000);
    await push();
    await take(ended + 12);
    await eventually(async () => (await consumers()) === 1, 'the end of that consumer, while no job ends', 60_000);
    assert.equal(taken.length, ended + 12);
    const fixed = await startDriver(t, rabbit.url, { prefetch: 40, settings: { prefetch: 40 } });
    await fixed.driver.push(now(...Array.from({ length: 50 }, (_, index) => job(`${index}`))));
    fixed.driver.resume();
    await fixed.take(40);
  });

  test('a stop tells the broker all that is done, whatever its order', async (t) => {
    const { driver, pipeline, taken, take } = await startDriver(t, rabbit.url, { settings: { prefetch: 100 } });
    await driver.push(now(...Array.from({ length: 10 }, (_, index) => job(`${index}`))));
    driver.resume();
    await take(10);
    for (const index of [9, 1, 2, 3, 0, 7, 8]) taken[index]?.ack();
    await driver.stop();
    const second = await startDriver(t, rabbit.url, { pipeline });
    second.driver.resume();
    await second.take(3);
    assert.deepEqual(
      second.taken.map((one) => one.job.id),
      ['4', '5', '6'],
    );
    assert.equal((await second.driver.stats()).waiting, 0);
  });

  test('unique jobs, full queues and endless delays are refused', async (t) => {
    const { driver, pipeline } = await startDriver(t, rabbit.url, { maxWaiting: 3 });
    await assert.rejects(
      driver.push(now(job('a', { options: { unique: 'a' } }))),
      refused('ERR_JOBS_INVALID', /has no unique jobs: its driver is amqp/),
    );
    await driver.push(now(job('a'), job('b')));
    await assert.rejects(
      driver.push(now(job('c'), job('d'))),
      refused('ERR_JOBS_FULL', new RegExp(`${pipeline} is full.*3 jobs`)),
    );
    await assert.rejects(
      driver.push([{ job: job('e'), delayMs: 60 * 86_400_000 }]),
      refused('ERR_JOBS_INVALID', /60 days is too long.*at most 49 days/),
    );
    const short = await startDriver(t, rabbit.url, {
      settings: { queueHeaders: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } },
    });
    await short.driver.push(now(job('a')));
    await assert.rejects(short.driver.push(now(job('b'))), refused('ERR_JOBS_FULL', /RabbitMQ takes no more/));
  });

  test('a removed queue is gone with its jobs, and one that somebody removes is made again', async (t) => {
    const first = await startDriver(t, rabbit.url);
    await first.driver.push([{ job: job('a'), delayMs: 60_000 }, ...now(job('b'))]);
    await first.driver.destroy();
    await first.driver.stop();
    const client = await otherClient(t, rabbit.url);
    const queues = [first.pipeline, `rrts-delayed-60000.${first.pipeline}`];
    for (const queue of queues) await assert.rejects(client.queueDeclare({ queue, passive: true }), /NOT_FOUND/);
    const { driver, pipeline, take } = await startDriver(t, rabbit.url);
    driver.resume();
    await driver.push(now(job('c')));
    (await take(1)).ack();
    await client.queueDelete({ queue: pipeline });
    await eventually(() => driver.push(now(job('d'))).catch(() => undefined), 'a push into the new queue');
    assert.equal((await take(2)).job.id, 'd');
  });
});
