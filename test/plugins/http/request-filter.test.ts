// What is left of a request's headers when PHP sees them (reliability cases H06 and H10).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeaderNames } from '../../../src/plugins/http/header-names.ts';
import { type AcceptedRequest, filterRequest, isRefusal } from '../../../src/plugins/http/request-filter.ts';

const LIMITS = { headerFields: 100, uriBytes: 8192 };

function accepted(rawHeaders: string[], httpVersion = '1.1'): AcceptedRequest {
  const request = { method: 'GET', url: '/', httpVersion, rawHeaders: ['Host', 'h', ...rawHeaders] };
  const verdict = filterRequest(request, LIMITS, new HeaderNames());
  if (isRefusal(verdict)) assert.fail(verdict.text);
  return verdict;
}

/** Headers besides Host. */
function left(...rawHeaders: string[]): string[] {
  return accepted(rawHeaders).headers.slice(2);
}

describe('headers that PHP does not see', () => {
  const dropped = [
    ...['X_Forwarded_For', 'Content_Length', 'X_A', '_', 'A_', '__proto__', 'constructor', 'Constructor'],
    ...['Proxy', 'proxy', 'PROXY', 'Proxy-Connection', 'Proxy-Authorization', 'Proxy-Authenticate'],
    ...['X.Forwarded.For', 'X!A', 'X~A', "X'A", 'X*A', 'X+A', 'X|A', 'X^A', 'X`A', 'X#A', 'X$A', 'X%A', 'X&A'],
    ...['Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'HTTP2-Settings', 'Connection', 'Transfer-Encoding', 'Expect'],
  ];
  for (const name of dropped) {
    test(name, () => {
      const value = { 'Transfer-Encoding': 'chunked', Expect: '100-continue' }[name] ?? 'keep-alive';
      assert.deepEqual(left(name, value, 'X-Kept', '1'), ['x-kept', '1']);
    });
  }
});

describe('headers that PHP sees', () => {
  test('names in lower case, order and duplicates kept, bytes unchanged', () => {
    const values = ['X-B', '2', 'x-a', '\xff\xfe', 'X-B', '1', 'Cookie', 'a=1; b=2', 'X-0', ''];
    assert.deepEqual(left(...values), ['x-b', '2', 'x-a', '\xff\xfe', 'x-b', '1', 'cookie', 'a=1; b=2', 'x-0', '']);
  });

  test('a name that is a property of objects elsewhere', () => {
    assert.deepEqual(left('toString', '1', 'hasOwnProperty', '2'), ['tostring', '1', 'hasownproperty', '2']);
  });
});

describe('Connection', () => {
  const rows: [string, string[], string[]][] = [
    ['close', ['Connection', 'close', 'X-A', '1'], ['x-a', '1']],
    ['a name', ['Connection', 'X-A', 'X-A', '1', 'X-B', '2'], ['x-b', '2']],
    ['a name in another case', ['Connection', 'x-A', 'X-a', '1'], []],
    ['names after the header', ['X-A', '1', 'Connection', 'close, X-A,x-b', 'X-B', '2', 'X-C', '3'], ['x-c', '3']],
    ['two Connection headers', ['Connection', 'X-A', 'Connection', 'X-B', 'X-A', '1', 'X-B', '2'], []],
    ['empty items', ['Connection', ',, ,X-A,', 'X-A', '1', 'X-B', '2'], ['x-b', '2']],
    ['every duplicate', ['X-A', '1', 'X-A', '2', 'Connection', 'X-A'], []],
    [
      'what frames the request is kept',
      ['Connection', 'Content-Type, Host', 'Content-Type', 'a/b'],
      ['content-type', 'a/b'],
    ],
  ];
  for (const [name, headers, expected] of rows) {
    test(name, () => assert.deepEqual(left(...headers), expected));
  }

  test('Host stays', () => assert.deepEqual(accepted(['Connection', 'Host']).headers, ['host', 'h']));
});

describe('the body that is announced', () => {
  test('none', () => assert.equal(accepted([]).contentLength, 0));
  test('by length', () => assert.equal(accepted(['Content-Length', '12']).contentLength, 12));
  test('in chunks', () => assert.equal(accepted(['Transfer-Encoding', 'Chunked']).contentLength, -1));
  test('100-continue', () => assert.equal(accepted(['Expect', '100-Continue']).expectsContinue, true));
  test('100-continue means nothing in HTTP/1.0', () => {
    assert.equal(accepted(['Expect', '100-continue'], '1.0').expectsContinue, false);
  });
});

test('many made-up names do not fill the memory of names', () => {
  const names = new HeaderNames();
  for (let index = 0; index < 5000; index++) assert.equal(names.of(`X-${index}`).lower, `x-${index}`);
  assert.equal(names.of('Host').request, 'host');
});
