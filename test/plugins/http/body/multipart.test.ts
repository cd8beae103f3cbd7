// Multipart forms: order, bytes, files on disk, PHP's error codes, names.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstat, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { eventually } from '../../../helpers/wait-for.ts';
import { BodyReceiver, bodyOf, field, file, multipartOf, type RawPart } from './receive.ts';

/** 0x00 to 0xff. */
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

describe('multipart', () => {
  let receiver: BodyReceiver;
  before(async () => {
    receiver = await BodyReceiver.start({ uploads: { forbid: ['.php', 'EXE'] } });
  });
  after(() => receiver.stop());

  const send = async (parts: readonly RawPart[]) => {
    const { type, body } = multipartOf(parts);
    return bodyOf(await receiver.send('POST', type, body));
  };

  test('fields keep order, duplicates and every byte', async () => {
    const high = ALL_BYTES.toString('latin1');
    const body = await send([
      [field('b'), '1'],
      [`${field('a[]')}\r\nContent-Type: text/plain; charset=utf-8`, high],
      [field('b'), ''],
      [field('caf\xe9'), 'x'],
    ]);
    assert.equal(body.kind, 'multipart');
    assert.deepEqual(body.fields, [
      { name: 'b', value: '1' },
      { name: 'a[]', value: high },
      { name: 'b', value: '' },
      { name: 'caf\xe9', value: 'x' },
    ]);
  });

  test('files: content, mode 0600, our prefix, order among many; gone after release', async () => {
    const contents = [randomBytes(300_000), Buffer.alloc(0), ALL_BYTES, Buffer.from('\r\n--x-boundar\r\n--')];
    const body = await send(contents.map((content, index) => [file(`f[${index}]`, `n${index}.txt`), content]));
    assert.deepEqual(
      body.uploads.map((upload) => [upload.field, upload.name, upload.mime, upload.size, upload.error]),
      contents.map((content, index) => [`f[${index}]`, `n${index}.txt`, 'text/plain', content.length, 0]),
    );
    for (const [index, upload] of body.uploads.entries()) {
      assert.ok((await readFile(upload.temporaryPath)).equals(contents[index] as Buffer));
      assert.equal((await lstat(upload.temporaryPath)).mode & 0o777, 0o600);
      assert.match(upload.temporaryPath, /\/rrts-upload-[0-9a-f]{24}$/);
    }
    body.release();
    await eventually(async () => (await receiver.files()).length === 0, 'files removed');
  });

  test('a file that the application moved is no error at release', async () => {
    const body = await send([[file('a', 'a.txt'), 'x']]);
    const moved = join(receiver.dir, 'moved');
    await rename(body.uploads[0]?.temporaryPath ?? '', moved);
    body.release();
    assert.equal((await readFile(moved)).toString(), 'x');
    await rm(moved);
    assert.deepEqual(receiver.errors, []);
  });

  const refusals: readonly [header: string, error: number, name: string, mime: string][] = [
    [file('a', ''), 4, '', ''],
    [file('a', '..'), 4, '', ''],
    [file('a', 'shell.PHP'), 8, 'shell.PHP', 'text/plain'],
    [file('a', 'x.exe'), 8, 'x.exe', 'text/plain'],
    [file('a', 'x.php. .'), 8, 'x.php. .', 'text/plain'],
    [file('a', 'shell.php\0.jpg'), 8, 'shell.php', 'text/plain'],
  ];
  for (const [header, error, name, mime] of refusals) {
    test(`${JSON.stringify(header.split('\r\n')[0])} is error ${error} and nothing is written`, async () => {
      const body = await send([
        [header, 'content'],
        [field('after'), 'it'],
      ]);
      assert.deepEqual(body.uploads, [{ field: 'a', name, mime, size: 0, error, temporaryPath: '' }]);
      assert.equal(body.fields.length, 1);
      assert.deepEqual(await receiver.files(), []);
    });
  }

  const names: readonly [disposition: string, name: string][] = [
    ['filename="../../x"', 'x'],
    ['filename="/etc/passwd"', 'passwd'],
    ['filename="C:\\dir\\x.txt"', 'x.txt'],
    ['filename="a\\"b.txt"', 'a"b.txt'],
    ['filename="semi;colon=1.txt"', 'semi;colon=1.txt'],
    ['filename=plain.txt', 'plain.txt'],
    ['FileName = "spaced.txt"', 'spaced.txt'],
    ['filename="\xc3\xa9.txt"', '\xc3\xa9.txt'],
    ['filename="\xe9.txt"', '\xe9.txt'],
    ['filename="a.txt"; filename*=UTF-8\'\'na%C3%AFve.txt', 'na\xc3\xafve.txt'],
    ["filename*=iso-8859-1'en'na%EFve.txt", 'na\xc3\xafve.txt'],
    ["filename*=UTF-7''+AC4-+AC4-%2Fx", 'x'],
    ["filename*=UTF-8''..%2F..%5Cx%00.jpg", 'x'],
    ['filename="first.txt"; filename="second.txt"', 'first.txt'],
  ];
  for (const [disposition, name] of names) {
    test(`${JSON.stringify(disposition)} is ${JSON.stringify(name)}`, async () => {
      const body = await send([[`Content-Disposition: form-data; name=a; ${disposition}`, 'x']]);
      assert.deepEqual([body.uploads[0]?.name, body.uploads[0]?.error], [name, 0]);
      body.release();
    });
  }

  test('parts that are no form data, or have no name, are passed over', async () => {
    const body = await send([
      ['X-Nothing: at all', '1'],
      ['Content-Disposition: attachment; filename="x"', '2'],
      ['Content-Disposition: form-data', '3'],
      ['Content-Type: multipart/mixed; boundary=inner', '--inner\r\n\r\nx\r\n--inner--'],
      [field('kept'), '4'],
    ]);
    assert.deepEqual(body.fields, [{ name: 'kept', value: '4' }]);
    assert.equal(body.uploads.length, 0);
  });

  test('preamble, epilogue and a media type with parameters', async () => {
    const inner = multipartOf([[file('a', 'a.txt', 'text/html; charset=x'), 'x']]).body;
    const body = Buffer.concat([Buffer.from('preamble\r\n'), inner, Buffer.from('epilogue'.repeat(20_000))]);
    const received = bodyOf(await receiver.send('POST', 'multipart/form-data; boundary="x-boundary"', [body]));
    assert.equal(received.uploads[0]?.mime, 'text/html');
    received.release();
  });

  test('any parts, cut into any pieces, arrive as sent', async () => {
    const part = fc.record({
      file: fc.boolean(),
      name: fc.stringMatching(/^[a-z0-9[\].]{1,8}$/),
      content: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    });
    const cuts = fc.array(fc.nat(3000), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), cuts, async (parts, places) => {
        const form = multipartOf(parts.map((it) => [it.file ? file(it.name, 'f') : field(it.name), it.content]));
        const received = bodyOf(await receiver.send('POST', form.type, cutAt(form.body, places)));
        const fields = parts.filter((it) => !it.file).map((it) => [it.name, it.content.toString('latin1')]);
        assert.deepEqual(
          received.fields.map((it) => [it.name, it.value]),
          fields,
        );
        const files = parts.filter((it) => it.file);
        assert.equal(received.uploads.length, files.length);
        for (const [index, upload] of received.uploads.entries()) {
          assert.ok((await readFile(upload.temporaryPath)).equals(files[index]?.content as Buffer));
        }
        received.release();
      }),
      { numRuns: 60 },
    );
  });
});

function cutAt(body: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...places, body.length].map((place) => Math.min(place, body.length)).sort((a, b) => a - b);
  let start = 0;
  return sorted.map((end) => {
    const piece = body.subarray(start, end);
    start = end;
    return piece;
  });
}
