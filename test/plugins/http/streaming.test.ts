// Streamed replies, informational responses, trailers, and both ends that leave in the middle.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { RrtsError } from '../../../src/core/errors.ts';
import type { HttpExchange } from '../../../src/plugins/http/http-exchange.ts';
import { type RawClient, type Rig, startRig } from './http-rig.ts';
import { part, reply } from './stub-pool.ts';

let rig: Rig;
let client: RawClient;

/** Sends a request and returns it as the pool got it. */
async function begin(bytes = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'): Promise<HttpExchange> {
  client = await rig.connect();
  const before = rig.pool.submitted.length;
  client.send(bytes);
  await rig.pool.until((pool) => pool.submitted.length > before);
  return rig.pool.submitted[before] as HttpExchange;
}

/** Everything after the head of the final response. */
function bodyOf(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n', text.search(/HTTP\/1\.1 [2-5]/)) + 4);
}

before(async () => {
  rig = await startRig();
});
afterEach(() => {
  client.destroy();
  assert.equal(rig.services.metrics.inFlight, 0, 'nothing is left in flight');
});
after(() => rig.close());

describe('a streamed reply', () => {
  test('each part is on its way before the next one is made', async () => {
    const request = await begin();
    part(request, 200, { 'X-A': ['1'] }, 'part 0', false);
    for (let index = 0; index < 10; index++) {
      await client.until((received) => received.endsWith(`part ${index}\r\n`));
      if (index < 9) part(request, 200, undefined, `part ${index + 1}`, false);
    }
    part(request, 200, undefined, '', true);
    request.onDone();
    const text = await client.until((received) => received.endsWith('\r\n0\r\n\r\n'));
    assert.match(text, /^HTTP\/1\.1 200 OK\r\nX-A: 1\r\n/);
    assert.equal(
      bodyOf(text)
        .replace(/\d+\r\n(part \d)\r\n/g, '$1,')
        .slice(0, 70),
      `${Array.from({ length: 10 }, (_, i) => `part ${i}`).join(',')},`,
    );
  });

  test('a head without a body is flushed at once', async () => {
    const request = await begin();
    part(request, 200, { 'X-A': ['1'] }, '', false);
    await client.until((received) => received.endsWith('\r\n\r\n'));
    part(request, 200, undefined, 'late', true);
    request.onDone();
    await client.until((received) => received.endsWith('4\r\nlate\r\n0\r\n\r\n'));
  });

  test('empty parts and repeated heads do no harm', async () => {
    const request = await begin();
    part(request, 200, {}, 'a', false);
    part(request, 200, undefined, '', false);
    part(request, 404, { 'X-B': ['1'] }, 'b', false);
    part(request, 200, undefined, '', true);
    request.onDone();
    assert.equal(
      bodyOf(await client.until((received) => received.endsWith('0\r\n\r\n'))),
      '1\r\na\r\n1\r\nb\r\n0\r\n\r\n',
    );
  });

  test('to an HTTP/1.0 client it ends with the connection', async () => {
    const request = await begin('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    part(request, 200, {}, 'a', false);
    part(request, 200, undefined, 'b', true);
    request.onDone();
    const text = await client.readToEnd();
    assert.match(text, /\r\nConnection: close\r\n/);
    assert.doesNotMatch(text, /Transfer-Encoding/);
    assert.equal(bodyOf(text), 'ab');
  });
});

describe('trailers', () => {
  test('listed headers follow the body', async () => {
    const request = await begin('GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n');
    reply(request, 200, { Trailer: ['X-Sum, x-time'], 'X-Sum': ['abc'], 'X-Time': ['1'], 'X-A': ['2'] }, 'body');
    const text = await client.until((received) => received.endsWith('X-Time: 1\r\n\r\n'));
    assert.match(text, /^HTTP\/1\.1 200 OK\r\nX-A: 2\r\nTrailer: X-Sum, X-Time\r\n/);
    assert.equal(bodyOf(text), '4\r\nbody\r\n0\r\nX-Sum: abc\r\nX-Time: 1\r\n\r\n');
  });

  test('in a streamed reply', async () => {
    const request = await begin();
    part(request, 200, { Trailer: ['X-Sum'], 'X-Sum': ['abc'], 'Content-Length': ['2'] }, 'a', false);
    part(request, 200, undefined, 'b', true);
    request.onDone();
    const text = await client.until((received) => received.endsWith('X-Sum: abc\r\n\r\n'));
    assert.equal(bodyOf(text), '1\r\na\r\n1\r\nb\r\n0\r\nX-Sum: abc\r\n\r\n');
    assert.doesNotMatch(text, /Content-Length/);
  });

  test('what frames or routes a message is no trailer', async () => {
    const request = await begin();
    const headers = {
      Trailer: ['Content-Type, Set-Cookie, Host'],
      'Content-Type': ['a/b'],
      'Set-Cookie': ['a=1'],
      Host: ['x'],
    };
    reply(request, 200, headers, 'body');
    const text = await client.until((received) => received.endsWith('body'));
    assert.match(
      text,
      /^HTTP\/1\.1 200 OK\r\nContent-Type: a\/b\r\nSet-Cookie: a=1\r\nHost: x\r\nContent-Length: 4\r\n/,
    );
  });

  test('an HTTP/1.0 client gets none', async () => {
    const request = await begin('GET / HTTP/1.0\r\n\r\n');
    reply(request, 200, { Trailer: ['X-Sum'], 'X-Sum': ['abc'] }, 'body');
    const text = await client.readToEnd();
    assert.doesNotMatch(text, /X-Sum|Trailer/);
    assert.equal(bodyOf(text), 'body');
  });

  test('HEAD gets none', async () => {
    const request = await begin('HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    reply(request, 200, { Trailer: ['X-Sum'], 'X-Sum': ['abc'] }, 'body');
    assert.equal(bodyOf(await client.readToEnd()), '');
  });
});

describe('informational responses', () => {
  test('100, 102 and 103 go out with their own headers, which the final response has not', async () => {
    const request = await begin();
    part(request, 103, { Link: ['</a.css>; rel=preload', '</b.js>; rel=preload'] }, '', false);
    part(request, 102, {}, 'this body is dropped', false);
    part(request, 100, { 'X-Hint': ['1'], 'Content-Length': ['5'], Connection: ['close'] }, '', false);
    part(request, 404, { 'X-Final': ['1'] }, 'not found', true);
    request.onDone();
    const text = await client.until((received) => received.endsWith('not found'));
    assert.ok(
      text.startsWith(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\n\r\n' +
          'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\nX-Hint: 1\r\n\r\nHTTP/1.1 404 Not Found\r\nX-Final: 1\r\nContent-Length: 9\r\n',
      ),
      text,
    );
  });

  test('a streamed reply may follow', async () => {
    const request = await begin();
    part(request, 103, { Link: ['</a.css>'] }, '', false);
    part(request, 200, {}, 'a', false);
    part(request, 200, undefined, 'b', true);
    request.onDone();
    const text = await client.until((received) => received.endsWith('0\r\n\r\n'));
    assert.equal(text.split('Link').length, 2);
    assert.equal(bodyOf(text), '1\r\na\r\n1\r\nb\r\n0\r\n\r\n');
  });

  test('101 is left out', async () => {
    const request = await begin();
    part(request, 101, { Upgrade: ['websocket'] }, '', false);
    part(request, 200, {}, 'done', true);
    request.onDone();
    assert.match(await client.until((received) => received.endsWith('done')), /^HTTP\/1\.1 200 OK\r\n/);
  });

  test('an HTTP/1.0 client gets none', async () => {
    const request = await begin('GET / HTTP/1.0\r\n\r\n');
    part(request, 103, { Link: ['</a.css>'] }, '', false);
    part(request, 200, {}, 'done', true);
    request.onDone();
    assert.match(await client.readToEnd(), /^HTTP\/1\.1 200 OK\r\n/);
  });

  test('CR and LF cannot make a second header of a hint', async () => {
    const request = await begin();
    part(request, 103, { Link: ['</a>\r\nSet-Cookie: evil=1'], 'X-A': ['1'] }, '', false);
    reply(request, 200, {}, 'done');
    const text = await client.until((received) => received.endsWith('done'));
    assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\nX-A: 1\r\n\r\nHTTP\/1\.1 200/);
  });
});

describe('the client leaves', () => {
  test('before the reply: the pool is told, once', async () => {
    const request = await begin();
    client.destroy();
    await rig.pool.until((pool) => pool.cancelled.includes(request));
    assert.equal(rig.pool.cancelled.filter((cancelled) => cancelled === request).length, 1);
  });

  test('in the middle of a stream', async () => {
    const request = await begin();
    part(request, 200, {}, 'a', false);
    await client.until((received) => received.includes('a\r\n'));
    client.destroy();
    await rig.pool.until((pool) => pool.cancelled.includes(request));
    assert.equal(part(request, 200, undefined, 'late', false), true, 'what comes late is swallowed');
  });

  test('in the middle of its body: the pool never hears of it', async () => {
    client = await rig.connect();
    const before = rig.pool.submitted.length;
    client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf');
    const deadline = Date.now() + 2000;
    while (rig.services.metrics.inFlight === 0 && Date.now() < deadline)
      await new Promise((resolve) => setImmediate(resolve));
    client.destroy();
    while (rig.services.metrics.inFlight > 0 && Date.now() < deadline)
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rig.pool.submitted.length, before);
  });
});

