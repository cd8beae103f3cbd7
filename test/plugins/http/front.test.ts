// Listening, stopping, and what the log and the metrics say.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { isRrtsError, RrtsError } from '../../../src/core/errors.ts';
import type { Address } from '../../../src/core/scalars.ts';
import { HttpFront } from '../../../src/plugins/http/front.ts';
import { createServices } from '../../../src/plugins/http/plugin.ts';
import { httpConfig, LogBook, startRig, statusOf } from './http-rig.ts';
import { part, reply, StubPool } from './stub-pool.ts';

const GET = 'GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n';
const GET_CLOSE = 'GET /a?b=c HTTP/1.1\r\nHost: h\r\nUser-Agent: test\r\nReferer: /r\r\nConnection: close\r\n\r\n';

function frontAt(address: Address): HttpFront {
  return new HttpFront(
    createServices(
      httpConfig({ address }),
      { logger: new LogBook(), workerOwner: undefined },
      new Map([['http', new StubPool()]]),
    ),
  );
}

describe('listening', () => {
  test('a port in use: ERR_LISTEN with place and cure, and nothing left open', async () => {
    const rig = await startRig();
    const front = frontAt({ kind: 'tcp', host: '127.0.0.1', port: rig.port });
    const error = await front.listen().then(
      () => assert.fail('listens'),
      (thrown: unknown) => thrown,
    );
    assert.ok(isRrtsError(error), String(error));
    assert.deepEqual([error.code, error.place], ['ERR_LISTEN', `127.0.0.1:${rig.port}`]);
    assert.match(error.message, /^http cannot listen on 127\.0\.0\.1:\d+: EADDRINUSE$/);
    assert.match(error.cure ?? '', /listens there already/);
    await front.close(0);
    await rig.close();
  });

  test('an address of another machine', async () => {
    const front = frontAt({ kind: 'tcp', host: '192.0.2.1', port: 0 });
    await assert.rejects(front.listen(), { code: 'ERR_LISTEN', place: '192.0.2.1:0' });
    await front.close(0);
  });

  for (const [name, host, target] of [
    ['every interface', '', '127.0.0.1'],
    ['every IPv4 interface', '0.0.0.0', '127.0.0.1'],
    ['a name', 'localhost', 'localhost'],
  ] as const) {
    test(name, async () => {
      const rig = await startRig({ address: { kind: 'tcp', host, port: 0 } });
      rig.pool.answer = (request) => reply(request, 200, {}, request.remoteAddress);
      const socket = connect(rig.port, target);
      socket.write(GET_CLOSE);
      const text = Buffer.concat(await socket.toArray()).toString();
      assert.match(text, /\r\n\r\n(127\.0\.0\.1|::1)$/);
      await rig.close();
    });
  }

  test('a unix socket, one that was left behind, and one that is in use', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rrts-http-'));
    const path = join(dir, 'app.sock');
    const address: Address = { kind: 'unix', path };
    const left = createServer().listen(path);
    await once(left, 'listening');
    await assert.rejects(frontAt(address).listen(), { code: 'ERR_LISTEN', place: `unix://${path}` });
    left.close();
    await once(left, 'close');
    await leaveBehind(path);
    const rig = await startRig({ address });
    rig.pool.answer = (request) => reply(request, 200, {}, request.remoteAddress);
    assert.match(await rig.exchange(GET_CLOSE), /\r\n\r\n127\.0\.0\.1$/);
    await rig.close();
    await assert.rejects(stat(path), { code: 'ENOENT' });
    await writeFile(path, 'not a socket');
    await assert.rejects(frontAt(address).listen(), { code: 'ERR_LISTEN' });
    await rm(dir, { recursive: true });
  });
});

/** A socket file that nobody listens on: what a killed server leaves. */
async function leaveBehind(path: string): Promise<void> {
  const { spawnSync } = await import('node:child_process');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  assert.ok((await stat(path)).isSocket(), 'left behind');
}

describe('stopping', () => {
  test('what runs is finished, and told to close; idle connections go at once; nobody new gets in', async () => {
    const rig = await startRig();
    const busy = await rig.connect();
    const idle = await rig.connect();
    const half = await rig.connect();
    busy.send(GET);
    half.send('GET / HT');
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const closed = rig.front.close(5000);
    await idle.readToEnd();
    const refused = connect(rig.port, '127.0.0.1');
    await once(refused, 'error');
    const [request] = rig.pool.submitted;
    assert.ok(request !== undefined, 'submitted');
    reply(request, 200, {}, 'finished');
    assert.match(await busy.readToEnd(), /\r\nConnection: close\r\n[\s\S]*finished$/);
    await closed;
    await half.readToEnd();
  });

  test('a stream that runs is finished too', async () => {
    const rig = await startRig();
    const client = await rig.connect();
    client.send(GET);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const [request] = rig.pool.submitted;
    assert.ok(request !== undefined, 'submitted');
    part(request, 200, {}, 'a', false);
    const closed = rig.front.close(5000);
    part(request, 200, undefined, 'b', true);
    request.onDone();
    assert.match(await client.readToEnd(), /1\r\na\r\n1\r\nb\r\n0\r\n\r\n$/);
    await closed;
  });

  test('what is not done within the grace is cut, and PHP is told', async () => {
    const rig = await startRig();
    const client = await rig.connect();
    client.send(GET);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const begin = performance.now();
    await rig.front.close(150);
    const took = performance.now() - begin;
    assert.ok(took > 100 && took < 10_000, `${took} ms`);
    assert.equal(await client.readToEnd(), '');
    assert.equal(rig.pool.cancelled.length, 1);
  });

  test('a request on a kept connection during the stop is answered, then the connection closes', async () => {
    const rig = await startRig();
    const client = await rig.connect();
    client.send(GET + GET);
    await rig.pool.until((pool) => pool.submitted.length === 1);
    const closed = rig.front.close(5000);
    rig.pool.answer = (request) => reply(request, 200, {}, 'second');
    const [request] = rig.pool.submitted;
    assert.ok(request !== undefined, 'submitted');
    reply(request, 200, {}, 'first');
    assert.match(await client.readToEnd(), /Connection: close\r\n[\s\S]*first$/);
    await closed;
  });
});

