// The line of requests of one worker: who runs, who waits in the pipe, who was taken back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../src/worker/exchange.ts';
import { Line } from '../../src/worker/line.ts';

const exchange = (): Exchange => ({
  replyStarted: false,
  execTtl: undefined,
  label: '',
  encode: () => assert.fail('not sent here'),
  onReply: () => true,
});

test('requests end in the order they were sent', () => {
  const line = new Line(false);
  const [a, b, c] = [exchange(), exchange(), exchange()];
  line.begin(a, 0);
  line.hold(b);
  line.hold(c);
  assert.equal(line.held, 2);
  assert.equal(line.end(1), a);
  assert.equal(line.advance(1), true);
  assert.equal(line.current, b);
  assert.equal(line.end(2), b);
  assert.equal(line.advance(2), true);
  assert.equal(line.end(3), c);
  assert.equal(line.advance(3), false);
  assert.equal(line.current, undefined);
});

test('what is taken back still has its place, because its reply still comes, and nobody waits for that', () => {
  const line = new Line(false);
  const [a, b, c] = [exchange(), exchange(), exchange()];
  line.begin(a, 0);
  line.hold(b);
  line.hold(c);
  assert.deepEqual(line.takeBack(), [b, c]);
  assert.deepEqual(line.takeBack(), []);
  assert.equal(line.held, 2);
  assert.equal(line.hasVoids, true);
  assert.equal(line.end(1), a);
  line.advance(1);
  assert.equal(line.isUnwanted, true);
  assert.equal(line.end(2), undefined);
  line.advance(2);
  assert.equal(line.isUnwanted, true);
  assert.equal(line.end(3), undefined);
  assert.equal(line.hasVoids, false);
  assert.equal(line.advance(3), false);
});

test('a request whose client left is dropped where it stands', () => {
  const line = new Line(false);
  const [a, b, c] = [exchange(), exchange(), exchange()];
  line.begin(a, 0);
  line.hold(b);
  line.hold(c);
  line.drop(b);
  line.end(1);
  line.advance(1);
  assert.equal(line.isUnwanted, true);
  line.end(2);
  line.advance(2);
  assert.equal(line.current, c);
});

test('the average follows the handling time, which for a request sent ahead begins when the one before it ends', () => {
  const line = new Line(false);
  line.begin(exchange(), 100);
  line.hold(exchange());
  line.end(110);
  assert.equal(line.averageMs, 10);
  line.advance(110);
  assert.equal(line.begunAt, 110);
  line.end(115);
  assert.equal(line.averageMs, 9);
});

test('a worker that announces what it begins has not begun what it has not announced', () => {
  const line = new Line(true);
  const [a, b] = [exchange(), exchange()];
  line.begin(a, 0);
  assert.equal(line.begun, true, 'a request for an idle worker counts as begun');
  assert.equal(line.announce(), false);
  line.hold(b);
  line.end(1);
  line.advance(1);
  assert.equal(line.begun, false);
  assert.equal(line.announce(), true);
  assert.equal(line.begun, true);
  assert.equal(line.announce(), false);
});

test('requests that a worker threw away leave no gap, whether it was at the first of them or not yet', () => {
  for (const ended of [false, true]) {
    const line = new Line(true);
    line.begin(exchange(), 0);
    line.hold(exchange());
    line.hold(exchange());
    line.takeBack();
    if (ended) {
      line.end(1);
      line.advance(1);
    }
    assert.equal(line.held, 2);
    assert.equal(line.forget(2), true);
    assert.equal(line.hasVoids, false);
    assert.equal(line.held, 0);
    assert.equal(line.current === undefined, ended);
  }
});

test('a worker cannot throw away what somebody waits for, what it has begun, or what it has not', () => {
  const line = new Line(true);
  line.begin(exchange(), 0);
  line.hold(exchange());
  assert.equal(line.forget(1), false);
  const begun = new Line(true);
  begun.begin(exchange(), 0);
  begun.hold(exchange());
  begun.takeBack();
  begun.end(1);
  begun.advance(1);
  begun.announce();
  assert.equal(begun.forget(1), false);
});

test('a request that the worker has not begun after its last answer is taken back with the others', () => {
  const line = new Line(true);
  const [a, b, c] = [exchange(), exchange(), exchange()];
  line.begin(a, 0);
  line.hold(b);
  line.hold(c);
  assert.deepEqual(line.takeBackAll(), [b, c], 'what was begun stays');
  line.end(1);
  line.advance(1);
  assert.deepEqual(line.takeBackAll(), [], 'nobody waits for it');

  const other = new Line(true);
  other.begin(a, 0);
  other.hold(b);
  other.hold(c);
  other.end(1);
  other.advance(1);
  assert.equal(other.held, 2);
  assert.deepEqual(other.takeBackAll(), [b, c]);
  assert.equal(other.isUnwanted, true);
  assert.equal(other.forget(2), true);
  assert.equal(other.current, undefined);
  assert.equal(other.hasVoids, false);
});

test('nothing was taken back, so nothing may be thrown away', () => {
  const line = new Line(true);
  line.begin(exchange(), 0);
  line.hold(exchange());
  line.end(1);
  line.advance(1);
  assert.equal(line.forget(1), false);
});
