// Responses in the style of the event they answer.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { httpAnswer, streamPrelude } from '../../../src/plugins/lambda/events/http-answer.ts';

const HEADERS = [
  'Content-Type',
  'text/plain',
  'Set-Cookie',
  'a=1',
  'Set-Cookie',
  'b=2',
  'X-Many',
  'one',
  'x-many',
  'two',
];
const OWN = [
  'Date',
  'now',
  'Connection',
  'close',
  'Transfer-Encoding',
  'chunked',
  'Content-Length',
  '4',
  'Keep-Alive',
  '5',
];
const head = { status: 200, headers: [...HEADERS, ...OWN] };
const body = Buffer.from('body');
const text = { body: 'body', isBase64Encoded: false };

const STYLES = {
  'api-v1': {
    statusCode: 200,
    multiValueHeaders: { 'content-type': ['text/plain'], 'set-cookie': ['a=1', 'b=2'], 'x-many': ['one', 'two'] },
    ...text,
  },
  'api-v2': {
    statusCode: 200,
    headers: { 'content-type': 'text/plain', 'x-many': 'one, two' },
    cookies: ['a=1', 'b=2'],
    ...text,
  },
  'alb-multi': {
    statusCode: 200,
    statusDescription: '200 OK',
    multiValueHeaders: { 'content-type': ['text/plain'], 'set-cookie': ['a=1', 'b=2'], 'x-many': ['one', 'two'] },
    ...text,
  },
  alb: {
    statusCode: 200,
    statusDescription: '200 OK',
    headers: { 'content-type': 'text/plain', 'x-many': 'one, two', 'set-cookie': 'a=1', 'Set-cookie': 'b=2' },
    ...text,
  },
} as const;

for (const [style, expected] of Object.entries(STYLES)) {
  test(`${style}: framing headers are left out, cookies stay apart`, () => {
    assert.deepEqual(JSON.parse(httpAnswer(style as keyof typeof STYLES, head, body)), expected);
  });
}

test('a load balancer gets each cookie under a spelling of its own', () => {
  const headers = Array.from({ length: 40 }, (_, index) => ['Set-Cookie', `c${index}=1`]).flat();
  const answer = JSON.parse(httpAnswer('alb', { status: 200, headers }, body));
  assert.equal(Object.keys(answer.headers).length, 40);
  assert.ok(Object.keys(answer.headers).every((name) => name.toLowerCase() === 'set-cookie'));
});

describe('bodies', () => {
  const rows: readonly [what: string, bytes: Buffer, encoding: string | undefined, isBase64: boolean][] = [
    ['UTF-8', Buffer.from('grün'), undefined, false],
    ['with a byte order mark', Buffer.from('\ufeffx'), undefined, false],
    ['control characters', Buffer.from('\0\x01'), undefined, false],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), undefined, true],
    ['half a character', Buffer.from([0x61, 0xc3]), undefined, true],
    ['compressed', Buffer.from('abc'), 'gzip', true],
    ['none', Buffer.alloc(0), undefined, false],
  ];
  for (const [what, bytes, encoding, isBase64] of rows) {
    test(what, () => {
      const headers = encoding === undefined ? [] : ['Content-Encoding', encoding];
      const answer = JSON.parse(httpAnswer('api-v2', { status: 200, headers }, bytes));
      assert.equal(answer.isBase64Encoded, isBase64);
      assert.deepEqual(Buffer.from(answer.body, isBase64 ? 'base64' : 'utf8'), bytes);
    });
  }
});

test('the prelude of a stream has status, headers and cookies', () => {
  const { body: _body, isBase64Encoded: _encoded, ...expected } = STYLES['api-v2'];
  assert.deepEqual(JSON.parse(streamPrelude(head)), expected);
});