describe('the access log', () => {
  test('nothing by default', async () => {
    const rig = await startRig();
    rig.pool.answer = (request) => reply(request, 200, {}, 'x');
    await rig.exchange(GET_CLOSE);
    assert.deepEqual(rig.log.lines, []);
    await rig.close();
  });

  test("RoadRunner's short line when the level is debug", async () => {
    const log = new LogBook();
    log.debugEnabled = true;
    const rig = await startRig({}, log);
    rig.pool.answer = (request) => reply(request, 201, {}, 'four');
    await rig.exchange(GET_CLOSE);
    const line = log.lines.find(({ message }) => message === 'http log');
    assert.equal(line?.level, 'info');
    const { start, elapsed, ...facts } = line?.facts ?? {};
    assert.deepEqual(facts, {
      status: 201,
      method: 'GET',
      URI: '/a?b=c',
      URL: 'http://h/a?b=c',
      remote_address: '127.0.0.1',
      read_bytes: 0,
      write_bytes: 4,
    });
    assert.match(String(start), /^\d{4}-\d\d-\d\dT/);
    assert.equal(typeof elapsed, 'number');
    await rig.close();
  });

  test("RoadRunner's long line with access_logs, also of a client that left", async () => {
    const rig = await startRig({ accessLogs: true });
    rig.pool.answer = (request) => reply(request, 200, {}, 'x');
    await rig.exchange(GET_CLOSE);
    const facts = rig.log.lines[0]?.facts ?? {};
    assert.equal(rig.log.lines[0]?.message, 'http access log');
    const { query, host, user_agent, referer, content_len } = facts;
    assert.deepEqual([query, host, user_agent, referer, content_len], ['b=c', 'h', 'test', '/r', 0]);
    rig.pool.answer = undefined;
    const client = await rig.connect();
    client.send(GET);
    await rig.pool.until((pool) => pool.submitted.length === 2);
    client.destroy();
    await rig.pool.until((pool) => pool.cancelled.length === 1);
    assert.equal(rig.log.lines[1]?.facts['status'], 499);
    await rig.close();
  });
});

test("metrics: RoadRunner's names, per status, and the time in the queue", async () => {
  const rig = await startRig();
  const registry = new Registry();
  rig.services.metrics.register(registry);
  rig.pool.answer = (request) => reply(request, 200, {}, 'x');
  for (let index = 0; index < 3; index++) await rig.exchange(GET_CLOSE);
  rig.pool.answer = (request) => request.onFailure(new RrtsError('ERR_POOL_QUEUE_FULL', 'full'));
  await rig.exchange(GET_CLOSE);
  await rig.exchange('GET / HTTP/1.1\r\n\r\n');
  rig.pool.answer = undefined;
  const client = await rig.connect();
  client.send(GET);
  await rig.pool.until((pool) => pool.submitted.length === 5);
  const text = await registry.metrics();
  for (const line of [
    'rr_http_request_total{status="200"} 3',
    'rr_http_request_total{status="503"} 1',
    'rr_http_request_total{status="400"} 1',
    'rr_http_request_duration_seconds_bucket{le="0.005",status="400"} 1',
    'rr_http_request_duration_seconds_bucket{le="60",status="200"} 3',
    'rr_http_request_duration_seconds_bucket{le="+Inf",status="200"} 3',
    'rr_http_request_duration_seconds_count{status="200"} 3',
    'rr_http_requests_queue 1',
    'rr_http_no_free_workers_total 1',
    'rrts_http_queue_seconds_count 5',
    '# TYPE rr_http_request_duration_seconds histogram',
    '# TYPE rr_http_request_total counter',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} in\n${text}`);
  }
  assert.match(text, /\nrr_http_uptime_seconds [\d.]+\n/);
  client.destroy();
  await rig.close();
});

test('static headers of the headers middleware', async () => {
  const headers = { request: { 'X-From': 'rrts' }, response: { 'X-Powered-By': 'rrts', 'X-App': 'default' } };
  for (const middleware of [['headers'], []]) {
    const rig = await startRig({ headers, middleware });
    rig.pool.answer = (request) => reply(request, 200, { 'x-app': ['own'] }, request.headers.join('|'));
    const text = await rig.exchange(GET_CLOSE);
    assert.equal(statusOf(text), 200);
    assert.equal(text.includes('X-Powered-By: rrts'), middleware.length === 1);
    assert.equal(text.includes('x-from|rrts'), middleware.length === 1);
    assert.equal(text.includes('X-App: default'), false);
    await rig.close();
  }
});

test('temporary files of an upload are removed after the response', async () => {
  const rig = await startRig();
  const boundary = 'b';
  const body = `--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n`;
  const client = await rig.connect();
  client.send(
    `POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await rig.pool.until((pool) => pool.submitted.length === 1);
  const [request] = rig.pool.submitted;
  const path = request?.body.uploads[0]?.temporaryPath ?? '';
  assert.ok((await stat(path)).isFile(), path);
  reply(request as never, 200, {}, 'done');
  await client.until((received) => received.endsWith('done'));
  const deadline = Date.now() + 3000;
  while (
    Date.now() < deadline &&
    (await stat(path).then(
      () => true,
      () => false,
    ))
  )
    await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(stat(path), { code: 'ENOENT' });
  client.destroy();
  await rig.close();
});
