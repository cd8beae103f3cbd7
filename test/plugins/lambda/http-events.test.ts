// HTTP events as requests: tables of what each source sends.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { httpRequestOf } from '../../../src/plugins/lambda/events/http-events.ts';
import type { EventRequest, Tree } from '../../../src/plugins/lambda/events/http-request.ts';
import { lambdaEvent } from '../../helpers/lambda-runtime.ts';

function requestOf(name: string, changes: Tree = {}): EventRequest {
  const request = httpRequestOf({ ...lambdaEvent(name), ...changes });
  assert.ok(request !== undefined, `${name} is an HTTP event`);
  return request;
}

const headers = ({ headers: list }: EventRequest, name: string): string[] =>
  list.filter((_, index) => index % 2 === 1 && list[index - 1] === name);

const NO_QUERY = { queryStringParameters: null, multiValueQueryStringParameters: null };

describe('targets', () => {
  const rows: readonly [what: string, event: string, changes: Tree, target: string][] = [
    ['v1: a path with escapes stays', 'api-v1', { path: '/a%20b/c%2Fd', ...NO_QUERY }, '/a%20b/c%2Fd'],
    ['v1: a decoded path is encoded', 'api-v1', { path: '/a b/ü?#%', ...NO_QUERY }, '/a%20b/%C3%BC%3F%23%25'],
    ['v1: an empty path', 'api-v1', { path: '', ...NO_QUERY }, '/'],
    [
      'v1: single values only',
      'api-v1',
      { path: '/', ...NO_QUERY, queryStringParameters: { a: 'ü&', b: '' } },
      '/?a=%C3%BC%26&b=',
    ],
    [
      'v1: half a character',
      'api-v1',
      { path: '/', ...NO_QUERY, queryStringParameters: { a: '\ud800' } },
      '/?a=%EF%BF%BD',
    ],
    ['v2: the query as it came', 'api-v2', { rawQueryString: 'a=%20&a[]=1&b' }, '/path/with%20space?a=%20&a[]=1&b'],
    ['v2: a stage that is the whole path', 'api-v2', { rawPath: '/stage1', rawQueryString: '' }, '/'],
    [
      'v2: a path that only begins like the stage',
      'api-v2',
      { rawPath: '/stage12/x', rawQueryString: '' },
      '/stage12/x',
    ],
    [
      'v2: spaces, line ends and hashes',
      'api-v2',
      { rawPath: '/', rawQueryString: 'a=b c\r\n#d' },
      '/?a=b%20c%0D%0A%23d',
    ],
    [
      'alb: values stay escaped',
      'alb',
      { path: '/', queryStringParameters: { 'a%5B%5D': 'x%26y+z' } },
      '/?a%5B%5D=x%26y+z',
    ],
    ['alb: a bare & in a value', 'alb', { path: '/', queryStringParameters: { a: 'x&b=y' } }, '/?a=x%26b=y'],
    ['alb: many values', 'alb-multi', {}, '/form?id=1&id=2'],
  ];
  for (const [what, event, changes, target] of rows) {
    test(what, () => assert.equal(requestOf(event, changes).target, target));
  }
});

describe('headers', () => {
  test('the host is first, and once', () => {
    for (const name of ['api-v1', 'api-v2', 'function-url', 'alb', 'alb-multi']) {
      const { headers: list } = requestOf(name);
      assert.equal(list[0], 'host', name);
      assert.equal(list.filter((item, index) => index % 2 === 0 && item === 'host').length, 1, name);
    }
  });

  test('without a Host it is the domain of the API', () => {
    assert.deepEqual(headers(requestOf('api-v2', { headers: {} }), 'host'), ['api.example.test']);
    assert.deepEqual(headers(requestOf('alb', { headers: {} }), 'host'), ['localhost']);
  });

  test('repeated headers of multiValueHeaders stay apart, and win', () => {
    assert.deepEqual(headers(requestOf('api-v1'), 'x-twice'), ['first', 'second']);
  });

  test('cookies of version 2 are one header', () => {
    assert.deepEqual(headers(requestOf('api-v2'), 'cookie'), ['one=1; two=a%3Db']);
  });

  const dropped = [
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Expect',
    'Upgrade',
    'rrts-relayed',
    'RRTS-Relayed',
    'a b',
    '',
  ];
  for (const name of dropped) {
    test(`"${name}" is not for PHP`, () => {
      const { headers: list } = requestOf('api-v2', { headers: { [name]: '1', kept: 'yes' }, cookies: [] });
      assert.deepEqual(list, ['host', 'api.example.test', 'kept', 'yes']);
    });
  }

  test('values: UTF-8 as bytes; line ends and NUL are refused', () => {
    const request = requestOf('api-v2', { headers: { a: 'ü', b: 'x\r\ny: z', c: '\0', d: 5 } });
    assert.deepEqual(headers(request, 'a'), ['\xc3\xbc']);
    for (const name of ['b', 'c', 'd', 'y']) assert.deepEqual(headers(request, name), []);
  });
});

describe('the client', () => {
  const rows: readonly [event: string, address: string][] = [
    ['api-v1', '203.0.113.7'],
    ['api-v2', '198.51.100.4'],
    ['function-url', '2001:db8::1'],
    ['alb', '72.12.164.125'],
  ];
  for (const [event, address] of rows) {
    test(`${event}: ${address}, which it cannot forge`, () => {
      const forged = event === 'alb' ? `10.9.9.9, ${address}` : '10.9.9.9';
      const changes = event === 'api-v1' ? {} : { headers: { 'X-Forwarded-For': forged } };
      assert.equal(requestOf(event, changes).remoteAddress, address);
    });
  }
});

test('bodies: text as UTF-8, base64 as bytes, none as none', () => {
  assert.equal(requestOf('api-v2', { body: 'ü', isBase64Encoded: false }).body.toString('hex'), 'c3bc');
  assert.equal(requestOf('api-v2', { body: 'AP8=', isBase64Encoded: true }).body.toString('hex'), '00ff');
  assert.equal(requestOf('function-url', { body: null }).body.length, 0);
});

test('events of other services are no requests', () => {
  for (const name of ['sqs', 'sns', 's3', 'eventbridge', 'schedule', 'dynamodb', 'kinesis']) {
    assert.equal(httpRequestOf(lambdaEvent(name)), undefined, name);
  }
  for (const event of [{}, { httpMethod: 'GET' }, { requestContext: 'x', httpMethod: 5 }, { version: '2.0' }]) {
    assert.equal(httpRequestOf(event), undefined, JSON.stringify(event));
  }
});
