// What every queue driver does: one suite, run for each.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isRrtsError } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Delivery, Driver, DriverContext, NewJob } from '../../../src/plugins/jobs/driver.ts';
import type { Job } from '../../../src/plugins/jobs/job.ts';
import { eventually, within } from '../../helpers/wait-for.ts';

const DEADLINE_MS = 30_000;

/** How a test gets queues of one kind. */
export interface Harness {
  /** A started, paused, empty queue that ends with the test; several of one test have nothing to do with one another. */
  open(t: TestContext, context: DriverContext): Promise<Driver>;
  /** What it cannot do: those cases are left out, and the suite says so. */
  readonly lacks?: readonly Feature[];
}

/** What a driver may be unable to do. */
export type Feature = 'unique' | 'priority' | 'place in line' | 'max_waiting' | 'delayed stats';

/** A job for a test. */
export function job(id: string, more: Partial<Job> = {}): Job {
  return {
    id,
    name: 'App\\Test',
    payload: Buffer.from(`payload of ${id}`),
    headers: {},
    priority: 10,
    attempt: 1,
    pushedAt: 1_700_000_000_000,
    options: {},
    ...more,
  };
}

/** Jobs to push at once. */
export function now(...jobs: Job[]): NewJob[] {
  return jobs.map((one) => ({ job: one, delayMs: 0 }));
}

/** What a driver hands over, kept until a test settles it. */
export class Receiver {
  /** Everything that was handed over, settled or not. */
  readonly all: Delivery[] = [];
  #onDelivery: (delivery: Delivery) => void = () => undefined;

  /** Context for the driver. */
  context(more: Partial<DriverContext> = {}): DriverContext {
    return {
      pipeline: 'test',
      key: 'jobs.pipelines.test.config',
      logger: silentLogger,
      directory: '/tmp',
      now: Date.now,
      prefetch: 100,
      maxWaiting: 1_000_000,
      deliver: (delivery) => {
        this.all.push(delivery);
        this.#onDelivery(delivery);
      },
      ...more,
    };
  }

  /** Called for each delivery from now on. */
  each(work: (delivery: Delivery) => void): void {
    this.#onDelivery = work;
  }

  get ids(): string[] {
    return this.all.map(({ job: one }) => one.id);
  }

  /** Waits until so many were handed over in all. */
  async count(wanted: number): Promise<Delivery[]> {
    await eventually(() => (this.all.length >= wanted ? true : undefined), `${wanted} deliveries`, DEADLINE_MS);
    return this.all;
  }
}

const settledStats = async (driver: Driver, wanted: object): Promise<void> => {
  let last: unknown;
  const same = async (): Promise<true | undefined> => {
    last = await driver.stats();
    return JSON.stringify(last) === JSON.stringify(wanted) ? true : undefined;
  };
  try {
    await eventually(same, `stats ${JSON.stringify(wanted)}`, DEADLINE_MS);
  } catch (error) {
    assert.deepEqual(last, wanted, String(error));
  }
};

