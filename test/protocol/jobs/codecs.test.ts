// Heads of jobs and replies of workers, for each kind of worker.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isRrtsError } from '../../../src/core/errors.ts';
import { FLAG } from '../../../src/protocol/frame.ts';
import { decodeJobReply, encodeJobRequest } from '../../../src/protocol/jobs/codecs.ts';
import type { JobHead, JobReply } from '../../../src/protocol/jobs/head.ts';
import { readHeaders } from '../../../src/protocol/jobs/headers.ts';
import { decodeMessagePack, encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';

const HEAD: JobHead = {
  id: 'id-1',
  name: 'App\\Send',
  pipeline: 'emails',
  driver: 'boltdb',
  queue: 'emails',
  headers: { 'x-a': ['1', '2'] },
  attempt: 2,
  maxAttempts: 3,
  timeoutMs: 1500,
  pushedAt: 1_700_000_000_123,
};
const NATIVE_MAP = {
  id: 'id-1',
  job: 'App\\Send',
  pipeline: 'emails',
  driver: 'boltdb',
  queue: 'emails',
  headers: { 'x-a': ['1', '2'] },
  attempt: 2,
  max_attempts: 3,
  timeout: 1500,
  pushed_at: 1_700_000_000_123,
};
const NOTHING = Buffer.alloc(0);

const failed = (message: string, retry: boolean, delayMs?: number): JobReply => ({
  kind: 'failed',
  message,
  retry,
  delayMs,
});

describe('requests', () => {
  const body = Buffer.from([0, 255, 10]);

  test('native: MessagePack, or JSON, and the payload as it is', () => {
    const packed = encodeJobRequest('native', HEAD, body);
    assert.equal(packed.flags, FLAG.MSGPACK);
    assert.deepEqual(JSON.parse(JSON.stringify(decodeMessagePack(packed.head))), NATIVE_MAP);
    assert.equal(packed.body, body);
    const json = encodeJobRequest('native-json', HEAD, body);
    assert.equal(json.flags, FLAG.JSON);
    assert.deepEqual(JSON.parse(String(json.head)), NATIVE_MAP);
  });

  for (const codec of ['json', 'proto'] as const) {
    test(`${codec}: RoadRunner's context, without a codec flag`, () => {
      const { flags, head } = encodeJobRequest(codec, HEAD, body);
      assert.equal(flags, 0);
      assert.deepEqual(JSON.parse(String(head)), {
        id: 'id-1',
        job: 'App\\Send',
        driver: 'boltdb',
        headers: { 'x-a': ['1', '2'] },
        queue: 'emails',
        pipeline: 'emails',
        timeout: 2,
      });
    });
  }
});

describe("a native worker's reply", () => {
  const table: readonly [string, unknown, JobReply][] = [
    ['an empty map', {}, { kind: 'done' }],
    ['an empty list, as PHP writes an empty array', [], { kind: 'done' }],
    ['done', { result: 'done' }, { kind: 'done' }],
    ['failed', { result: 'failed', message: 'why' }, failed('why', true)],
    ['failed for good', { result: 'failed', message: 'why', retry: false }, failed('why', false)],
    ['failed, with a wait', { result: 'failed', delay: 250 }, failed('', true, 250)],
    [
      'failed, with something for the next attempt to know',
      { result: 'failed', headers: { a: 'b' } },
      {
        kind: 'failed',
        message: '',
        retry: true,
        delayMs: undefined,
        headers: Object.assign(Object.create(null), { a: ['b'] }),
      },
    ],
    ['failed, with a wait that is none', { result: 'failed', delay: -1 }, failed('', true)],
    ['again', { result: 'requeue' }, { kind: 'requeue', delayMs: 0, headers: undefined, message: '' }],
  ];
  for (const [title, reply, expected] of table) {
    test(title, () => {
      const packed = decodeJobReply('native', FLAG.MSGPACK, encodeMessagePack(reply), NOTHING);
      assert.deepEqual(packed, expected);
      const json = decodeJobReply('native-json', FLAG.JSON, Buffer.from(JSON.stringify(reply)), NOTHING);
      assert.deepEqual(json, expected);
    });
  }

  test('again, with headers', () => {
    const head = encodeMessagePack({ result: 'requeue', delay: 5, headers: { a: 'x', b: ['y', 1] } });
    const reply = decodeJobReply('native', FLAG.MSGPACK, head, NOTHING);
    assert.equal(reply.kind, 'requeue');
    assert.deepEqual({ ...(reply.kind === 'requeue' ? reply.headers : {}) }, { a: ['x'], b: ['y', '1'] });
  });

  for (const [title, flags, head] of [
    ['no MessagePack', FLAG.MSGPACK, Buffer.from('\xc1\xc1\xc1', 'latin1')],
    ['no JSON', FLAG.JSON, Buffer.from('{{{{')],
    ['a text', FLAG.JSON, Buffer.from('"done"')],
    ['an unknown result', FLAG.JSON, Buffer.from('{"result":"maybe"}')],
  ] as const) {
    test(`${title} is a malformed reply`, () => {
      assert.throws(
        () => decodeJobReply('native', flags, head, NOTHING),
        (error) => isRrtsError(error) && error.code === 'ERR_PROTOCOL_HEAD',
      );
    });
  }
});

describe("an SDK worker's reply", () => {
  const table: readonly [string, string, JobReply][] = [
    ['nothing', '', { kind: 'done' }],
    ['NoError', '{"type":0,"data":[]}', { kind: 'done' }],
    ['ACK', '{"type":2}', { kind: 'done' }],
    ['an error', '{"type":1,"data":{"message":"why","requeue":false}}', failed('why', false)],
    ['NACK', '{"type":3,"data":{"message":"why","requeue":false}}', failed('why', false)],
    ['an unknown type', '{"type":9}', failed('the worker\'s answer has an unknown type: "{\\"type\\":9}"', false)],
    ['no JSON', 'oops', failed('the worker\'s answer is no job reply: "oops"', false)],
    ['a number', '7', failed('the worker\'s answer is no job reply: "7"', false)],
  ];
  for (const [title, body, expected] of table) {
    test(title, () => assert.deepEqual(decodeJobReply('json', 0, NOTHING, Buffer.from(body)), expected));
  }

  for (const type of [1, 3, 4]) {
    test(`type ${type} that wants it again`, () => {
      const data = { message: 'm', requeue: true, delay_seconds: 3, headers: { a: ['b'] } };
      const reply = decodeJobReply('json', 0, NOTHING, Buffer.from(JSON.stringify({ type, data })));
      assert.deepEqual(
        { ...reply, headers: { ...(reply.kind === 'requeue' ? reply.headers : {}) } },
        { kind: 'requeue', delayMs: 3000, headers: { a: ['b'] }, message: 'm' },
      );
    });
  }
});

test('headers are lists of texts, whatever was written', () => {
  assert.deepEqual(
    { ...readHeaders({ a: 'x', b: ['y', 2, true, null, {}], c: [] }) },
    {
      a: ['x'],
      b: ['y', '2', 'true'],
      c: [],
    },
  );
  for (const none of [undefined, null, [], 'text', {}, Buffer.from('x')]) assert.equal(readHeaders(none), undefined);
});
