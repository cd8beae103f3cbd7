// What PHP may not do to a response (reliability cases H08 to H11), looked at byte by byte.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Rig, startRig, statusOf } from './http-rig.ts';
import { part, reply } from './stub-pool.ts';

type Headers = Record<string, string[]>;

const REQUEST = 'GET /1 HTTP/1.1\r\nHost: h\r\n\r\n';
const SECOND = 'GET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

/** Header lines and body of the first response, without those that Node adds, and the second response. */
async function twice(rig: Rig, status: number, headers: Headers, body: string | string[], method = 'GET') {
  rig.pool.answer = (request) => {
    if (request.target === '/2') reply(request, 200, {}, 'second');
    else if (typeof body === 'string') reply(request, status, headers, body);
    else {
      for (const [index, text] of body.entries()) {
        part(request, status, index === 0 ? headers : undefined, text, index === body.length - 1);
      }
      request.onDone();
    }
  };
  const text = await rig.exchange(REQUEST.replace('GET', method) + SECOND);
  const end = text.indexOf('\r\n\r\n');
  const lines = text.slice(0, end).split('\r\n').slice(1);
  const second = text.lastIndexOf('HTTP/1.1 200 OK\r\n');
  return {
    status: statusOf(text),
    lines: lines.filter((line) => !/^(Date|Connection: keep-alive|Keep-Alive: timeout)/.test(line)),
    body: text.slice(end + 4, second),
    second: text.slice(second),
  };
}

describe("framing is the server's", () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.close());

  const rows: [string, Headers, string[]][] = [
    ['short Content-Length', { 'Content-Length': ['2'] }, []],
    ['long Content-Length', { 'Content-Length': ['50'] }, []],
    ['two Content-Lengths', { 'Content-Length': ['2', '50'] }, []],
    ['Content-Length in another case', { 'CONTENT-length': ['2'] }, []],
    ['Content-Length that is a word', { 'Content-Length': ['abc'] }, []],
    ['Content-Length and Transfer-Encoding', { 'Content-Length': ['2'], 'Transfer-Encoding': ['chunked'] }, []],
    ['Transfer-Encoding: gzip', { 'transfer-encoding': ['gzip'] }, []],
    ['Connection: close', { Connection: ['close'] }, []],
    ['Connection: upgrade', { Connection: ['upgrade'], Upgrade: ['websocket'] }, []],
    ['Connection names a header', { Connection: ['X-A'], 'X-A': ['1'], 'X-B': ['2'] }, ['X-B: 2']],
    ['Keep-Alive', { 'Keep-Alive': ['timeout=1'] }, []],
    ['TE', { TE: ['trailers'] }, []],
    ['Proxy headers', { 'Proxy-Connection': ['close'], 'Proxy-Authenticate': ['Basic'] }, []],
    ['HTTP/2 leftovers', { 'HTTP2-Settings': ['a'], 'Http2-Push': ['/x'] }, []],
    ['Trailer that names nothing', { Trailer: ['X-Sum'] }, []],
  ];
  for (const [name, headers, expected] of rows) {
    test(`${name}, whole reply`, async () => {
      const got = await twice(rig, 200, headers, 'first');
      assert.deepEqual(got.lines, [...expected, 'Content-Length: 5']);
      assert.equal(got.body, 'first');
      assert.match(got.second, /\r\n\r\nsecond$/);
    });
  }

  const chunked: [string, Headers][] = [
    ['no Content-Length', {}],
    ['two Content-Lengths', { 'Content-Length': ['2', '50'] }],
    ['Transfer-Encoding: gzip', { 'Transfer-Encoding': ['gzip'] }],
    ['Connection: close', { Connection: ['close'] }],
  ];
  for (const [name, headers] of chunked) {
    test(`${name}, streamed reply`, async () => {
      const got = await twice(rig, 200, headers, ['fi', 'rst', '']);
      assert.deepEqual(got.lines, ['Transfer-Encoding: chunked']);
      assert.equal(got.body, '2\r\nfi\r\n3\r\nrst\r\n0\r\n\r\n');
      assert.match(got.second, /\r\n\r\nsecond$/);
    });
  }

  test('a streamed reply keeps the Content-Length that PHP keeps', async () => {
    const got = await twice(rig, 200, { 'Content-Length': ['5'] }, ['fi', 'rst', '']);
    assert.deepEqual([got.lines, got.body], [['Content-Length: 5'], 'first']);
    assert.match(got.second, /\r\n\r\nsecond$/);
  });

  test('what a streamed reply has beyond its Content-Length is dropped and logged', async () => {
    const got = await twice(rig, 200, { 'Content-Length': ['5'] }, ['fi', 'rst, and more', 'and more']);
    assert.deepEqual([got.lines, got.body], [['Content-Length: 5'], 'first']);
    assert.match(got.second, /\r\n\r\nsecond$/);
    assert.match(rig.log.lines.at(-1)?.message ?? '', /more bytes than its Content-Length/);
  });

  test('a streamed reply shorter than its Content-Length is cut', async () => {
    const got = await twice(rig, 200, { 'Content-Length': ['50'] }, ['fi', 'rst']);
    assert.deepEqual(got.lines, ['Content-Length: 50']);
    assert.doesNotMatch(got.second, /second/);
    assert.match(rig.log.lines.at(-1)?.message ?? '', /fewer bytes than its Content-Length/);
  });
});

