// Requests through the front to the pool and back: the plain cases.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Rig, startRig, statusOf } from './http-rig.ts';
import { reply } from './stub-pool.ts';

describe('a request and its reply', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
    rig.pool.answer = (request) => {
      const seen = {
        method: request.method,
        target: request.target,
        host: request.host,
        body: request.body.bytes.toString(),
      };
      reply(request, 201, { 'X-App': ['1'], 'Set-Cookie': ['a=1', 'b=2'] }, JSON.stringify(seen));
    };
  });
  after(() => rig.close());

  test('GET without a body', async () => {
    const text = await rig.exchange('GET /a?b=c HTTP/1.1\r\nHost: example.test:81\r\nConnection: close\r\n\r\n');
    assert.equal(statusOf(text), 201);
    assert.match(text, /\r\nX-App: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/);
    assert.match(text, /\r\nContent-Length: 69\r\n/);
    assert.match(text, /"target":"\/a\?b=c","host":"example\.test:81","body":""}$/);
  });

  test('HTTP/1.0 without Host: the address it was sent to', async () => {
    assert.match(await rig.exchange('GET / HTTP/1.0\r\n\r\n'), new RegExp(`"host":"127\\.0\\.0\\.1:${rig.port}"`));
  });

  test('POST with a raw body, by length and in chunks', async () => {
    const head = 'POST /p HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\n';
    const byLength = await rig.exchange(`${head}Content-Length: 7\r\n\r\n{"a":1}`);
    assert.match(byLength, /"body":"{\\"a\\":1}"}$/);
    const inChunks = await rig.exchange(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n`);
    assert.match(inChunks, /"body":"{\\"a\\":1}"}$/);
    const last = rig.pool.submitted.at(-1);
    assert.equal(last?.headers[last.headers.indexOf('content-length') + 1], '7');
    assert.equal(last?.replayable, false);
  });
});
