// Which queue and which exchange the keys mean: RoadRunner's meaning, where RoadRunner's keys are given.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amqpSettings } from '../../../../src/plugins/jobs/amqp/settings.ts';

const read = (settings: object, section?: object) =>
  amqpSettings(settings, section, 'orders', 'jobs.pipelines.orders.config');

test('without keys the queue has the name of the pipeline and takes pushes itself', () => {
  const { queue, exchange, routingKey, durable, defaultArguments, url, place } = read({});
  assert.deepEqual([queue, exchange, routingKey, durable], ['orders', '', 'orders', undefined]);
  assert.deepEqual(defaultArguments, { 'x-max-priority': 10 });
  assert.deepEqual([url, place], ['amqp://guest:guest@127.0.0.1:5672/', 'amqp://127.0.0.1:5672/']);
});

test("RoadRunner's keys mean what they mean there", () => {
  const ways = [
    { settings: { queue: 'q', routingKey: 'k' }, means: ['q', 'amqp.default', 'k', 'direct'] },
    { settings: { queue: 'q', exchange: 'e' }, means: ['q', 'e', 'q', 'direct'] },
    {
      settings: { queue: 'q', exchange: 'e', exchangeType: 'fanout', routingKey: '' },
      means: ['q', 'e', 'q', 'fanout'],
    },
    { settings: { exchange: 'e', routingKey: 'k' }, means: ['', 'e', 'k', 'direct'] },
    { settings: { queue: 'q' }, means: ['q', '', 'q', 'direct'] },
  ];
  for (const { settings, means } of ways) {
    const { queue, exchange, routingKey, exchangeType } = read(settings);
    assert.deepEqual([queue, exchange, routingKey, exchangeType], means);
  }
});

test('a pipeline may have another broker than the section, and a queue its own arguments', () => {
  assert.equal(read({}, { addr: 'amqp://a/' }).url, 'amqp://a/');
  assert.equal(read({ addr: 'amqp://u:p@b/v' }, { addr: 'amqp://a/' }).place, 'amqp://b/v');
  assert.deepEqual(read({ queueHeaders: { 'x-queue-type': 'quorum' } }).defaultArguments, {});
  assert.deepEqual(read({ queueHeaders: { 'x-max-priority': 3 } }).defaultArguments, {});
  assert.throws(() => read({ exchangeType: 'odd' }), { code: 'ERR_CONFIG_INVALID' });
});