/** Registers the tests of the contract. */
export function driverContract(name: string, harness: Harness): void {
  const lacks = new Set(harness.lacks ?? []);
  const open = async (t: TestContext, more: Partial<DriverContext> = {}) => {
    const receiver = new Receiver();
    const driver = await harness.open(t, receiver.context(more));
    return { driver, receiver };
  };
  const having = (feature: Feature, title: string, work: (t: TestContext) => Promise<void>): void => {
    if (lacks.has(feature)) test(`${name}: has no "${feature}", by its nature: ${title}`, () => undefined);
    else test(`${name}: ${title}`, work);
  };

  test(`${name}: a job comes as it was pushed, and is gone when it is acknowledged`, async (t) => {
    const { driver, receiver } = await open(t);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const pushed = job('id-1', {
      name: 'App\\Mail\\Senden ü',
      payload: bytes,
      headers: { 'x-list': ['a', 'b'], empty: [''], ключ: ['значение'] },
      priority: 7,
      attempt: 3,
      options: {
        timeoutMs: 1500,
        maxAttempts: 9,
        chain: [
          {
            pipeline: 'other',
            id: 'next',
            name: 'B',
            payload: Buffer.from([0, 255]),
            headers: {},
            priority: 3,
            delayMs: 20,
            options: { timeoutMs: 5 },
          },
        ],
      },
    });
    assert.deepEqual(await driver.push(now(pushed)), ['stored']);
    assert.equal(receiver.all.length, 0, 'a driver starts paused');
    driver.resume();
    const [delivery] = await receiver.count(1);
    assert.deepEqual(plain(delivery?.job), plain(pushed));
    delivery?.ack();
    await settledStats(driver, { waiting: 0, delayed: 0, reserved: 0 });
  });

  test(`${name}: an empty payload, a large one, no headers`, async (t) => {
    const { driver, receiver } = await open(t);
    const large = Buffer.alloc(3_000_000, 'x');
    await driver.push(now(job('empty', { payload: Buffer.alloc(0) }), job('large', { payload: large })));
    driver.resume();
    await receiver.count(2);
    const byId = new Map(receiver.all.map((one) => [one.job.id, one]));
    assert.equal(byId.get('empty')?.job.payload.length, 0);
    assert.ok(byId.get('large')?.job.payload.equals(large));
    for (const delivery of receiver.all) delivery.ack();
    await settledStats(driver, { waiting: 0, delayed: 0, reserved: 0 });
  });

  test(`${name}: in the order of their pushes, each once, at most prefetch at a time`, async (t) => {
    const { driver, receiver } = await open(t, { prefetch: 7 });
    const ids = Array.from({ length: 300 }, (_, index) => `job-${index}`);
    for (let at = 0; at < ids.length; at += 50) await driver.push(now(...ids.slice(at, at + 50).map((id) => job(id))));
    let out = 0;
    let most = 0;
    receiver.each((delivery) => {
      most = Math.max(most, ++out);
      setImmediate(() => {
        out--;
        delivery.ack();
      });
    });
    driver.resume();
    await receiver.count(300);
    assert.deepEqual(receiver.ids, ids);
    assert.ok(most <= 7, `${most} were out at a time`);
    await settledStats(driver, { waiting: 0, delayed: 0, reserved: 0 });
    assert.equal(receiver.all.length, 300);
  });

  having('priority', 'lower priorities first, and in order within one', async (t) => {
    const { driver, receiver } = await open(t, { prefetch: 1 });
    const pushed = [5, 1, 9, 1, 5, 0].map((priority, index) => job(`${priority}-${index}`, { priority }));
    await driver.push(now(...pushed));
    receiver.each((delivery) => setImmediate(() => delivery.ack()));
    driver.resume();
    await receiver.count(6);
    assert.deepEqual(receiver.ids, ['0-5', '1-1', '1-3', '5-0', '5-4', '9-2']);
  });

  test(`${name}: a delayed job waits for its time, the others do not wait for it`, async (t) => {
    const { driver, receiver } = await open(t);
    const times = new Map<string, number>();
    receiver.each((delivery) => {
      times.set(delivery.job.id, Date.now() - begun);
      delivery.ack();
    });
    driver.resume();
    const begun = Date.now();
    await driver.push([
      { job: job('far'), delayMs: 3_600_000 },
      { job: job('late'), delayMs: 700 },
      { job: job('soon'), delayMs: 250 },
      { job: job('at once'), delayMs: 0 },
    ]);
    await eventually(() => times.size === 3, 'three jobs', DEADLINE_MS);
    assert.deepEqual([...times.keys()].sort(), ['at once', 'late', 'soon']);
    const late = { soon: (times.get('soon') ?? 0) - 250, late: (times.get('late') ?? 0) - 700 };
    assert.ok(late.soon >= -5 && late.late >= -5, `came too early: ${JSON.stringify(late)}`);
    t.diagnostic(`at once after ${times.get('at once')} ms; late by ${late.soon} and ${late.late} ms`);
  });

  having('delayed stats', 'stats tell waiting, delayed and reserved apart', async (t) => {
    const { driver, receiver } = await open(t, { prefetch: 2 });
    await driver.push([...now(job('a'), job('b'), job('c')), { job: job('d'), delayMs: 60_000 }]);
    await settledStats(driver, { waiting: 3, delayed: 1, reserved: 0 });
    driver.resume();
    await receiver.count(2);
    await settledStats(driver, { waiting: 1, delayed: 1, reserved: 2 });
  });

  test(`${name}: released with another content and a delay`, async (t) => {
    const { driver, receiver } = await open(t);
    await driver.push(now(job('a')));
    driver.resume();
    const [first] = await receiver.count(1);
    assert.ok(first);
    const begun = Date.now();
    first.release({ ...first.job, attempt: 2, headers: { why: ['failed'] } }, 300);
    const second = (await receiver.count(2))[1];
    assert.ok(Date.now() - begun >= 295);
    assert.equal(second?.job.attempt, 2);
    assert.deepEqual(plain(second?.job.headers), { why: ['failed'] });
    assert.equal(second?.job.id, 'a');
    assert.equal(String(second?.job.payload), 'payload of a');
    second?.ack();
    await settledStats(driver, { waiting: 0, delayed: 0, reserved: 0 });
  });

  having('place in line', 'released as it was, it keeps its place', async (t) => {
    const { driver, receiver } = await open(t, { prefetch: 2 });
    await driver.push(now(job('a'), job('b'), job('c')));
    driver.resume();
    const [a, b] = await receiver.count(2);
    driver.pause();
    b?.release(b.job, 0);
    a?.release(a.job, 0);
    await settledStats(driver, { waiting: 3, delayed: 0, reserved: 0 });
    receiver.each((delivery) => setImmediate(() => delivery.ack()));
    driver.resume();
    await receiver.count(5);
    assert.deepEqual(receiver.ids.slice(2), ['a', 'b', 'c']);
  });

  test(`${name}: paused, it hands over nothing more, and goes on when it is resumed`, async (t) => {
    const { driver, receiver } = await open(t, { prefetch: 3 });
    driver.resume();
    await driver.push(now(job('a')));
    const [a] = await receiver.count(1);
    driver.pause();
    a?.ack();
    await driver.push([...now(job('b')), { job: job('c'), delayMs: 50 }]);
    await settledWithout(receiver, 1);
    driver.resume();
    await receiver.count(3);
    assert.deepEqual([...receiver.ids].sort(), ['a', 'b', 'c']);
  });

  having('unique', 'a unique key is taken until its job is acknowledged', async (t) => {
    const { driver, receiver } = await open(t);
    const unique = (id: string, key = 'key') => job(id, { options: { unique: key } });
    assert.deepEqual(await driver.push(now(unique('a'), unique('b'), unique('c', 'other'))), [
      'stored',
      'duplicate',
      'stored',
    ]);
    assert.deepEqual(await driver.push([{ job: unique('d'), delayMs: 50 }]), ['duplicate']);
    driver.resume();
    await receiver.count(2);
    const a = receiver.all.find((one) => one.job.id === 'a');
    assert.deepEqual(await driver.push(now(unique('e'))), ['duplicate'], 'while it runs');
    a?.release({ ...a.job, attempt: 2 }, 0);
    const again = (await receiver.count(3))[2];
    assert.equal(again?.job.id, 'a');
    assert.deepEqual(await driver.push(now(unique('f'))), ['duplicate'], 'after a failure');
    again?.ack();
    const freed = async () => (await driver.push(now(unique('g'))))[0] === 'stored' || undefined;
    await eventually(freed, 'a free key', DEADLINE_MS);
    await receiver.count(4);
    assert.equal(receiver.all[3]?.job.id, 'g');
  });

  having('max_waiting', 'a full queue refuses a batch whole, and takes jobs again', async (t) => {
    const { driver, receiver } = await open(t, { maxWaiting: 3 });
    await driver.push(now(job('a'), job('b')));
    await assert.rejects(driver.push(now(job('c'), job('d'))), (error) => {
      return isRrtsError(error) && error.code === 'ERR_JOBS_FULL';
    });
    await driver.push(now(job('e')));
    receiver.each((delivery) => setImmediate(() => delivery.ack()));
    driver.resume();
    await receiver.count(3);
    assert.deepEqual([...receiver.ids].sort(), ['a', 'b', 'e']);
    const room = async () => {
      try {
        return (await driver.push(now(job(`f-${Math.random()}`)))).length > 0 || undefined;
      } catch {
        return undefined;
      }
    };
    await eventually(room, 'room again', DEADLINE_MS);
  });

  test(`${name}: pushes at the same time, while jobs are handed over`, async (t) => {
    const { driver, receiver } = await open(t, { prefetch: 50 });
    receiver.each((delivery) => setImmediate(() => delivery.ack()));
    driver.resume();
    const batches = Array.from({ length: 40 }, (_, batch) =>
      driver.push(now(...Array.from({ length: 25 }, (_, index) => job(`${batch}-${index}`)))),
    );
    await within(Promise.all(batches), DEADLINE_MS, 'all pushes');
    await receiver.count(1000);
    await settledStats(driver, { waiting: 0, delayed: 0, reserved: 0 });
    assert.equal(new Set(receiver.ids).size, 1000);
    assert.equal(receiver.all.length, 1000);
  });

  test(`${name}: destroyed, it is empty`, async (t) => {
    const { driver, receiver } = await open(t);
    await driver.push([...now(job('a')), { job: job('b'), delayMs: 100 }]);
    await driver.destroy();
    await within(driver.stop(), DEADLINE_MS, 'the stop');
    assert.equal(receiver.all.length, 0);
  });
}

/** Nothing is handed over for a while: a driver that was to do so would do it within this time. */
async function settledWithout(receiver: Receiver, count: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(receiver.all.length, count, 'a paused queue hands over nothing');
}

/** Objects without a prototype, and views of larger buffers, compare as what they hold. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, item: unknown) => item));
}
