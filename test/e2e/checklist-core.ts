// RoadRunner's HTTP core checklist (requests and replies), item by item, for any kind of worker.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RawClient, valuesOf } from '../helpers/raw-http.ts';
import { ask, askJson } from '../helpers/request.ts';
import type { WorkerKind } from './kinds.ts';
import { type SharedServer, sharedServer } from './server-of-kind.ts';

/** Declares the tests. */
export function checkHttpCore(kind: WorkerKind): void {
  describe(`6.1 HTTP core, ${kind.name}`, () => {
    const shared = sharedServer(kind);
    requestChecks(shared);
    headerChecks(shared, kind);
    replyChecks(shared);
  });
}

function requestChecks(shared: SharedServer): void {
  test('echo: the query arrives, 201 and an upper-cased body come back', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, '/echo?hello=world');
    assert.deepEqual([answer.status, answer.text], [201, 'WORLD']);
  });

  test('method, absolute URI, protocol and remote address arrive', async (t) => {
    if (shared.missing(t)) return;
    const { server } = shared;
    const seen = await askJson<Record<string, unknown>>(server, '/request?a[b]=1&a[c]=2&x=%C3%A9', { method: 'PATCH' });
    assert.equal(seen['method'], 'PATCH');
    assert.equal(seen['uri'], `${server.url}/request?a[b]=1&a[c]=2&x=%C3%A9`);
    assert.match(String(seen['protocol']), /^(HTTP\/)?1\.1$/);
    assert.equal(seen['remoteAddress'], '127.0.0.1');
    assert.deepEqual(seen['query'], { a: { b: '1', c: '2' }, x: 'é' });
  });

  test('REMOTE_ADDR is 127.0.0.1, REQUEST_METHOD and REQUEST_URI are set', async (t) => {
    if (shared.missing(t)) return;
    const server = await askJson<Record<string, string>>(shared.server, '/server?q=1');
    assert.equal(server['REMOTE_ADDR'], '127.0.0.1');
    assert.equal(server['REQUEST_METHOD'], 'GET');
    assert.match(server['REQUEST_URI'] ?? '', /\/server\?q=1$/);
  });

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    test(`a JSON body of ${method} arrives raw and not parsed`, async (t) => {
      if (shared.missing(t)) return;
      const body = '{"key": "v\u00e4lue",  "list": [1, 2]}';
      const headers = { 'content-type': 'application/json' };
      const seen = await askJson<Record<string, unknown>>(shared.server, '/form', { method, headers, body });
      assert.deepEqual(seen, { parsed: false, form: null, body, uploads: {} });
    });
  }

  test('a body of any bytes comes back unchanged', async (t) => {
    if (shared.missing(t)) return;
    const body = Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 251));
    const client = await RawClient.connect(shared.server.port);
    client.send('POST /echo-body HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\n');
    client.send(`Content-Length: ${body.length}\r\n\r\n`);
    client.send(body);
    const response = await client.response();
    client.destroy();
    assert.ok(response.body.equals(body), 'the same bytes');
  });

  test('a chunked request body arrives whole', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    client.send('POST /echo-body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send('3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n');
    const response = await client.response();
    client.destroy();
    assert.equal(response.body.toString(), 'abc0123456789abcdef');
  });

  test('HEAD and OPTIONS reach the worker without a body; HEAD gets none back', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    client.send('HEAD /request HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS /request HTTP/1.1\r\nHost: a\r\n\r\n');
    const head = await client.response(5000, true);
    const options = await client.response();
    client.destroy();
    assert.equal(head.status, 200);
    assert.equal(JSON.parse(options.body.toString()).method, 'OPTIONS');
  });
}

