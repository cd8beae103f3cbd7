// Acks of the driver amqp, against a broker that is as strict about tags as RabbitMQ.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type AckChannel, Acks } from '../../../../src/plugins/jobs/amqp/acks.ts';

/** Most that an ack waits for company: two rounds. */
const LONGEST_MS = 4;

/** Knows what it delivered, and ends the channel, here the test, over a tag that it does not expect. */
class Broker implements AckChannel {
  active = true;
  readonly unacked = new Set<number>();
  /** What it was told: `1-5` for one ack of all up to 5, `7` for one, `-8` for one that goes back. */
  readonly told: string[] = [];
  readonly done = new Set<number>();

  basicAck({ deliveryTag, multiple = false }: { deliveryTag: number; multiple?: boolean }): void {
    assert.ok(this.unacked.has(deliveryTag), `unknown delivery tag ${deliveryTag}`);
    const tags = multiple ? [...this.unacked].filter((tag) => tag <= deliveryTag) : [deliveryTag];
    for (const tag of tags) {
      this.unacked.delete(tag);
      this.done.add(tag);
    }
    this.told.push(multiple ? `${Math.min(...tags)}-${deliveryTag}` : `${deliveryTag}`);
  }

  basicNack({ deliveryTag }: { deliveryTag: number }): void {
    assert.ok(this.unacked.delete(deliveryTag), `unknown delivery tag ${deliveryTag}`);
    this.told.push(`-${deliveryTag}`);
  }
}

interface Rig {
  readonly broker: Broker;
  readonly acks: Acks;
  /** Lets so many milliseconds pass; 0: the turn of the event loop ends. */
  pass(ms: number): void;
}

function rig(t: TestContext, prefetch: number, deliveries: number): Rig {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  const broker = new Broker();
  const acks = new Acks(broker);
  acks.prefetch = prefetch;
  for (let tag = 1; tag <= deliveries; tag++) {
    broker.unacked.add(tag);
    acks.arrived(tag);
  }
  const pass = (ms: number): void => {
    t.mock.timers.tick(0);
    // In steps: what a timer sets must not begin at the end of a long one.
    for (let step = 0; step < ms; step++) t.mock.timers.tick(1);
  };
  return { broker, acks, pass };
}

test('what ends in one turn of the event loop is told with one ack', (t) => {
  const { broker, acks, pass } = rig(t, 10, 6);
  for (const tag of [2, 1, 3, 4]) acks.ack(tag);
  assert.deepEqual(broker.told, []);
  pass(0);
  assert.deepEqual(broker.told, ['1-4']);
  acks.ack(5);
  pass(0);
  assert.deepEqual(broker.told, ['1-4', '5']);
});

test('while the workers have enough to do acks wait for company, for milliseconds', (t) => {
  const { broker, acks, pass } = rig(t, 10, 10);
  acks.ack(1);
  acks.ack(2);
  pass(0);
  assert.deepEqual(broker.told, []);
  acks.ack(3);
  pass(LONGEST_MS);
  assert.deepEqual(broker.told, ['1-3']);
});

test('a job that runs long does not hold up the acks of others', (t) => {
  const { broker, acks, pass } = rig(t, 10, 10);
  for (const tag of [2, 3, 4, 5, 6]) acks.ack(tag);
  pass(0);
  // They are half of the prefetch: the broker must hear of them to send more.
  assert.deepEqual(broker.told, ['2', '3', '4', '5', '6']);
  acks.ack(8);
  pass(LONGEST_MS);
  acks.nack(7);
  acks.ack(1);
  pass(LONGEST_MS);
  assert.deepEqual(broker.told.slice(5), ['8', '-7', '1']);
});

test('the end of a session tells all that is done, and nothing after it', (t) => {
  const { broker, acks, pass } = rig(t, 10, 10);
  for (const tag of [1, 2, 4, 9]) acks.ack(tag);
  acks.close();
  pass(LONGEST_MS);
  assert.deepEqual(broker.told, ['1-2', '4', '9']);
});

test('a lost channel is told nothing', (t) => {
  const { broker, acks, pass } = rig(t, 10, 4);
  acks.ack(1);
  acks.drop();
  pass(LONGEST_MS);
  acks.arrived(5);
  broker.active = false;
  acks.ack(5);
  pass(LONGEST_MS);
  assert.deepEqual(broker.told, []);
});

test('in whatever order jobs end, each is told once, and none that runs is', (t) => {
  const jobs = 20_000;
  const prefetch = 40;
  const { broker, acks, pass } = rig(t, prefetch, 0);
  const runs: number[] = [];
  const done = new Set<number>();
  let returned = 0;
  for (let next = 1; next <= jobs || runs.length > 0; ) {
    while (next <= jobs && broker.unacked.size < prefetch) {
      broker.unacked.add(next);
      acks.arrived(next);
      runs.push(next++);
    }
    for (let count = Math.ceil(Math.random() * 10); count > 0 && runs.length > 0; count--) {
      // Mostly among the oldest; a few of them stay for long.
      const span = Math.random() < 0.05 ? runs.length : Math.min(runs.length, 12);
      const [tag = 0] = runs.splice(Math.floor(Math.random() * span), 1);
      if (tag % 97 === 0) {
        returned++;
        acks.nack(tag);
      } else {
        done.add(tag);
        acks.ack(tag);
      }
    }
    pass(Math.floor(Math.random() * 3));
    for (const tag of runs) assert.ok(broker.unacked.has(tag), `${tag} runs and was told`);
  }
  pass(LONGEST_MS);
  assert.deepEqual(broker.done, done);
  assert.equal(broker.unacked.size, 0);
  t.diagnostic(`${jobs} jobs, ${returned} went back, ${broker.told.length - returned} acks`);
});
