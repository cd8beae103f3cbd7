// Forms, disks and clients that mean no good: nothing hangs, nothing is left behind.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { BodyError } from '../../../../src/plugins/http/body/body-error.ts';
import { readBody } from '../../../../src/plugins/http/body/read-body.ts';
import type { Upload } from '../../../../src/protocol/http/head.ts';
import { eventually, within } from '../../../helpers/wait-for.ts';
import { BodyReceiver, bodyOf, field, file, multipartOf, type RawPart, refusalOf } from './receive.ts';

describe('hostile forms (O16)', () => {
  let receiver: BodyReceiver;
  before(async () => {
    receiver = await BodyReceiver.start();
  });
  after(() => receiver.stop());

  const many = (count: number, header: (index: number) => string) =>
    multipartOf(Array.from({ length: count }, (_, index): RawPart => [header(index), 'x']));
  const one = (header: string) => multipartOf([[header, 'x']]);
  const whole = one(file('a', 'a.txt'));
  const typed = (type: string) => ({ type, body: whole.body });
  const cases: readonly [name: string, form: { type: string; body: Buffer }, expected: RegExp][] = [
    ['50,000 fields', many(50_000, (index) => field(`f${index}`)), /^413 .* more than 1000 fields$/],
    ['5,000 files', many(5_000, (index) => file(`f${index}`, 'x')), /^413 .* more than 1000 files$/],
    ['a field name of 1 MB', one(field('n'.repeat(1_000_000))), /^400 .* malformed Content-Disposition/],
    ['a field name of 2 KB', one(field('n'.repeat(2000))), /^400 .* field name of more than 1024 bytes$/],
    ['backslashes without an end', one(`Content-Disposition: form-data; name="${'\\'.repeat(8000)}`), /^400 /],
    ['no boundary', typed('multipart/form-data'), /^400 .* no boundary$/],
    ['an empty boundary', typed('multipart/form-data; boundary=""'), /^400 .* no boundary$/],
    ['a boundary of 71 characters', typed(`multipart/form-data; boundary=${'b'.repeat(71)}`), /^400 .* 70 characters$/],
    ['a body without its boundary', typed('multipart/form-data; boundary=other'), /^400 .* ended early$/],
    ['a body cut within a file', { ...whole, body: whole.body.subarray(0, -20) }, /^400 .* ended early$/],
    ['a body cut within a header', { ...whole, body: whole.body.subarray(0, 40) }, /^400 .* ended early$/],
    ['a part that ends within its header', headless(), /^400 .* without a header$/],
  ];
  for (const [name, { type, body }, expected] of cases) {
    test(name, async () => {
      const refusal = refusalOf(await within(receiver.send('POST', type, body), 20_000, 'an answer'));
      assert.match(refusal, expected);
      await eventually(async () => (await receiver.files()).length === 0, 'files removed');
    });
  }

  test('fields that are too large together', async () => {
    const small = await BodyReceiver.start({ maxFieldBytes: 1000 });
    const parts: RawPart[] = [0, 1, 2].map((index) => [field(`f${index}`), 'x'.repeat(400)]);
    const { type, body } = multipartOf(parts);
    assert.equal(refusalOf(await small.send('POST', type, body)), '413 the form fields are too large');
    await small.stop();
  });

  test('a file over max_request_size leaves nothing behind', async () => {
    const small = await BodyReceiver.start({ maxBytes: 200_000 });
    const form = multipartOf([[file('a', 'a.bin'), Buffer.alloc(300_000)]]);
    const socket = small.connect();
    const outcome = small.next();
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${form.type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    socket.write(Buffer.concat([Buffer.from(`${form.body.length.toString(16)}\r\n`), form.body]));
    assert.equal(refusalOf(await outcome), '413 serve_http: http: request body too large');
    assert.deepEqual(await small.files(), []);
    socket.destroy();
    await small.stop();
  });
});

describe('disks and clients that fail', () => {
  test('a missing directory is error 6 for each file; the fields arrive', async () => {
    const receiver = await BodyReceiver.start({ uploads: { dir: '/nonexistent/rrts' } });
    const { type, body } = multipartOf([
      [file('a', 'a.txt'), 'x'],
      [field('f'), 'y'],
      [file('b', 'b.txt'), Buffer.alloc(100_000)],
    ]);
    const received = bodyOf(await receiver.send('POST', type, body));
    assert.deepEqual(
      received.uploads.map((upload) => [upload.error, upload.size, upload.temporaryPath]),
      [
        [6, 0, ''],
        [6, 0, ''],
      ],
    );
    assert.deepEqual(received.fields, [{ name: 'f', value: 'y' }]);
    assert.deepEqual(receiver.errors, ['ENOENT', 'ENOENT']);
    await receiver.stop();
  });

  test('the owner gets the file; where we may not give it away the upload is error 6 and no file stays', async () => {
    const owner = { uid: 12345, gid: 23456 };
    const receiver = await BodyReceiver.start({ uploads: { owner } });
    const { type, body } = multipartOf([[file('a', 'a.txt'), 'x']]);
    const [upload] = bodyOf(await receiver.send('POST', type, body)).uploads;
    if (process.getuid?.() === 0) {
      const facts = await lstat(upload?.temporaryPath ?? '');
      assert.deepEqual([upload?.error, facts.uid, facts.gid], [0, owner.uid, owner.gid]);
    } else {
      assert.equal(upload?.error, 6);
      assert.deepEqual(await receiver.files(), []);
    }
    await receiver.stop();
  });

  test('a client that leaves within a file: the file goes too, and the descriptor', async () => {
    const receiver = await BodyReceiver.start();
    const socket = receiver.connect();
    const outcome = receiver.next();
    const { type, body } = multipartOf([[file('a', 'a.bin'), Buffer.alloc(2_000_000)]]);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body.subarray(0, 1_000_000));
    await eventually(async () => (await receiver.files()).length === 1, 'a temporary file');
    socket.destroy();
    assert.equal(
      refusalOf(await within(outcome, 20_000, 'the end of the request')),
      '400 the request body ended early',
    );
    assert.deepEqual(await receiver.files(), []);
    assert.deepEqual(receiver.errors, []);
    await receiver.stop();
  });

  test('a full disk is error 7: nothing is left, and the next file arrives', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'rrts-full-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'rrts-test', dir]);
    t.after(() => {
      if (mounted.status === 0) spawnSync('umount', [dir]);
      return rm(dir, { recursive: true });
    });
    if (mounted.status !== 0) return t.skip('needs to be allowed to mount a small file system');
    const receiver = await BodyReceiver.start({ uploads: { dir } });
    const { type, body } = multipartOf([
      [file('big', 'big.bin'), Buffer.alloc(4_000_000)],
      [file('small', 'small.txt'), 'x'],
    ]);
    const received = bodyOf(await receiver.send('POST', type, body));
    assert.deepEqual(
      received.uploads.map((upload) => [upload.error, upload.size]),
      [
        [7, 0],
        [0, 1],
      ],
    );
    assert.deepEqual(receiver.errors, ['ENOSPC']);
    received.release();
    await eventually(async () => (await readdir(dir)).length === 0, 'files removed');
    await receiver.stop();
  });

  test('30 MB go to disk as they are', async () => {
    const receiver = await BodyReceiver.start({ maxBytes: 100_000_000 });
    const content = Buffer.alloc(30_000_000, randomBytes(65_537));
    const { type, body } = multipartOf([[file('a', 'a.bin'), content]]);
    const received = bodyOf(await receiver.send('POST', type, body));
    const hash = createHash('sha256').update(await readFile(received.uploads[0]?.temporaryPath ?? ''));
    assert.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'));
    received.release();
    await receiver.stop();
  });
});

