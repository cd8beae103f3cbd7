// What the client, the log and the metrics are told when the pool cannot answer.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ErrorCode, RrtsError } from '../../../src/core/errors.ts';
import { type Rig, startRig, statusOf } from './http-rig.ts';
import { part, reply } from './stub-pool.ts';

const REQUEST = 'GET /secret?a=b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const INTERNAL = 'worker 4242 ended with code 255 in /var/www/app/secret.php';

/** Code, status, and whether the client is told to come back. */
const TABLE: [ErrorCode, number, boolean][] = [
  ['ERR_WORKER_DIED', 502, false],
  ['ERR_WORKER_CUT', 502, false],
  ['ERR_WORKER_MALFORMED_REPLY', 502, false],
  ['ERR_WORKER_EXEC_TTL', 504, false],
  ['ERR_POOL_QUEUE_FULL', 503, true],
  ['ERR_POOL_QUEUE_TIMEOUT', 503, true],
  ['ERR_POOL_CRASH_LOOP', 503, true],
  ['ERR_POOL_STOPPED', 503, true],
];

describe('error_codes: rrts', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.close());

  for (const [code, status, retry] of TABLE) {
    test(`${code} is ${status}`, async () => {
      rig.pool.answer = (request) => request.onFailure(new RrtsError(code, INTERNAL, { facts: { exitCode: 255 } }));
      const text = await rig.exchange(REQUEST);
      assert.equal(statusOf(text), status);
      assert.equal(/\r\nRetry-After: \d+\r\n/.test(text), retry);
      assert.doesNotMatch(text, /worker|secret|255|ERR_/);
      assert.ok(text.slice(text.indexOf('\r\n\r\n')).length < 60, 'a short text');
      const line = rig.log.lines.at(-1);
      assert.deepEqual([line?.message, line?.facts['code'], line?.facts['uri']], [INTERNAL, code, '/secret?a=b']);
    });
  }

  test('an error frame is 500 with an empty body, as in RoadRunner', async () => {
    rig.pool.answer = (request) => request.onFailure(new RrtsError('ERR_WORKER_ERROR', INTERNAL));
    const text = await rig.exchange(REQUEST);
    assert.equal(statusOf(text), 500);
    assert.match(text, /\r\nContent-Length: 0\r\n[\s\S]*\r\n\r\n$/);
    assert.equal(rig.log.lines.at(-1)?.message, INTERNAL);
  });

  test('a failure does not end a connection that stays', async () => {
    rig.pool.answer = (request) => {
      if (request.target === '/1') request.onFailure(new RrtsError('ERR_WORKER_DIED', INTERNAL));
      else reply(request, 200, {}, 'fine');
    };
    const client = await rig.connect();
    client.send('GET /1 HTTP/1.1\r\nHost: h\r\n\r\n');
    await client.until((received) => received.endsWith('Bad Gateway\n'));
    client.send('GET /2 HTTP/1.1\r\nHost: h\r\n\r\n');
    await client.until((received) => received.endsWith('fine'));
    client.destroy();
  });

  test("a head that makes no sense is the worker's fault", async () => {
    let thrown: unknown;
    rig.pool.answer = (request) => {
      try {
        request.onReply(Buffer.from('{"status":'), Buffer.alloc(0), 8, true);
      } catch (error) {
        thrown = error;
        request.onFailure(new RrtsError('ERR_WORKER_MALFORMED_REPLY', INTERNAL));
      }
    };
    assert.equal(statusOf(await rig.exchange(REQUEST)), 502);
    assert.equal((thrown as RrtsError).code, 'ERR_PROTOCOL_HEAD');
  });

  test('a stream with an unknown status: one error page, the rest is swallowed', async () => {
    rig.pool.answer = (request) => {
      part(request, 700, {}, 'a', false);
      part(request, 700, undefined, 'b', true);
      request.onDone();
    };
    const text = await rig.exchange(REQUEST);
    assert.match(text, /^HTTP\/1\.1 500 [\s\S]*\r\n\r\nunknown status code from worker: 700\n$/);
  });
});

describe('error_codes: roadrunner', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig({ errorCodes: 'roadrunner', internalErrorCode: 555 });
  });
  after(() => rig.close());

  for (const [code] of TABLE) {
    test(`${code} is internal_error_code with an empty body`, async () => {
      rig.pool.answer = (request) => request.onFailure(new RrtsError(code, INTERNAL));
      const text = await rig.exchange(REQUEST);
      assert.equal(statusOf(text), 555);
      assert.match(text, /\r\nContent-Length: 0\r\n[\s\S]*\r\n\r\n$/);
    });
  }
});

test('which requests may run twice', async () => {
  const rig = await startRig();
  const seen: Record<string, boolean> = {};
  rig.pool.answer = (request) => {
    seen[request.method] = request.replayable;
    reply(request, 200, {}, '');
  };
  const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH', 'PROPFIND'];
  for (const method of methods) await rig.exchange(`${method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
  assert.deepEqual(
    Object.keys(seen).filter((method) => seen[method]),
    methods.slice(0, 5),
  );
  await rig.close();
});
