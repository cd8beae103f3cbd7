// The driver redis: jobs in a Redis of yours, which several rrts masters may share.

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { duration } from '../../../core/scalars.ts';
import { RedisClient, type RedisOptions } from '../../redis-client/redis-client.ts';
import { type RedisSettings, redisOptions, redisShape } from '../../redis-client/redis-settings.ts';
import type { Driver, DriverContext, DriverStats, DriverType, NewJob, PushResult } from '../driver.ts';
import { Consumer } from './consumer.ts';
import { warnOfEviction } from './eviction.ts';
import { QueueStore, storeError } from './queue-store.ts';
import { WakeUps } from './wake-ups.ts';

const PREFIX = 'rrts:jobs:';
const LEASE_MS = 30_000;
const SHORTEST_LEASE_MS = 1000;
/** Two connections that attempt after 0.5 s, 1 s, 2 s, 2 s ...: never more than four in a second. By chance later, so that pipelines and servers fall out of step. */
const FIRST_RETRY_MS = 500;
const RETRY_JITTER = 0.25;
/** The connection counts as lost before its commands give up one by one. */
const SILENCE_MARGIN_MS = 500;
const STOP_MS = 4000;

/** What the driver is told. */
export interface RedisQueueOptions extends RedisOptions {
  /** In front of the name of each queue. */
  readonly prefix: string;
  /** Name of the queue. */
  readonly queue: string;
  /** How long a job that was handed over is its master's without a sign of life. */
  readonly leaseMs: number;
}

/** The driver; see {@link Driver}. */
export class RedisDriver implements Driver {
  readonly #options: RedisQueueOptions;
  readonly #context: DriverContext;
  #hasWarned = false;
  #open: { client: RedisClient; store: QueueStore; consumer: Consumer; wakeUps: WakeUps } | undefined;

  constructor(options: RedisQueueOptions, context: DriverContext) {
    this.#options = options;
    this.#context = context;
  }

  async start(): Promise<void> {
    const { prefix, queue, leaseMs } = this.#options;
    const context = this.#context;
    const options = connectionOptions(this.#options);
    const client = await RedisClient.open(options, context.logger).catch((thrown: unknown) => {
      throw storeError(thrown, context);
    });
    // The braces keep all keys of a queue in one slot.
    const store = new QueueStore(client, `${prefix}{${queue}}`, randomBytes(8).toString('hex'), context);
    const consumer = new Consumer(store, leaseMs, context);
    const wakeUps = new WakeUps(options, store.channel, context.logger, () => consumer.wake());
    client.onUp(() => {
      consumer.retry();
      this.#lookAtEviction(client);
    });
    this.#open = { client, store, consumer, wakeUps };
    wakeUps.open();
    if (client.up) this.#lookAtEviction(client);
    consumer.start(() => wakeUps.check());
  }

  async push(jobs: readonly NewJob[]): Promise<readonly PushResult[]> {
    const { store, consumer, wakeUps } = this.#opened;
    const results = await store.push(jobs);
    if (!wakeUps.live) consumer.wake();
    return results;
  }

  resume(): void {
    this.#opened.consumer.resume();
  }

  pause(): void {
    this.#opened.consumer.pause();
  }

  async stats(): Promise<DriverStats> {
    const { store, consumer } = this.#opened;
    return { ...(await store.count()), reserved: consumer.held };
  }

  async destroy(): Promise<void> {
    const { store, consumer } = this.#opened;
    await consumer.close(false);
    await store.remove();
  }

  async stop(): Promise<void> {
    if (this.#open === undefined) return;
    const { client, store, consumer, wakeUps } = this.#open;
    const done = new AbortController();
    // Whoever is cut off cannot say what it has; its leases end by themselves.
    const told = consumer.close(true).then(() => store.returnAll());
    const late = pause(STOP_MS, undefined, { signal: done.signal });
    await Promise.race([told, late].map((one) => one.catch(() => undefined)));
    done.abort();
    wakeUps.close();
    client.close();
  }

  /** In the background: the Redis may be another one, or set otherwise, each time it is back. */
  #lookAtEviction(client: RedisClient): void {
    if (this.#hasWarned) return;
    void warnOfEviction(client, this.#context).then((warned) => {
      this.#hasWarned ||= warned;
    });
  }

  get #opened() {
    if (this.#open === undefined) throw new Error('the queue is not started');
    return this.#open;
  }
}

function connectionOptions(options: RedisQueueOptions): RedisOptions {
  const silenceMs = options.commandTimeoutMs;
  const commandTimeoutMs = silenceMs + SILENCE_MARGIN_MS;
  const firstRetryMs = FIRST_RETRY_MS * (1 + Math.random() * RETRY_JITTER);
  return { ...options, commandTimeoutMs, silenceMs, firstRetryMs, pipelining: false };
}

const shape = {
  ...redisShape('redis: '),
  prefix: z.string().optional().describe('redis: in front of the name of the queue. Default: rrts:jobs:.'),
  lease: duration()
    .refine((milliseconds) => milliseconds >= SHORTEST_LEASE_MS, 'must be 1s or longer')
    .optional()
    .describe(
      'redis: how long a job that was handed over stays with its master without a sign of life; then another master gets it. It is prolonged while the job runs. Default: 30s.',
    ),
};

type Settings = RedisSettings & { prefix?: string; lease?: number; queue?: string };

/** The driver `redis`. */
export const redisDriverType: DriverType = {
  name: 'redis',
  roadRunnerName: 'redis',
  prefetch: 100,
  shape,
  ignored: [],
  section: z
    .strictObject(shape)
    .describe('What all pipelines of the driver redis share; their own config goes before it.'),
  create(settings, section, context) {
    const { prefix, lease, queue, ...connection }: Settings = { ...(section as Settings), ...(settings as Settings) };
    const options = {
      ...redisOptions(connection, context.key),
      prefix: prefix ?? PREFIX,
      queue: queue ?? context.pipeline,
      leaseMs: lease ?? LEASE_MS,
    };
    return new RedisDriver(options, context);
  },
};
