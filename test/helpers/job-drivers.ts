// The queue drivers that whole-server tests run against, each with the real store behind it.

import { randomUUID } from 'node:crypto';
import { after, type TestContext } from 'node:test';
import { type RabbitMq, startRabbitMq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';
import type { ConfigTree } from './start-server.ts';
import { startTcpProxy } from './tcp-proxy.ts';

/** A store that was started for one test, and is gone with it. */
export interface JobStore {
  /** `driver` and `config` of a pipeline of this name in it. Servers that are given the same name share the queue, where `shared` says so. */
  pipeline(name: string): ConfigTree;
  /** The broker goes away; undefined where there is none. */
  readonly away?: () => Promise<void>;
  /** It comes back, with what it had confirmed. */
  readonly back?: () => Promise<void>;
  /** Nobody listens any more where servers look for it; it stays up. */
  readonly hide?: () => Promise<void>;
  /** Ends `hide`. */
  readonly show?: () => Promise<void>;
  /** Cuts every connection to it; it stays up. */
  readonly cut?: () => void;
  /** Keys of `config` for a server that dies, or whose jobs run long: the broker gives up on it soon; undefined where it knows of its end at once. */
  readonly shortLease?: ConfigTree;
  /** Connections that were tried since the start, by `performance.now()`. */
  readonly arrivals?: () => readonly number[];
}

/** One driver. */
export interface JobDriver {
  readonly name: string;
  /** Confirmed pushes survive the end of the master. */
  readonly durable: boolean;
  /** Several masters may share one queue. */
  readonly shared: boolean;
  /** Knows `unique` jobs. */
  readonly unique: boolean;
  /** Starts the store. `dir` is a folder of the test, which outlives its servers. */
  start(t: TestContext, dir: string): Promise<JobStore>;
}

const memory: JobDriver = {
  name: 'memory',
  durable: false,
  shared: false,
  unique: true,
  start: async () => ({ pipeline: () => ({ driver: 'memory' }) }),
};

/** Each write is in a file before it is answered: it survives the end of Redis. */
const redis: JobDriver = {
  name: 'redis',
  durable: true,
  shared: true,
  unique: true,
  async start(t, dir) {
    const server = await startRedis({ directory: dir });
    t.after(() => server.stop());
    const proxy = await startTcpProxy(server.port);
    t.after(() => proxy.close());
    const config = { addrs: [proxy.address] };
    return {
      pipeline: (name) => ({ driver: 'redis', config: { ...config, queue: name } }),
      away: () => server.stop(),
      back: () => server.restart(),
      hide: () => proxy.leave(),
      show: () => proxy.listen(),
      shortLease: { lease: '3s' },
      cut: () => proxy.cut(),
      arrivals: () => proxy.arrivals,
    };
  },
};

/** It takes seconds to start, so the tests of a file share one. */
let rabbit: Promise<RabbitMq> | undefined;
after(async () => (await rabbit)?.close());

const amqp: JobDriver = {
  name: 'amqp',
  durable: true,
  shared: true,
  unique: false,
  start: async (t) => {
    rabbit ??= startRabbitMq();
    const broker = await rabbit;
    const proxy = await startTcpProxy(broker.port);
    t.after(() => proxy.close());
    const mark = randomUUID().slice(0, 8);
    const addr = `amqp://guest:guest@${proxy.address}/`;
    return {
      pipeline: (name) => ({ driver: 'amqp', config: { addr, queue: `${name}-${mark}` } }),
      away: () => broker.stop(),
      back: () => broker.restart(),
      hide: () => proxy.leave(),
      show: () => proxy.listen(),
      cut: () => proxy.cut(),
      arrivals: () => proxy.arrivals,
    };
  },
};

const local: JobDriver = {
  name: 'local',
  durable: true,
  shared: false,
  unique: true,
  start: async (_t, dir) => ({ pipeline: (name) => ({ driver: 'local', config: { dir: `${dir}/${name}` } }) }),
};

/** All of them. */
export const JOB_DRIVERS: readonly JobDriver[] = [memory, local, redis, amqp];
