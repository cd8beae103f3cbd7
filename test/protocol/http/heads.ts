// Requests and generators that the tests of the codecs share.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isRrtsError } from '../../../src/core/errors.ts';
import { NO_BODY, type RequestBody, type RequestHead, type Upload } from '../../../src/protocol/http/head.ts';

/** A plain GET without headers. */
export const GET: RequestHead = {
  method: 'GET',
  scheme: 'http',
  host: 'a',
  target: '/',
  protocol: '1.1',
  remoteAddress: '127.0.0.1',
  headers: [],
  attributes: {},
  attempt: 1,
};

/** An upload with bytes in its names that are not UTF-8. */
export const UPLOAD: Upload = {
  field: 'f\xe9[]',
  name: 'caf\xe9.txt',
  mime: 'text/plain',
  size: 70_000,
  error: 0,
  temporaryPath: '/tmp/é',
};

export function raw(text: string): RequestBody {
  return { ...NO_BODY, kind: 'raw', bytes: Buffer.from(text, 'latin1') };
}

export function urlencoded(text: string): RequestBody {
  return { ...NO_BODY, kind: 'urlencoded', bytes: Buffer.from(text, 'latin1') };
}

export function multipart(
  fields: readonly (readonly [string, string])[],
  uploads: readonly Upload[] = [],
): RequestBody {
  return { ...NO_BODY, kind: 'multipart', fields: fields.map(([name, value]) => ({ name, value })), uploads };
}

/** Any bytes, one per character; now and then longer than 255. */
export const byteString = fc
  .oneof(
    { weight: 20, arbitrary: fc.uint8Array({ maxLength: 24 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 200, maxLength: 300 }) },
  )
  .map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Header names as requests have them, and values of any bytes. */
export const requestHeaders = fc
  .array(fc.tuple(fc.stringMatching(/^x-[a-z0-9]{1,6}$/), byteString), { maxLength: 20 })
  .map((pairs) => pairs.flat());

/** A valid head with a few bytes changed, cut off or put in, or plain noise. */
export function mangled(valid: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const change = fc.record({ at: fc.nat(400), byte: fc.nat(255), how: fc.constantFrom('set', 'cut', 'insert') });
  const changed = fc
    .tuple(fc.constantFrom(...valid), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([head, changes]) => {
      let bytes = Buffer.from(head);
      for (const { at, byte, how } of changes) {
        const place = at % (bytes.length + 1);
        if (how === 'set' && place < bytes.length) bytes[place] = byte;
        else if (how === 'cut') bytes = bytes.subarray(0, place);
        else bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(place)]);
      }
      return bytes;
    });
  return fc.oneof(
    changed,
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  );
}

/** Runs `decode`, which may fail with ERR_PROTOCOL_HEAD and nothing else, and judges the result if there is one. */
export function soundOrRefused<T>(decode: () => T, isSound: (value: T) => boolean): void {
  let value: T;
  try {
    value = decode();
  } catch (error) {
    assert.ok(isRrtsError(error) && error.code === 'ERR_PROTOCOL_HEAD', String(error));
    return;
  }
  assert.ok(isSound(value));
}
