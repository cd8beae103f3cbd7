// Steps of delays: exact where people write them, never early, and few.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { roundDelay, waitingQueue } from '../../../../src/plugins/jobs/amqp/delay-steps.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test('delays that a person writes are exact', () => {
  const delays = [50, 100, 250, 500, 1000, 1500, 2000, 5000, 10_000, 15_000, 45_000, MINUTE, 90_000, 5 * MINUTE];
  for (const delay of [
    ...delays,
    15 * MINUTE,
    45 * MINUTE,
    HOUR,
    90 * MINUTE,
    12 * HOUR,
    DAY,
    36 * HOUR,
    7 * DAY,
    30 * DAY,
  ]) {
    assert.equal(roundDelay(delay), delay);
  }
});

test('a delay is never shortened, and from 1.5 s on grows by 17 % at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 * DAY }), (delay) => {
      const rounded = roundDelay(delay);
      assert.ok(rounded >= delay && rounded <= Math.max(delay + 250, delay * 1.17), `${delay} became ${rounded}`);
    }),
  );
});

test('there are few waiting queues, whatever the delays', () => {
  const names = new Set<number>();
  for (let delay = 1; delay <= DAY; delay += 7) names.add(roundDelay(delay));
  assert.ok(names.size <= 360, `${names.size} queues`);
});

test('a waiting queue leads back, outlives its messages, and has a name that fits', () => {
  const queue = waitingQueue(1499, { exchange: '', routingKey: 'orders' });
  assert.equal(queue.name, 'rrts-delayed-1500.orders');
  assert.deepEqual(queue.arguments, {
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': 'orders',
    'x-message-ttl': 1500,
    'x-expires': 1500 + 10 * MINUTE,
  });
  const long = waitingQueue(1000, { exchange: 'x'.repeat(150), routingKey: 'y'.repeat(150) });
  assert.ok(Buffer.byteLength(long.name) < 255);
  assert.throws(() => waitingQueue(50 * DAY, { exchange: '', routingKey: 'q' }), { code: 'ERR_JOBS_INVALID' });
});
