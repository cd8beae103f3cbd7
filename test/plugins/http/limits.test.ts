// Clients that are slow, silent or send too much (reliability cases O10 to O14).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connectionLimit } from '../../../src/plugins/http/server.ts';
import { httpConfig, type Rig, startRig, statusOf } from './http-rig.ts';
import { part, reply } from './stub-pool.ts';

const HEAD = 'Host: h\r\n';

describe('slow requests', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig({ timeouts: { headers: 300, bodyIdle: 300 } });
    rig.pool.answer = (request) => reply(request, 200, {}, String(request.body.bytes.length));
  });
  after(() => rig.close());

  for (const [name, bytes] of [
    ['silence', ''],
    ['half a start line', 'GET / HT'],
    ['half of the headers', `GET / HTTP/1.1\r\n${HEAD}X-A: 1\r\n`],
    ['no body', `POST / HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\n`],
    ['half a body', `POST / HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhe`],
    ['half a chunk', `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhe`],
    ['no last chunk', `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`],
  ] as const) {
    test(`${name} is 408 and the end`, async () => {
      const begin = performance.now();
      const text = await rig.exchange(bytes);
      const took = performance.now() - begin;
      assert.equal(statusOf(text), 408);
      assert.match(text, /\r\nConnection: close\r\n/);
      assert.equal(text.split('HTTP/1.1').length, 2);
      assert.ok(took > 250 && took < 10_000, `${Math.round(took)} ms`);
      assert.equal(rig.pool.submitted.length, 0);
    });
  }

  test('a body that keeps coming is not cut, however long it takes', async () => {
    const client = await rig.connect();
    client.send(`POST / HTTP/1.1\r\n${HEAD}Content-Length: 6\r\n\r\n`);
    for (const byte of 'hello!') {
      await new Promise((resolve) => setTimeout(resolve, 120)); // the pause is what is tested
      client.send(byte);
    }
    await client.until((received) => received.endsWith('\r\n\r\n6'));
    client.destroy();
  });
});

for (const [name, headers] of [
  ['longer than headers', 200],
  ['shorter than headers', 60_000],
  ['and no limit for headers', 0],
] as const) {
  test(`body bounds the whole request: ${name}`, () => bodyTimeout({ headers, body: 400 }));
}

async function bodyTimeout(timeouts: { headers: number; body: number }): Promise<void> {
  const rig = await startRig({ timeouts });
  const client = await rig.connect();
  client.send(`POST / HTTP/1.1\r\n${HEAD}Content-Length: 1000\r\n\r\n`);
  const drip = setInterval(() => client.send('x'), 50);
  const text = await client.readToEnd().finally(() => clearInterval(drip));
  assert.equal(statusOf(text), 408);
  assert.equal(rig.pool.submitted.length, 0);
  await rig.close();
}

test('an idle connection is closed after keep_alive', async () => {
  const rig = await startRig({ timeouts: { keepAlive: 100 } });
  rig.pool.answer = (request) => reply(request, 200, {}, 'done');
  const client = await rig.connect();
  client.send(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
  assert.match(await client.readToEnd(), /done$/);
  await rig.close();
});

describe('bodies over max_request_size', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig({ maxRequestSize: 1 });
    rig.pool.answer = (request) => reply(request, 200, {}, String(request.body.bytes.length));
  });
  after(() => rig.close());

  test('announced: 413 before a byte of it', async () => {
    const text = await rig.exchange(`POST / HTTP/1.1\r\n${HEAD}Content-Length: 1048577\r\n\r\n`);
    assert.equal(statusOf(text), 413);
    assert.match(text, /\r\n\r\nserve_http: http: request body too large\n$/);
  });

  test('announced with Expect: 413 instead of 100', async () => {
    const text = await rig.exchange(
      `POST / HTTP/1.1\r\n${HEAD}Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n`,
    );
    assert.equal(statusOf(text), 413);
    assert.doesNotMatch(text, /100 Continue/);
  });

  test('in chunks: 413 that the client can read although it still sends', async () => {
    const client = await rig.connect();
    client.send(`POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (let sent = 0; sent < 64 && !client.closed; sent++) client.send(chunk);
    const text = await client.readToEnd();
    assert.equal(statusOf(text), 413);
    assert.equal(client.error, undefined, 'no reset');
  });

  test('exactly the limit passes', async () => {
    const text = await rig.exchange(
      `POST / HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: 1048576\r\n\r\n${'x'.repeat(1_048_576)}`,
    );
    assert.match(text, /\r\n\r\n1048576$/);
  });

  test('Expect: 100-continue gets its 100 first', async () => {
    const client = await rig.connect();
    client.send(`POST / HTTP/1.1\r\n${HEAD}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
    await client.until((received) => received === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hello');
    await client.until((received) => received.endsWith('\r\n\r\n5'));
    client.destroy();
  });
});

