// One queue of the driver redis for a test, with a context that writes down what is handed over and what is logged.

import type { TestContext } from 'node:test';
import { type Logger, silentLogger } from '../../../../src/core/logger.ts';
import type { Delivery, NewJob } from '../../../../src/plugins/jobs/driver.ts';
import type { Job, JobOptions } from '../../../../src/plugins/jobs/job.ts';
import { RedisDriver, type RedisQueueOptions } from '../../../../src/plugins/jobs/redis/redis-driver.ts';

/** What a test wants. */
export interface QueueWish {
  readonly port: number;
  /** Default: 30,000. */
  readonly leaseMs?: number;
  /** Default: 50. */
  readonly prefetch?: number;
  readonly maxWaiting?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly queue?: string;
  /** Milliseconds until a command fails; default: 3000. */
  readonly commandTimeoutMs?: number;
  /** Default: 2000. */
  readonly dialTimeoutMs?: number;
  /** Default: only written down. */
  readonly onDelivery?: (delivery: Delivery) => void;
}

/** A driver and what came of it. */
export interface OpenQueue {
  readonly driver: RedisDriver;
  readonly deliveries: Delivery[];
  readonly warnings: string[];
  readonly infos: string[];
  readonly errors: string[];
}

/** What the driver is told. */
export function queueOptions(wish: QueueWish): RedisQueueOptions {
  return {
    key: 'jobs.pipelines.test.config',
    address: { kind: 'tcp', host: '127.0.0.1', port: wish.port },
    username: wish.username ?? '',
    password: wish.password ?? '',
    db: wish.db ?? 0,
    dialTimeoutMs: wish.dialTimeoutMs ?? 2000,
    commandTimeoutMs: wish.commandTimeoutMs ?? 3000,
    prefix: 'rrts:jobs:',
    queue: wish.queue ?? 'test',
    leaseMs: wish.leaseMs ?? 30_000,
  };
}

/** Makes one that is not started. It is stopped at the end of the test. */
export function makeQueue(t: TestContext, wish: QueueWish): OpenQueue {
  const deliveries: Delivery[] = [];
  const [warnings, infos, errors]: [string[], string[], string[]] = [[], [], []];
  const logger: Logger = {
    ...silentLogger,
    warn: (_, text) => void warnings.push(text),
    info: (_, text) => void infos.push(text),
    error: (_, text) => void errors.push(text),
  };
  const options = queueOptions(wish);
  const driver = new RedisDriver(options, {
    pipeline: 'test',
    key: options.key,
    logger,
    directory: '/',
    now: Date.now,
    prefetch: wish.prefetch ?? 50,
    maxWaiting: wish.maxWaiting ?? 1_000_000,
    deliver(delivery) {
      deliveries.push(delivery);
      wish.onDelivery?.(delivery);
    },
  });
  t.after(() => driver.stop());
  return { driver, deliveries, warnings, infos, errors };
}

/** Makes one and starts it; it is paused. */
export async function openQueue(t: TestContext, wish: QueueWish): Promise<OpenQueue> {
  const queue = makeQueue(t, wish);
  await queue.driver.start();
  return queue;
}

/** A job. */
export function jobOf(id: string, more: { priority?: number; payload?: Buffer; options?: JobOptions } = {}): Job {
  return {
    id,
    name: 'Test',
    payload: more.payload ?? Buffer.from(`payload of ${id}`),
    headers: {},
    priority: more.priority ?? 10,
    attempt: 1,
    pushedAt: Date.now(),
    options: more.options ?? {},
  };
}

/** Jobs on their way, named by numbers. */
export function newJobs(count: number, prefix = ''): NewJob[] {
  return Array.from({ length: count }, (_, index) => ({ job: jobOf(`${prefix}${index}`), delayMs: 0 }));
}
