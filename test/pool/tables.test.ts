// The pool's decisions that need no process: outcomes, statuses, back-off, limits, the queue.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { camelCased } from '../../src/core/camel-case.ts';
import { backOff } from '../../src/pool/back-off.ts';
import type { PoolConfig } from '../../src/pool/config.ts';
import { poolSchema } from '../../src/pool/config.ts';
import { limitsOf } from '../../src/pool/limits.ts';
import { OUTCOMES, outcomeStatus, retryAfterSeconds } from '../../src/pool/outcome.ts';
import { PoolRequest } from '../../src/pool/request.ts';
import { WaitQueue } from '../../src/pool/wait-queue.ts';
import { mayGo, type WorkerState } from '../../src/worker/state.ts';

class Waiting extends PoolRequest {
  constructor(queuedAt: number) {
    super(true);
    this.queuedAt = queuedAt;
  }
  encode(): never {
    throw new Error('not run here');
  }
  onReply(): boolean {
    return true;
  }
  onDone(): void {}
  onFailure(): void {}
}

function config(values: object = {}): PoolConfig {
  return camelCased(poolSchema, poolSchema.parse(values)) as PoolConfig;
}

test('the outcome table is the one of the design', () => {
  assert.deepEqual(OUTCOMES, {
    reply: { worker: 'keep', request: 'done' },
    error_frame: { worker: 'keep', request: 'fail' },
    stop_wish: { worker: 'retire', request: 'hand_on' },
    not_begun: { worker: 'replace', request: 'hand_on' },
    crash: { worker: 'replace', request: 'replay' },
    cut: { worker: 'replace', request: 'fail' },
    malformed_reply: { worker: 'replace', request: 'fail' },
    memory_limit: { worker: 'replace', request: 'fail' },
    exec_ttl: { worker: 'replace', request: 'fail' },
    stream_timeout: { worker: 'replace', request: 'fail' },
  });
});

test('each failure has its status, and "not now" has a Retry-After', () => {
  assert.equal(outcomeStatus('ERR_WORKER_ERROR'), 500);
  assert.equal(outcomeStatus('ERR_WORKER_BOOT'), 500);
  assert.equal(outcomeStatus('ERR_WORKER_BOOT_TIMEOUT'), 500);
  assert.equal(outcomeStatus('ERR_WORKER_DIED'), 502);
  assert.equal(outcomeStatus('ERR_WORKER_MALFORMED_REPLY'), 502);
  assert.equal(outcomeStatus('ERR_WORKER_EXEC_TTL'), 504);
  for (const code of [
    'ERR_POOL_QUEUE_FULL',
    'ERR_POOL_QUEUE_TIMEOUT',
    'ERR_POOL_CRASH_LOOP',
    'ERR_POOL_STOPPED',
  ] as const) {
    assert.equal(outcomeStatus(code), 503);
    assert.equal(retryAfterSeconds(code), 1);
  }
  assert.equal(retryAfterSeconds('ERR_WORKER_DIED'), undefined);
});

test('the back-off is quadratic up to a second and then grows to thirty', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 50].map(backOff),
    [0, 100, 400, 900, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
  let withinMinute = 0;
  for (let elapsed = 0; elapsed <= 60_000; elapsed += backOff(withinMinute)) withinMinute++;
  assert.ok(withinMinute <= 12, `${withinMinute} attempts in a minute`);
});

test('the queue limits follow the worker count unless they are given', () => {
  assert.equal(limitsOf(config({ num_workers: 3 })).maxQueueSize, 300);
  assert.equal(limitsOf(config({ num_workers: 3, max_queue_size: 7 })).maxQueueSize, 7);
  assert.equal(limitsOf(config()).queueTimeout, 5000);
  assert.equal(limitsOf(config({ allocate_timeout: '9s' })).queueTimeout, 9000);
  assert.equal(limitsOf(config({ allocate_timeout: '9s', queue_timeout: '2s' })).queueTimeout, 2000);
  assert.equal(limitsOf(config()).bootTimeout, 60_000);
  assert.equal(limitsOf(config()).execTtl, 60_000);
  assert.ok(limitsOf(config()).numWorkers >= 2);
});

test('max_jobs has a jitter of 14 % at most', () => {
  const limits = config({ max_jobs: 100 });
  assert.equal(limitsOf(limits, () => 0).nextMaxJobs(), 100);
  assert.equal(limitsOf(limits, () => 0.999).nextMaxJobs(), 113);
  assert.equal(limitsOf(config(), () => 0.9).nextMaxJobs(), 0);
});

test('debug: one request for each worker, nothing sent ahead, whatever is configured', () => {
  const limits = limitsOf(config({ debug: true, max_jobs: 100, prefetch: 8 }), () => 0.999);
  assert.deepEqual([limits.nextMaxJobs(), limits.prefetch], [1, 0]);
});

test('the queue refuses over its limit, expires the oldest first and takes given-back requests before all others', () => {
  const queue = new WaitQueue({ maxQueueSize: 2, queueTimeout: 1000 });
  const [a, b, c] = [new Waiting(0), new Waiting(100), new Waiting(50)];
  assert.equal(queue.push(a), true);
  assert.equal(queue.push(b), true);
  assert.equal(queue.push(c), false);
  queue.giveBack(c);
  assert.equal(queue.size, 3);
  assert.equal(queue.shift(), c);
  assert.equal(queue.shiftExpired(999), undefined);
  assert.equal(queue.shiftExpired(1000), a);
  assert.equal(queue.shiftExpired(1000), undefined);
  queue.giveBack(c);
  c.queuedAt = 900; // replayed: it ran in between
  assert.equal(queue.shiftExpired(1100), b, 'also from behind one that has not waited so long');
  assert.equal(queue.shiftExpired(1100), undefined);
  assert.equal(queue.remove(c), true);
  assert.equal(queue.size, 0);
});

test('worker states go forward only, but for ready and working', () => {
  const states: WorkerState[] = ['starting', 'ready', 'working', 'stopping', 'dead'];
  const legal = states.flatMap((from) => states.filter((to) => mayGo(from, to)).map((to) => `${from}>${to}`));
  assert.deepEqual(legal, [
    'starting>ready',
    'starting>stopping',
    'starting>dead',
    'ready>working',
    'ready>stopping',
    'ready>dead',
    'working>ready',
    'working>stopping',
    'working>dead',
    'stopping>dead',
  ]);
});
