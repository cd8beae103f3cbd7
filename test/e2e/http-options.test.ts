// HTTP options of RoadRunner's checklist that need a server of their own: limits, uploads, addresses, logs.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { RawClient } from '../helpers/raw-http.ts';
import { ask, askJson } from '../helpers/request.ts';
import { type ConfigTree, spawnServer, startServer, statusOf, waitUntilReady } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { MULTIPART, multipart } from './bodies.ts';
import { SDK_JSON } from './kinds.ts';

const MEGABYTE = 1 << 20;

async function startWith(t: { after(fn: () => Promise<void>): void }, http: ConfigTree, more: ConfigTree = {}) {
  const server = await startServer({ command: SDK_JSON.command, config: { http, ...more } });
  t.after(() => server.discard());
  return server;
}

describe('6.1 max_request_size', () => {
  const form = 'application/x-www-form-urlencoded';

  test('11 MB of form at a limit of 1 MB: 413 with RoadRunner text; the same for raw bytes and uploads', async (t) => {
    const server = await startWith(t, { max_request_size: 1 });
    const big = `a=${'x'.repeat(11 * MEGABYTE)}`;
    const upload = multipart([{ name: 'f', value: big, filename: 'f.txt' }]);
    for (const [type, body] of [
      [form, big],
      ['application/octet-stream', big],
      [MULTIPART, upload],
    ] as const) {
      const client = await RawClient.connect(server.port);
      client.send(`POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`);
      client.send(typeof body === 'string' ? body.slice(0, 64 * 1024) : body.subarray(0, 64 * 1024));
      const response = await client.response();
      client.destroy();
      assert.equal(response.status, 413, type);
      assert.match(response.body.toString(), /too large/);
    }
    await server.stop();
  });

  test('a chunked body over the limit is 413 too', async (t) => {
    const server = await startWith(t, { max_request_size: 1 });
    const client = await RawClient.connect(server.port);
    client.send('POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `${MEGABYTE.toString(16)}\r\n${'x'.repeat(MEGABYTE)}\r\n`;
    client.send(chunk);
    client.send(chunk);
    assert.equal((await client.response()).status, 413);
    client.destroy();
    await server.stop();
  });

  test('28 MB at a limit of 30 MB, and by default, is 200', async (t) => {
    for (const http of [{ max_request_size: 30 }, {}]) {
      const server = await startWith(t, http);
      const body = Buffer.alloc(28 * MEGABYTE, 'abcdefg');
      const headers = { 'content-type': 'application/octet-stream' };
      const answer = await ask(server, '/echo-body', { method: 'POST', headers, body });
      assert.equal(answer.status, 200);
      assert.ok(Buffer.from(answer.text).equals(body), 'the same bytes came back');
      await server.stop();
    }
  });
});

describe('6.1 uploads and statuses', { concurrency: 2 }, () => {
  test('a missing directory for uploads is error 6', async (t) => {
    const server = await startWith(t, { uploads: { dir: '/nowhere/at/all' } });
    const body = multipart([{ name: 'f', value: 'x', filename: 'f.txt' }]);
    const headers = { 'content-type': MULTIPART };
    const seen = await askJson<{ uploads: { f: { error: number } } }>(server, '/form', {
      method: 'POST',
      headers,
      body,
    });
    assert.equal(seen.uploads.f.error, 6);
    await server.stop();
  });

  test('a status outside 100 to 599 never reaches the client (RoadRunner: 500)', async (t) => {
    const server = await startWith(t, {});
    for (const code of [610, 0, 99, 1000]) {
      const answer = await ask(server, `/status?code=${code}`, { method: 'POST' });
      assert.ok([500, 502].includes(answer.status), `${code} became ${answer.status}`);
      await server.waitForLog(mentions(new RegExp(`\\b${code}\\b`)), `that names ${code}`);
    }
    assert.equal((await ask(server, '/pid')).status, 200);
    await server.stop();
  });

  test('the same with error_codes: roadrunner is 500', async (t) => {
    const server = await startWith(t, { error_codes: 'roadrunner' });
    assert.equal((await ask(server, '/status?code=610', { method: 'POST' })).status, 500);
    await server.stop();
  });
});

describe('6.1 addresses', { concurrency: 2 }, () => {
  for (const [address, seen] of [
    ['[::1]', '::1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
  ] as const) {
    test(`listens on ${address} and tells PHP the IPv6 address`, async (t) => {
      const port = await freePort('::1');
      const server = await startWith(t, { address: `${address}:${port}` });
      const url = { url: `http://[::1]:${port}` };
      assert.equal((await askJson<Record<string, string>>(url, '/server'))['REMOTE_ADDR'], seen);
      await server.stop();
    });
  }

  test('listens on a UNIX socket', async (t) => {
    const dir = makeTempDir('socket');
    t.after(() => dir.remove());
    const server = await startWith(t, { address: `unix://${dir.file('http.sock')}` });
    const status = await new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: dir.file('http.sock'), path: '/echo?hello=a' }, (incoming) => {
        incoming.resume().on('end', () => resolve(incoming.statusCode));
      });
      outgoing.on('error', reject).end();
    });
    assert.equal(status, 201);
    await server.stop();
  });

  test('without an http section the process runs, and says it is ready', async (t) => {
    const server = await spawnServer({ command: SDK_JSON.command, config: { http: null } });
    t.after(() => server.discard());
    await eventually(async () => (await statusOf(server, '/livez')) === 200, 'the status page');
    assert.equal(server.workers().length, 0);
    assert.equal(server.ending, undefined);
    await server.stop();
  });
});

