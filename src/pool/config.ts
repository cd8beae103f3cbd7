// The `pool:` section: RoadRunner's keys with RoadRunner's meanings, and ours beside them.

import { availableParallelism } from 'node:os';
import { z } from 'zod';
import type { CamelCased } from '../core/camel-case.ts';
import { RESTART } from '../core/reload-mark.ts';
import { duration, size } from '../core/scalars.ts';

/** Default worker count: 2 per core keeps every core busy while some workers wait for a database. */
export function defaultWorkerCount(): number {
  return availableParallelism() * 2;
}

/** Workers a pool may have. */
export const MAX_WORKERS = 500;

/** Schema of `supervisor:`. */
export const supervisorSchema = z.strictObject({
  exec_ttl: duration()
    .default(60_000)
    .describe('Longest time one request may run. Then its worker is killed and the client gets 504. 0 turns it off.'),
  ttl: duration().default(0).describe('Age after which an idle worker is replaced. 0: never.'),
  idle_ttl: duration()
    .default(0)
    .describe('Time without a request after which a worker that has served is replaced. 0: never.'),
  max_worker_memory: size('mb')
    .default(0)
    .describe(
      'Memory (resident set) from which a worker is replaced, after its answer. It serves on until its successor is ready, but not beyond a quarter more. 0: no limit.',
    ),
  max_worker_memory_hard: size('mb')
    .default(0)
    .describe('Memory at which a worker is killed at once; its client gets 502. 0: no limit.'),
});

/** Schema of `dynamic_allocator:`. */
export const dynamicAllocatorSchema = z.strictObject({
  max_workers: z
    .int()
    .min(0)
    .max(MAX_WORKERS)
    .default(10)
    .describe("Workers beyond num_workers, when pool.max_workers is not given: RoadRunner's way to say it."),
  spawn_rate: z.number().min(0.1).max(100).default(5).describe('Workers that may be started, or ended, in a second.'),
  idle_timeout: duration()
    .default(60_000)
    .describe('When some worker was idle for all of this time, there is one less, down to num_workers.'),
  queue_time: duration().default(50).describe('When a request has waited so long, there is one worker more.'),
});

/** Schema of `pool:`. Values come out in milliseconds. */
export const poolSchema = z.strictObject({
  num_workers: z
    .int()
    .min(0)
    .max(MAX_WORKERS)
    .default(0)
    .describe('PHP processes to keep ready. 0 means two per core.'),
  max_workers: z
    .int()
    .min(0)
    .max(MAX_WORKERS)
    .default(0)
    .describe(
      'PHP processes at most: while requests wait there are more than num_workers, as dynamic_allocator says. 0: always num_workers.',
    ),
  command: z
    .union([z.string().min(1), z.array(z.string()).min(1)])
    .optional()
    .describe('Overrides server.command for this pool.'),
  debug: z
    .boolean()
    .meta(RESTART)
    .default(false)
    .describe(
      'For development: a fresh process for each request, num_workers at most, and errors as readable pages. max_jobs and prefetch do nothing then.',
    ),
  max_jobs: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Requests after which a worker is replaced, plus up to 14 % by chance so that not all go at once. It serves on until its successor is ready, except with 1, which means a process per request. 0: never.',
    ),
  max_queue_size: z
    .int()
    .min(0)
    .optional()
    .describe('Requests that may wait for a worker; one more gets 503. Default: 100 per worker. 0: no limit.'),
  queue_timeout: duration()
    .optional()
    .describe('Longest wait for a worker; then 503. Default: allocate_timeout when that is given, else 5s.'),
  prefetch: z
    .int()
    .min(0)
    .max(64)
    .default(8)
    .describe(
      'Requests that a busy native worker may hold beside the one it runs, while requests wait and it is quick. Only GET, HEAD, OPTIONS, PUT and DELETE. 0 turns it off.',
    ),
  prefetch_sdk: z
    .boolean()
    .default(false)
    .describe(
      "The same for workers that use RoadRunner's packages, which cannot say that they keep requests. Those that answer whole replies do; a worker that streams while it holds requests is replaced.",
    ),
  allocate_timeout: duration().optional().describe('Longest time a worker may take to boot. Default: 60s.'),
  destroy_timeout: duration().default(60_000).describe('At stop: longest wait for busy workers.'),
  stream_timeout: duration()
    .default(60_000)
    .describe('After a client left a streamed response: longest time the worker may take to end it.'),
  dynamic_allocator: dynamicAllocatorSchema
    .optional()
    .describe('How the number of workers follows the load. With this section, or with max_workers, it does.'),
  supervisor: supervisorSchema.prefault({}),
});

/** `pool:` as parsed, before names are mapped to camelCase. */
export type PoolSection = z.output<typeof poolSchema>;

/** The pool's configuration, names in camelCase, durations in milliseconds. */
export type PoolConfig = CamelCased<PoolSection>;