describe('the worker dies after bytes went out', () => {
  const cut = new RrtsError('ERR_WORKER_CUT', 'the worker ended');

  test('chunks: what was sent arrives, the last chunk does not', async () => {
    const request = await begin();
    part(request, 200, {}, 'a', false);
    part(request, 200, undefined, 'b', false);
    request.onFailure(cut);
    assert.equal(bodyOf(await client.readToEnd()), '1\r\na\r\n1\r\nb\r\n');
  });

  test('Content-Length: fewer bytes than announced', async () => {
    const request = await begin();
    part(request, 200, { 'Content-Length': ['10'] }, 'abc', false);
    request.onFailure(cut);
    assert.equal(bodyOf(await client.readToEnd()), 'abc');
  });

  test('HTTP/1.0: a reset, because the end of the connection would look like the end of the body', async () => {
    const request = await begin('GET / HTTP/1.0\r\n\r\n');
    part(request, 200, {}, 'abc', false);
    await client.until((received) => received.endsWith('abc'));
    request.onFailure(cut);
    await client.readToEnd();
    assert.equal(client.error, 'ECONNRESET');
  });

  test('after an informational response it is still an error page', async () => {
    const request = await begin();
    part(request, 103, { Link: ['</a>'] }, '', false);
    request.onFailure(cut);
    assert.match(
      await client.until((received) => received.endsWith('Bad Gateway\n')),
      /\r\n\r\nHTTP\/1\.1 502 Bad Gateway\r\n/,
    );
  });
});