function headerChecks(shared: SharedServer, kind: WorkerKind): void {
  test('request headers are visible to PHP, values of a repeated one kept apart', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    client.send('GET /headers HTTP/1.1\r\nHost: a.example\r\nX-One: 1\r\nX-Many: first\r\nx-many: second\r\n\r\n');
    const seen = JSON.parse((await client.response()).body.toString());
    client.destroy();
    assert.deepEqual(seen['x-one'], ['1']);
    assert.deepEqual(seen['x-many'], ['first', 'second']);
  });

  test('response headers reach the client, several values as several fields, bytes as PHP wrote them', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    client.send('GET /response-headers HTTP/1.1\r\nHost: a\r\n\r\n');
    const response = await client.response();
    client.destroy();
    assert.deepEqual(valuesOf(response, 'x-single'), ['one']);
    assert.deepEqual(valuesOf(response, 'x-multi'), ['first', 'second']);
    assert.deepEqual(valuesOf(response, 'x-utf8'), [Buffer.from('café').toString('latin1')]);
    assert.deepEqual(valuesOf(response, 'content-type'), ['text/plain; charset=utf-8']);
  });

  test('a header value that is not UTF-8 arrives: as it is both ways, or in a JSON head as the text it is in latin1', async (t) => {
    if (shared.missing(t)) return;
    if (kind.noBytes !== undefined) return t.skip(kind.noBytes);
    const client = await RawClient.connect(shared.server.port);
    client.send('GET /header-hex?name=x-bytes HTTP/1.1\r\nHost: a\r\nX-Bytes: caf\xe9\xff\r\n\r\n');
    const expected = Buffer.from('caf\xe9\xff', kind.textHead ? 'utf8' : 'latin1').toString('hex');
    assert.equal((await client.response()).body.toString(), expected);
    if (kind.textHead) return client.destroy();
    client.send('GET /latin1 HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.deepEqual(valuesOf(await client.response(), 'x-latin1'), ['caf\xe9']);
    client.destroy();
  });

  test('User-Agent given, missing and empty: HTTP_USER_AGENT is a string', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    for (const [field, expected] of [
      ['User-Agent: tester/1.0\r\n', 'tester/1.0'],
      ['User-Agent:\r\n', ''],
      ['', ''],
    ] as const) {
      client.send(`GET /server HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
      const seen = JSON.parse((await client.response()).body.toString());
      assert.equal(seen['HTTP_USER_AGENT'], expected);
    }
    client.destroy();
  });

  test('cookies arrive decoded, Set-Cookie goes out twice', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, '/cookies', {
      headers: { cookie: 'input=a%20b; second=2; input2=%C3%A9' },
    });
    assert.deepEqual(JSON.parse(answer.text), { input: 'a b', second: '2', input2: 'é' });
    assert.deepEqual(answer.headers['set-cookie'], ['a=1; Path=/', 'b=two; HttpOnly']);
  });
}

function replyChecks(shared: SharedServer): void {
  test('a body of 10 MB comes whole', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, `/big?bytes=${10 << 20}`);
    assert.equal(answer.text.length, 10 << 20);
    assert.ok(answer.text.startsWith('0123456789abcdef') && answer.text.endsWith('0123456789abcdef'));
  });

  test('trailers are sent after the body, the Trailer list names them', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    client.send('GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n');
    const response = await client.response();
    client.destroy();
    assert.equal(response.body.toString(), 'body');
    const trailers = response.trailers.map(([name, value]) => [name.toLowerCase(), value]);
    assert.deepEqual(trailers, [['x-checksum', 'abc123']]);
    assert.deepEqual(valuesOf(response, 'x-checksum'), [], 'not also in the head');
  });

  for (const code of [204, 301, 404, 418, 500, 503, 599]) {
    test(`status ${code} of PHP reaches the client`, async (t) => {
      if (shared.missing(t)) return;
      const answer = await ask(shared.server, `/status?code=${code}`);
      assert.equal(answer.status, code);
      assert.equal(answer.text, code === 204 ? '' : 'status');
    });
  }

  test('many requests on one connection each get their own answer', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    const count = 50;
    for (let i = 0; i < count; i++) client.send(`GET /echo?hello=n${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (let i = 0; i < count; i++) assert.equal((await client.response()).body.toString(), `N${i}`);
    client.destroy();
    t.diagnostic(`${count} pipelined requests`);
  });
}
