// Messages of others, broken ones among them, as jobs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AsyncMessage } from 'rabbitmq-client';
import { decodeMessage, encodeMessage, nameOf } from '../../../../src/plugins/jobs/amqp/message.ts';
import { job } from './rig.ts';

const NOW = 1_700_000_000_000;

function message(headers: Record<string, unknown>, more: object = {}): AsyncMessage {
  return { headers, body: Buffer.from('body'), ...more } as unknown as AsyncMessage;
}

test("RoadRunner's headers come as bytes, and those that no job has are none", () => {
  const decoded = decodeMessage(message({ rr_id: 'a', rr_job: 'J', rr_headers: Buffer.from('{"k":["v"]}') }), 10, NOW);
  assert.deepEqual([decoded.id, decoded.name, { ...decoded.headers }, decoded.pushedAt], ['a', 'J', { k: ['v'] }, NOW]);
  const none = decodeMessage(message({ rr_id: 'a', rr_headers: Buffer.from('null'), rr_auto_ack: true }), 10, NOW);
  assert.deepEqual([{ ...none.headers }, none.options], [{}, { autoAck: true }]);
});

test('headers of others become texts; what the broker adds is left out', () => {
  const headers = {
    n: 1.5,
    yes: true,
    list: ['a', 2],
    table: { x: 1 },
    nothing: null,
    'x-death': [{ count: 1 }],
    'x-first-death-queue': 'q',
  };
  const decoded = decodeMessage(message(headers, { messageId: 'theirs', timestamp: 1_600_000_000 }), 4, NOW);
  assert.deepEqual(
    { ...decoded.headers },
    { n: ['1.5'], yes: ['true'], list: ['a', '2'], table: ['{"x":1}'], nothing: [] },
  );
  assert.deepEqual(
    [decoded.id, decoded.priority, decoded.pushedAt, decoded.attempt],
    ['theirs', 4, 1_600_000_000_000, 1],
  );
});

test('what cannot be read is not lost', () => {
  const broken = { rr_id: 'a', rr_job: 'J', rr_headers: '{oops', rr_priority: 'high', rrts_job: 'no record' };
  const decoded = decodeMessage(message(broken), 10, NOW);
  assert.deepEqual([decoded.id, decoded.name, decoded.priority, decoded.attempt], ['a', 'J', 10, 1]);
  assert.equal(String(decodeMessage(message({ rrts_record: 'body', rr_id: 'b' }), 10, NOW).payload), 'body');
});

test('each message has a name of its own, and only those of rrts are known by it', () => {
  const one = job('same');
  const [first, second] = [encodeMessage(one, 'p', 0), encodeMessage(one, 'p', 0)];
  assert.notEqual(first.properties.messageId, second.properties.messageId);
  assert.equal(nameOf({ ...first.properties } as AsyncMessage), first.properties.messageId);
  assert.equal(nameOf(message({ rr_id: 'x' }, { messageId: 'theirs' })), undefined);
});

test('headers that mean something to the broker are not passed on as its own', () => {
  const headers = { CC: ['other-queue'], BCC: ['another'], rr_id: ['fake'], fine: ['yes'] };
  const { properties } = encodeMessage(job('a', { headers }), 'p', 0);
  assert.deepEqual(
    [properties.headers?.['CC'], properties.headers?.['BCC'], properties.headers?.['fine']],
    [undefined, undefined, 'yes'],
  );
  assert.equal(properties.headers?.['rr_id'], 'a');
  const back = decodeMessage(message({ ...properties.headers }), 10, NOW);
  assert.deepEqual({ ...back.headers }, headers);
});
