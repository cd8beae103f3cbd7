// One request at a time per connection (reliability case O06), and what follows a request that is wrong.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type RawClient, type Rig, startRig } from './http-rig.ts';
import { part, reply } from './stub-pool.ts';

function count(text: string, what: string): number {
  return text.split(what).length - 1;
}

function get(index: number | string, lines = ''): string {
  return `GET /${index} HTTP/1.1\r\nHost: h\r\n${lines}\r\n`;
}

describe('pipelined requests', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig({ limits: { requestsPerConnection: 0 } });
  });
  beforeEach(() => {
    rig.pool.answer = undefined;
    rig.pool.submitted.length = 0;
  });
  after(() => rig.close());

  test('5,000 on one connection: one runs, the rest waits, all are answered in order', async (context) => {
    const total = 5000;
    let most = 0;
    let running = 0;
    rig.pool.answer = (request) => {
      running++;
      most = Math.max(most, running);
      setImmediate(() => {
        running--;
        reply(request, 200, { 'X-Target': [request.target] }, '');
      });
    };
    const client = await rig.connect();
    client.send(Array.from({ length: total }, (_, index) => get(index)).join(''));
    const text = await client.until((received) => received.includes(`X-Target: /${total - 1}\r\n`), 'all answers');
    const order = [...text.matchAll(/X-Target: \/(\d+)/g)].map(([, index]) => Number(index));
    assert.deepEqual(
      order,
      Array.from({ length: total }, (_, index) => index),
    );
    assert.equal(most, 1);
    context.diagnostic(`${order.length} answers, at most ${most} at a time`);
    client.destroy();
  });

  test('while one runs, the next is not even submitted, and the socket is not read on', async () => {
    const client = await rig.connect();
    client.send(get(1) + get(2));
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const other = await rig.connect();
    other.send(get('other'));
    await rig.pool.until((pool) => pool.submitted.length === 2);
    assert.deepEqual(
      rig.pool.submitted.map(({ target }) => target),
      ['/1', '/other'],
    );
    for (const request of [...rig.pool.submitted]) reply(request, 200, {}, request.target);
    await rig.pool.until((pool) => pool.submitted.length === 3);
    assert.equal(rig.pool.submitted[2]?.target, '/2');
    reply(rig.pool.submitted[2] as never, 200, {}, '/2');
    await client.until((received) => received.endsWith('/2'));
    client.send(get(3));
    await rig.pool.until((pool) => pool.submitted.length === 4);
    client.destroy();
    other.destroy();
  });

  test('a body behind a running request arrives when its turn comes', async () => {
    const client = await rig.connect();
    const body = 'x'.repeat(500_000);
    client.send(`${get(1)}POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}${get(3)}`);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    rig.pool.answer = (request) => reply(request, 200, {}, `<${request.target} ${request.body.bytes.length}>`);
    reply(rig.pool.submitted[0] as never, 200, {}, '');
    const text = await client.until((received) => received.includes('</3 0>'));
    assert.match(text, /<\/2 500000>/);
    client.destroy();
  });

  test('answers of a stream and of the next request do not mix', async () => {
    const client = await rig.connect();
    client.send(get(1) + get(2));
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const first = rig.pool.submitted[0] as never;
    part(first, 200, {}, 'a', false);
    part(first, 200, undefined, 'b', true);
    rig.pool.answer = (request) => reply(request, 200, {}, 'second');
    (first as { onDone(): void }).onDone();
    const text = await client.until((received) => received.endsWith('second'));
    assert.match(text, /1\r\na\r\n1\r\nb\r\n0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    client.destroy();
  });

  test('nonsense behind a running request: that is answered, then 400, then the end', async () => {
    const client = await rig.connect();
    client.send(`${get(1)}${get(2)}\0\0\0\r\n\r\n${get('smuggled')}`);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    rig.pool.answer = (request) => reply(request, 200, {}, request.target);
    reply(rig.pool.submitted[0] as never, 200, {}, '/1');
    const text = await client.readToEnd();
    assert.deepEqual(
      [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ['200', '200', '400'],
    );
    assert.deepEqual(
      rig.pool.submitted.map(({ target }) => target),
      ['/1', '/2'],
    );
  });

  test('a refused request behind a running one ends the connection; what follows is not run', async () => {
    const client = await rig.connect();
    client.send(`${get(1)}GET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${get('smuggled')}`);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    reply(rig.pool.submitted[0] as never, 200, {}, '/1');
    const text = await client.readToEnd();
    assert.equal(count(text, 'HTTP/1.1 400'), 1);
    assert.equal(rig.pool.submitted.length, 1);
  });

  test('a client that left: its waiting requests are forgotten', async () => {
    const client = await rig.connect();
    client.send(Array.from({ length: 50 }, (_, index) => get(index)).join(''));
    await rig.pool.until((pool) => pool.submitted.length === 1);
    client.destroy();
    // Nothing is read from a connection with waiting requests, so that the client is gone shows when it is written to.
    rig.pool.answer = (request) => setImmediate(() => reply(request, 200, {}, ''));
    reply(rig.pool.submitted[0] as never, 200, {}, '');
    const deadline = Date.now() + 20_000;
    while (rig.services.connections.size > 0 && Date.now() < deadline)
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rig.services.connections.size, 0);
    assert.ok(rig.pool.submitted.length <= 5, `${rig.pool.submitted.length} of 50 were run`);
    assert.equal(rig.services.metrics.inFlight, 0);
  });

  test('OPTIONS * is answered here, and the connection goes on', async () => {
    rig.pool.answer = (request) => reply(request, 200, {}, 'after');
    const client = await rig.connect();
    client.send(`OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n${get(1)}`);
    const text = await client.until((received) => received.endsWith('after'));
    assert.match(text, /^HTTP\/1\.1 204 No Content\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n/);
    assert.equal(rig.pool.submitted.length, 1);
    client.destroy();
  });
});