describe('slow readers', () => {
  test('a stream waits, goes on when the client reads, and PHP is resumed', async () => {
    const rig = await startRig();
    const client = await rig.connect();
    client.socket.pause();
    client.send(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const [request] = rig.pool.submitted;
    assert.ok(request !== undefined, 'submitted');
    const block = Buffer.alloc(256 * 1024, 'x');
    let parts = 0;
    while (part(request, 200, parts === 0 ? {} : undefined, block, false)) {
      parts++;
      assert.ok(parts < 200, 'the client reads nothing, so it must stop');
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Parts that were in the same chunk of the worker's output still come.
    for (let late = 0; late < 20; late++) part(request, 200, undefined, 'late', false);
    assert.equal(rig.pool.resumed, 0);
    client.socket.resume();
    await rig.pool.until((pool) => pool.resumed === 1);
    part(request, 200, undefined, '', true);
    request.onDone();
    await client.until((received) => received.endsWith('\r\n0\r\n\r\n'));
    assert.equal(rig.pool.resumed, 1, 'one wait, however many parts came in it');
    client.destroy();
    await rig.close();
  });

  test('a client that takes nothing for send_idle is cut off', async () => {
    const rig = await startRig({ timeouts: { sendIdle: 200 } });
    const client = await rig.connect();
    client.socket.pause();
    client.send(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const [request] = rig.pool.submitted;
    assert.ok(request !== undefined, 'submitted');
    const block = Buffer.alloc(4 * 1024 * 1024, 'x');
    while (part(request, 200, request.replyStarted ? undefined : {}, block, false));
    await rig.pool.until((pool) => pool.cancelled.length === 1);
    assert.equal(rig.services.metrics.inFlight, 0);
    client.destroy();
    await rig.close();
  });

  test('the same for a reply in one piece that PHP is done with', async () => {
    const rig = await startRig({ timeouts: { sendIdle: 200 } });
    rig.pool.answer = (request) => reply(request, 200, {}, Buffer.alloc(32 * 1024 * 1024, 'x'));
    const client = await rig.connect();
    client.socket.pause();
    client.send(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const [connection] = rig.services.connections;
    assert.ok(connection !== undefined, 'connected');
    const begin = performance.now();
    while (rig.services.connections.size > 0) {
      assert.ok(performance.now() - begin < 20_000, 'still open');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(performance.now() - begin > 150, 'not at once');
    client.destroy();
    await rig.close();
  });
});

test('connections: fewer than configured when the process may not open so many files', () => {
  assert.equal(connectionLimit(10_000, 524_288), 10_000);
  assert.equal(connectionLimit(10_000, 4096), 3096);
  assert.equal(connectionLimit(10_000, 64), 48);
  assert.equal(connectionLimit(0, 20_000), 19_000);
  assert.equal(connectionLimit(0, undefined), Number.POSITIVE_INFINITY);
  assert.equal(connectionLimit(100, undefined), 100);
});

test('connections over the limit are closed, and the log says so', async () => {
  const rig = await startRig({ limits: { connections: 2 } });
  const first = await rig.connect();
  const second = await rig.connect();
  const third = await rig.connect();
  await once(third.socket, 'close');
  assert.deepEqual([first.closed, second.closed], [false, false]);
  const lines = rig.log.lines.filter(({ message }) => message === '2 connections are open; one more was closed');
  assert.equal(lines.length, 1);
  first.destroy();
  second.destroy();
  await rig.close();
});

test('limits and time-outs that a reload changes hold for the connections that follow', async (t) => {
  const rig = await startRig();
  t.after(() => rig.close());
  rig.pool.answer = (request) => reply(request, 200, {}, 'ok');
  const config = httpConfig({ timeouts: { headers: 300 }, limits: { headerBytes: 2048, headerFields: 5 } });
  Object.assign(rig.services, { config });
  rig.front.applySettings();
  assert.equal(statusOf(await rig.exchange(`GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`)), 200);
  const many = Array.from({ length: 6 }, (_, index) => `X-${index}: 1\r\n`).join('');
  assert.equal(statusOf(await rig.exchange(`GET / HTTP/1.1\r\n${HEAD}${many}\r\n`)), 431);
  assert.equal(statusOf(await rig.exchange(`GET / HTTP/1.1\r\n${HEAD}X-A: ${'a'.repeat(3000)}\r\n\r\n`)), 431);
  const begin = performance.now();
  assert.equal(statusOf(await rig.exchange('GET / HTTP/1.1\r\n')), 408);
  assert.ok(performance.now() - begin < 9000, 'by the new time, not by that of 10 s');
});
