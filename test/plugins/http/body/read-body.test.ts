// Request bodies that are not multipart: kinds, limits, connections that break.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { BodyLimits } from '../../../../src/plugins/http/body/limits.ts';
import { readBody } from '../../../../src/plugins/http/body/read-body.ts';
import { BodyReceiver, bodyOf, refusalOf } from './receive.ts';

const FORM = 'application/x-www-form-urlencoded';
const TOO_LARGE = '413 serve_http: http: request body too large';

describe('kinds of bodies', () => {
  let receiver: BodyReceiver;
  before(async () => {
    receiver = await BodyReceiver.start();
  });
  after(() => receiver.stop());

  const cases: readonly [method: string, type: string | undefined, sent: string, kind: string][] = [
    ['POST', 'application/json', '{"a":1}', 'raw'],
    ['POST', undefined, 'anything', 'raw'],
    ['POST', FORM, 'a=%zz&b[]=1&&b[]=\xe9+x', 'urlencoded'],
    ['POST', `${FORM.toUpperCase()} ; charset=utf-8`, 'a=1', 'urlencoded'],
    ['PUT', FORM, 'a=1', 'urlencoded'],
    ['PATCH', FORM, 'a=1', 'urlencoded'],
    ['DELETE', FORM, 'a=1', 'urlencoded'],
    ['GET', FORM, 'a=1', 'raw'],
    ['POST', `${FORM}-like`, 'a=1', 'raw'],
    ['POST', FORM, '', 'urlencoded'],
    ['POST', 'multipart/form-data; boundary=x', '', 'multipart'],
    ['POST', 'multipart/mixed; boundary=x', '--x--', 'raw'],
    ['POST', 'text/plain', '', 'none'],
  ];
  for (const [method, type, sent, kind] of cases) {
    test(`${method} ${type} with ${sent.length} bytes is ${kind}, byte for byte`, async () => {
      const body = bodyOf(await receiver.send(method, type, sent));
      assert.equal(body.kind, kind);
      assert.equal(body.bytes.toString('latin1'), sent);
      body.release();
    });
  }

  for (const method of ['HEAD', 'OPTIONS']) {
    test(`of ${method} nothing is read`, async () => {
      const body = bodyOf(await receiver.send(method, FORM, 'a=1'));
      assert.deepEqual([body.kind, body.bytes.length], ['none', 0]);
    });
  }

  test('many pieces, with and without a length, come out whole', async () => {
    const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(index * 1000, `${index}`));
    const body = bodyOf(await receiver.send('POST', 'x/y', pieces));
    assert.ok(body.bytes.equals(Buffer.concat(pieces)));
    const chunked = await sendChunked(receiver, pieces);
    assert.ok(bodyOf(chunked).bytes.equals(Buffer.concat(pieces)));
  });

  test('2 MiB with a length come out whole', async () => {
    const sent = Buffer.alloc(2 * 1024 * 1024, 'abcdefg');
    assert.ok(bodyOf(await receiver.send('POST', 'x/y', sent)).bytes.equals(sent));
  });
});

describe('raw_body', () => {
  test('keeps forms of both kinds as they came', async () => {
    const receiver = await BodyReceiver.start({ rawBody: true });
    for (const type of [FORM, 'multipart/form-data; boundary=x']) {
      const body = bodyOf(await receiver.send('POST', type, '--x\r\nno form\r\n'));
      assert.deepEqual([body.kind, body.bytes.toString(), body.uploads.length], ['raw', '--x\r\nno form\r\n', 0]);
    }
    await receiver.stop();
  });
});

describe('max_request_size', () => {
  test('by content-length: refused before a byte is read', async () => {
    const receiver = await BodyReceiver.start({ maxBytes: 1000 });
    assert.equal(refusalOf(await receiver.send('POST', FORM, Buffer.alloc(1001, 'a'))), TOO_LARGE);
    assert.equal(bodyOf(await receiver.send('POST', FORM, Buffer.alloc(1000, 'a'))).bytes.length, 1000);
    await receiver.stop();
  });

  test('chunked: 2 GB are offered, at most the limit and what was on its way is read, then it is cut (O14)', async () => {
    const receiver = await BodyReceiver.start({ maxBytes: 8 * 1024 * 1024 });
    const socket = receiver.connect();
    const outcome = receiver.next();
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.resume().write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000), Buffer.from('\r\n')]);
    let offered = 0;
    const offer = (): void => {
      while (offered < 2048 && !socket.destroyed && socket.write(chunk)) offered++;
      if (!socket.destroyed) offered++;
    };
    socket.on('drain', offer);
    offer();
    assert.equal(refusalOf(await outcome), TOO_LARGE);
    await closed;
    await receiver.stop();
    assert.ok(receiver.bytesRead < 10 * 1024 * 1024, `read ${receiver.bytesRead} bytes`);
  });
});

describe('requests that break', () => {
  for (const [name, header] of [
    ['with a length', 'Content-Length: 100000'],
    ['chunked', 'Transfer-Encoding: chunked'],
  ] as const) {
    test(`a client that leaves within its body, ${name}`, async () => {
      const receiver = await BodyReceiver.start();
      const socket = receiver.connect();
      const outcome = receiver.next();
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n5\r\nabcde\r\n`, () => socket.destroy());
      assert.equal(refusalOf(await outcome), '400 the request body ended early');
      await receiver.stop();
    });
  }

  test('a source that ended, or was destroyed, before it was read', async () => {
    const limits: BodyLimits = { maxBytes: 10, rawBody: true, uploads: { dir: '/', forbid: [], allow: [] } };
    const facts = { contentType: undefined, contentLength: undefined };
    const ended = Readable.from([]).resume();
    await new Promise((resolve) => ended.on('end', resolve));
    assert.equal((await readBody(Object.assign(ended, { method: 'POST' }), facts, limits)).kind, 'none');
    const destroyed = new Readable({ read() {} }).destroy();
    await assert.rejects(readBody(Object.assign(destroyed, { method: 'POST' }), facts, limits), { status: 400 });
  });

  test('a source that gives more than its content length is not Node and is refused', async () => {
    const limits: BodyLimits = { maxBytes: 100, rawBody: true, uploads: { dir: '/', forbid: [], allow: [] } };
    const source = Object.assign(Readable.from([Buffer.from('abc'), Buffer.from('def')]), { method: 'POST' });
    await assert.rejects(readBody(source, { contentType: undefined, contentLength: 4 }, limits), { status: 413 });
  });
});

async function sendChunked(receiver: BodyReceiver, pieces: readonly Buffer[]) {
  const socket = receiver.connect();
  const outcome = receiver.next();
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (const piece of pieces) {
    if (piece.length > 0)
      socket.write(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
  }
  socket.write('0\r\n\r\n');
  const result = await outcome;
  socket.destroy();
  return result;
}