test('a connection is closed after so many requests', async () => {
  const rig = await startRig({ limits: { requestsPerConnection: 3 } });
  rig.pool.answer = (request) => reply(request, 200, {}, request.target);
  const client = await rig.connect();
  client.send(Array.from({ length: 10 }, (_, index) => get(index)).join(''));
  const text = await client.readToEnd();
  assert.deepEqual([count(text, 'HTTP/1.1 200'), rig.pool.submitted.length], [3, 3]);
  assert.equal(count(text, 'Connection: close'), 1);
  await rig.close();
});

test('HTTP/1.0 connections close unless they ask to stay', async () => {
  const rig = await startRig();
  rig.pool.answer = (request) => reply(request, 200, {}, request.target);
  assert.match(await rig.exchange('GET /old HTTP/1.0\r\n\r\n'), /Connection: close\r\n\r\n\/old$/);
  const client = await rig.connect();
  client.send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await client.until((received) => received.endsWith('/a'));
  client.send('GET /b HTTP/1.0\r\n\r\n');
  assert.match(await client.readToEnd(), /\/b$/);
  await rig.close();
});

describe('half a request behind those that wait', () => {
  const HEADERS_MS = 100;
  let rig: Rig;
  before(async () => {
    rig = await startRig({ timeouts: { headers: HEADERS_MS } });
  });
  after(() => rig.close());

  /** Three requests come, the last one in half, and the first one runs for much longer than a head may take. */
  async function sendHalf(rest: string): Promise<RawClient> {
    rig.pool.submitted.length = 0;
    rig.pool.answer = undefined;
    const client = await rig.connect();
    const whole = get(3, 'X-Half: yes\r\n');
    client.send(get(1) + get(2) + whole.slice(0, 20));
    await rig.pool.until((pool) => pool.submitted.length === 1);
    await pause(5 * HEADERS_MS);
    rig.pool.answer = (request) => reply(request, 200, {}, `<${request.target}>`);
    // It is on its way before the server reads on.
    client.send(rest === '' ? '' : whole.slice(20) + rest);
    reply(rig.pool.submitted[0] as never, 200, {}, '');
    return client;
  }

  test('it has its time from when the connection is read again: what was not read was not late', async () => {
    const client = await sendHalf(get(4));
    const text = await client.until((received) => received.includes('</4>'), 'all answers');
    assert.equal(count(text, 'HTTP/1.1 200'), 4, text);
    client.destroy();
  });

  test('the rest that never comes is still 408', async () => {
    const client = await sendHalf('');
    const text = await client.readToEnd();
    assert.deepEqual(
      [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ['200', '200', '408'],
    );
  });
});
