// A driver of the tests in this folder, what it hands over, and what it says.

import type { TestContext } from 'node:test';
import { Connection } from 'rabbitmq-client';
import type { Logger } from '../../../../src/core/logger.ts';
import { amqpDriverType } from '../../../../src/plugins/jobs/amqp/amqp-driver.ts';
import type { Delivery, Driver, NewJob } from '../../../../src/plugins/jobs/driver.ts';
import type { Job } from '../../../../src/plugins/jobs/job.ts';
import { eventually, within } from '../../../helpers/wait-for.ts';

/** What is special about a driver. */
export interface Wish {
  /** Name of the pipeline. Default: one that nobody else has. */
  readonly pipeline?: string;
  /** `config` of the pipeline, in camelCase. */
  readonly settings?: Record<string, unknown>;
  /** `tls` of the section `amqp`, in camelCase. */
  readonly tls?: Record<string, string>;
  readonly prefetch?: number;
  readonly maxWaiting?: number;
}

/** A driver and its surroundings. */
export interface Rig {
  readonly driver: Driver;
  readonly pipeline: string;
  /** What it handed over, from the first one on. */
  readonly taken: Delivery[];
  /** `warn: text`, one each. */
  readonly lines: string[];
  /** Waits until so many were handed over, and gives the last one. */
  take(count: number, ms?: number): Promise<Delivery>;
}

let count = 0;

/** Makes one, which is not started, and is stopped after the test. */
export function makeDriver(t: TestContext, url: string, wish: Wish = {}): Rig {
  const pipeline = wish.pipeline ?? `p${process.pid}-${++count}`;
  const taken: Delivery[] = [];
  const lines: string[] = [];
  const driver = amqpDriverType.create(
    wish.settings ?? {},
    { addr: url, ...(wish.tls === undefined ? {} : { tls: wish.tls }) },
    {
      pipeline,
      key: `jobs.pipelines.${pipeline}.config`,
      logger: loggerTo(lines),
      directory: '/tmp',
      now: Date.now,
      prefetch: wish.prefetch ?? 10,
      maxWaiting: wish.maxWaiting ?? 1000,
      deliver: (delivery) => void taken.push(delivery),
    },
  );
  t.after(() => within(driver.stop(), 15_000, 'the stop of a driver'));
  return {
    driver,
    pipeline,
    taken,
    lines,
    take: async (wanted, ms = 20_000) => {
      await eventually(() => taken.length >= wanted, `${wanted} deliveries (there are ${taken.length})`, ms);
      const last = taken[wanted - 1];
      if (last === undefined) throw new Error('no delivery');
      return last;
    },
  };
}

/** Makes one and starts it. */
export async function startDriver(t: TestContext, url: string, wish: Wish = {}): Promise<Rig> {
  const rig = makeDriver(t, url, wish);
  await rig.driver.start();
  return rig;
}

/** A job with what a test does not care about. */
export function job(id: string, more: Partial<Job> = {}): Job {
  return {
    id,
    name: 'App\\Work',
    payload: Buffer.from(`payload of ${id}`),
    headers: {},
    priority: 10,
    attempt: 1,
    pushedAt: Date.now(),
    options: {},
    ...more,
  };
}

/** For `push`. */
export function now(...jobs: readonly Job[]): NewJob[] {
  return jobs.map((one) => ({ job: one, delayMs: 0 }));
}

/** A client that is not rrts. */
export async function otherClient(t: TestContext, url: string): Promise<Connection> {
  const client = new Connection({ url, retryLow: 100, retryHigh: 500 });
  client.on('error', () => {});
  t.after(() => client.unsafeDestroy());
  await client.onConnect(10_000);
  return client;
}

function loggerTo(lines: string[]): Logger {
  const line = (level: string) => (_facts: object, text: string) => void lines.push(`${level}: ${text}`);
  const logger: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => logger,
  };
  return logger;
}