describe('header names and values', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.close());

  const bad: [string, string, string][] = [
    ['CR LF in a value', 'X-A', '1\r\nX-Evil: 1'],
    ['CR in a value', 'X-A', '1\rX-Evil: 1'],
    ['LF in a value', 'X-A', '1\nX-Evil: 1'],
    ['a whole response in a value', 'X-A', '1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['NUL in a value', 'X-A', '1\0'],
    ['DEL in a value', 'X-A', '1\x7f'],
    ['control character in a value', 'X-A', '1\x01'],
    ['CR LF in a name', 'X-A\r\nX-Evil', '1'],
    ['space in a name', 'X A', '1'],
    ['colon in a name', 'X:A', '1'],
    ['empty name', '', '1'],
    ['NUL in a name', 'X\0A', '1'],
    ['umlaut in a name', 'X-\u00e4', '1'],
    ['name of 300 characters', 'X'.repeat(300), '1'],
    ['value of 300 KB', 'X-A', 'a'.repeat(300 * 1024)],
  ];
  for (const [name, header, value] of bad) {
    test(`${name}: dropped and logged`, async () => {
      const before = rig.log.lines.length;
      const got = await twice(rig, 200, { 'X-Before': ['1'], [header]: [value], 'X-After': ['2'] }, 'first');
      const expected = value.length > 1000 ? ['X-Before: 1'] : ['X-Before: 1', 'X-After: 2'];
      assert.deepEqual(got.lines, [...expected, 'Content-Length: 5']);
      assert.match(got.second, /\r\n\r\nsecond$/);
      assert.equal(rig.log.lines[before]?.level, 'warn');
    });
  }

  test('bytes above ASCII go out as PHP wrote them', async () => {
    const bytes = Array.from({ length: 128 }, (_, index) => String.fromCharCode(128 + index)).join('');
    for (const body of ['first', 'x'.repeat(100_000)]) {
      rig.pool.answer = (request) => reply(request, 200, { 'X-Bytes': [bytes] }, body);
      const text = await rig.exchange(SECOND);
      // A JSON head is UTF-8: each of these characters is two bytes of PHP's string.
      assert.equal(/X-Bytes: (.*)\r\n/.exec(text)?.[1], Buffer.from(bytes, 'utf8').toString('latin1'));
      assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), body);
    }
  });

  test('a body of every byte goes out as PHP wrote it, small and large', async () => {
    for (const repeat of [1, 64, 65, 1000]) {
      const body = Buffer.concat(
        Array.from({ length: repeat }, () => Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))),
      );
      rig.pool.answer = (request) => reply(request, 200, {}, body);
      const text = await rig.exchange(SECOND);
      assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), body.toString('latin1'));
    }
  });

  test('1,000 cookies stay 1,000 headers', async () => {
    const cookies = Array.from({ length: 1000 }, (_, index) => `c${index}=1`);
    const got = await twice(rig, 200, { 'Set-Cookie': cookies }, 'first');
    assert.equal(got.lines.filter((line) => line.startsWith('Set-Cookie: ')).length, 1000);
  });

  test('a second Date is left out', async () => {
    const date = 'Thu, 01 Jan 1970 00:00:00 GMT';
    rig.pool.answer = (request) => reply(request, 200, { Date: [date, date] }, 'first');
    const text = await rig.exchange(SECOND);
    assert.deepEqual(text.match(/Date: .*/g), [`Date: ${date}`]);
  });
});

describe('statuses', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.close());

  const bodyless: [string, number, Headers, string[]][] = [
    ['204', 204, {}, []],
    ['204 with a length', 204, { 'Content-Length': ['5'] }, []],
    ['304', 304, { ETag: ['"a"'] }, ['ETag: "a"']],
    ['304 with a length', 304, { 'Content-Length': ['5'] }, []],
    ['205', 205, { 'Content-Length': ['5'] }, ['Content-Length: 0']],
  ];
  for (const [name, status, headers, expected] of bodyless) {
    test(`${name} has no body`, async () => {
      const got = await twice(rig, status, headers, 'first');
      assert.deepEqual([got.status, got.lines, got.body], [status, expected, '']);
      assert.match(got.second, /\r\n\r\nsecond$/);
    });
    test(`${name} has no body when it is streamed`, async () => {
      const got = await twice(rig, status, headers, ['fi', 'rst']);
      assert.deepEqual([got.status, got.lines, got.body], [status, expected, '']);
      assert.match(got.second, /\r\n\r\nsecond$/);
    });
  }

  const head: [string, Headers, string | string[], string[]][] = [
    ['length of the body that PHP sends', {}, 'first', ['Content-Length: 5']],
    ['length that PHP declares', { 'Content-Length': ['7'] }, '', ['Content-Length: 7']],
    ['no length when nobody knows it', {}, '', []],
    ['length that PHP declares, streamed', { 'Content-Length': ['7'] }, ['fi', ''], ['Content-Length: 7']],
  ];
  for (const [name, headers, body, expected] of head) {
    test(`HEAD has the ${name}`, async () => {
      const got = await twice(rig, 200, headers, body, 'HEAD');
      assert.deepEqual([got.status, got.lines, got.body], [200, expected, '']);
      assert.match(got.second, /\r\n\r\nsecond$/);
    });
  }

  for (const status of [0, 42, 99, 101, 150, 600, 610, 1000]) {
    test(`${status} is not a status`, async () => {
      const got = await twice(rig, status, { 'X-A': ['1'] }, 'first');
      assert.deepEqual([got.status, got.body], [500, `unknown status code from worker: ${status}\n`]);
      assert.match(got.second, /\r\n\r\nsecond$/);
    });
  }

  for (const status of [200, 226, 299, 302, 418, 451, 499, 511, 599]) {
    test(`${status} goes out`, async () => assert.equal((await twice(rig, status, {}, 'first')).status, status));
  }
});