describe('6.1 logs and middleware', { concurrency: 2 }, () => {
  test('an unknown middleware is a warning that names it', async (t) => {
    const server = await startWith(t, { middleware: ['headers', 'no_such_thing'] });
    await server.waitForLog(mentions(/no_such_thing/), 'that names the middleware');
    assert.equal((await ask(server, '/pid')).status, 200);
    await server.stop();
  });

  test('access_logs: one "http access log" record per request, at level info', async (t) => {
    const server = await startWith(t, { access_logs: true }, { logs: { level: 'info' } });
    await ask(server, '/echo?hello=logged', { headers: { 'user-agent': 'tester', referer: 'http://ref/' } });
    const record = await server.waitForLog(mentions(/http access log/), 'of the request');
    const { facts } = record;
    assert.equal(facts['method'], 'GET');
    assert.equal(facts['status'], 201);
    assert.equal(facts['user_agent'], 'tester');
    assert.equal(facts['referer'], 'http://ref/');
    assert.equal(facts['remote_address'], '127.0.0.1');
    assert.equal(typeof facts['elapsed'], 'number');
    await ask(server, '/echo?hello=again');
    await eventually(() => server.logs.all(mentions(/http access log/)).length === 2, 'a second record');
    await server.stop();
  });

  test('without access_logs there is an "http log" record', async (t) => {
    const server = await startWith(t, {});
    await ask(server, '/echo?hello=logged');
    const { facts } = await server.waitForLog(mentions(/^http log$|"http log"/), 'of the request');
    assert.deepEqual([facts['method'], facts['status']], ['GET', 201]);
    await server.stop();
  });

  test('static response headers of the headers middleware are set, those of PHP win', async (t) => {
    const headers = { response: { 'X-Static': 'yes', 'X-Single': 'static' }, request: { 'X-Added': 'in' } };
    const server = await startWith(t, { middleware: ['headers'], headers });
    const answer = await ask(server, '/response-headers');
    assert.deepEqual([answer.headers['x-static'], answer.headers['x-single']], ['yes', 'one']);
    assert.deepEqual((await askJson<Record<string, string[]>>(server, '/headers'))['x-added'], ['in']);
    await server.stop();
  });
});

describe('environment of the workers', { concurrency: 2 }, () => {
  test('RR_MODE, RR_RELAY, RR_VERSION, RRTS_VERSION and server.env in upper case', async (t) => {
    const server = await spawnServer({
      command: ['php', fixture('misbehaving/dumps-environment.php')],
      config: { server: { env: { app_env: 'test' } }, http: { pool: { num_workers: 1 } } },
    });
    t.after(() => server.discard());
    for (const text of [/^RR_MODE=http/, /^RR_RELAY=pipes/, /^RR_VERSION=\d/, /^RRTS_VERSION=\d/, /^APP_ENV=test/]) {
      await server.waitForLog(
        (record) => Object.values(record.facts).some((fact) => text.test(String(fact))) || text.test(record.text),
        `${text}`,
        15_000,
      );
    }
  });

  test('server.command as a string with options works as a list does', async (t) => {
    const command = SDK_JSON.command.join(' ');
    const server = await spawnServer({ config: { server: { command } } });
    t.after(() => server.discard());
    await waitUntilReady(server);
    assert.equal((await ask(server, '/pid')).status, 200);
    await server.stop();
  });
});