describe('a parser that pauses', () => {
  const receive = async (dir: string, chunks: readonly Buffer[], type: string) => {
    const source = Object.assign(Readable.from(chunks, { objectMode: false }), { method: 'POST' });
    const limits = { maxBytes: 100_000_000, rawBody: false, uploads: { dir, forbid: [], allow: [] } };
    const read = readBody(source, { contentType: type, contentLength: undefined }, limits);
    return await within(read, 20_000, 'the end of the body');
  };
  const size = fc.constantFrom(0, 1, 1000, 262_144, 300_000, 600_000);
  const parts = fc.array(fc.record({ isFile: fc.boolean(), size }), { maxLength: 4 });

  test('parts larger than the buffers, whole and cut off anywhere, come to an end and leave nothing', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rrts-pause-'));
    const chunkSize = fc.constantFrom(65_536, 400_000, 4_000_000);
    const cutAt = fc.option(fc.double({ min: 0, max: 0.99, noNaN: true }));
    for (const [list, bytes, cut] of fc.sample(fc.tuple(parts, chunkSize, cutAt), 80)) {
      const form = multipartOf(list.map((it) => [it.isFile ? file('a', 'a') : field('a'), Buffer.alloc(it.size, 'x')]));
      const body = cut === null ? form.body : form.body.subarray(0, Math.floor(form.body.length * cut));
      const chunks: Buffer[] = [];
      for (let at = 0; at < body.length; at += bytes) chunks.push(body.subarray(at, at + bytes));
      const outcome = await receive(dir, chunks, form.type).catch((error) => error);
      if (outcome instanceof BodyError) assert.notEqual(cut, null);
      else {
        const sizes = list.filter((it) => it.isFile).map((it) => it.size);
        assert.deepEqual(
          outcome.uploads.map((it: Upload) => it.size),
          sizes,
        );
        outcome.release();
      }
      await eventually(async () => (await readdir(dir)).length === 0, 'files removed');
    }
    await rm(dir, { recursive: true });
  });

  test('what follows the last boundary is not kept', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rrts-pause-'));
    const { type, body } = multipartOf([[file('a', 'a'), Buffer.alloc(300_000)]]);
    const received = await receive(dir, [body, ...Array<Buffer>(20).fill(Buffer.alloc(1_000_000, 'epilogue'))], type);
    assert.equal(received.uploads[0]?.size, 300_000);
    await rm(dir, { recursive: true });
  });
});

function headless(): { type: string; body: Buffer } {
  const body =
    '--b\r\nContent-Disposition: form-data; name="a"\r\n--b\r\nContent-Disposition: form-data; name="c"\r\n\r\nx\r\n--b--\r\n';
  return { type: 'multipart/form-data; boundary=b', body: Buffer.from(body) };
}
