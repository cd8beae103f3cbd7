// The native heads, MessagePack and JSON.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Packr, unpack } from 'msgpackr';
import { decodeResponseHead, encodeRequest } from '../../../src/protocol/http/codecs.ts';
import { NO_BODY, type ResponseHead } from '../../../src/protocol/http/head.ts';
import { arrayPrefix, MsgpackReader, mapPrefix, packStr, packUint } from '../../../src/protocol/http/msgpack.ts';
import {
  byteString,
  GET,
  mangled,
  multipart,
  raw,
  requestHeaders,
  soundOrRefused,
  UPLOAD,
  urlencoded,
} from './heads.ts';

const MSGPACK = 0x10;
const JSON_FLAG = 0x08;
const packr = new Packr({ useRecords: false, variableMapSize: true });
const packed = (value: unknown) => Buffer.from(packr.pack(value));
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const reply = fc.tuple(
  fc.nat(999),
  fc.array(fc.tuple(byteString, byteString), { maxLength: 12 }).map((it) => it.flat()),
);

function packReply([status, headers]: readonly [number, readonly string[]]): Buffer {
  return latin1(arrayPrefix(2) + packUint(status) + arrayPrefix(headers.length) + headers.map(packStr).join(''));
}

/** The headers in an encoded request, and that they are where they belong. */
function headersOf(head: Buffer): string[] {
  const reader = new MsgpackReader(head.subarray(1));
  for (const key of ['method', 'uri', 'protocol', 'remote_addr']) {
    assert.equal(reader.bytes(), key);
    reader.bytes();
  }
  assert.equal(reader.bytes(), 'headers');
  return Array.from({ length: reader.arrayCount() }, () => reader.bytes());
}

describe('native request', () => {
  test('a GET has five keys, and msgpackr reads them', () => {
    const head = {
      ...GET,
      scheme: 'https' as const,
      host: 'b:8443',
      target: '/p?q=1',
      headers: ['accept', '*/*', 'x', ''],
    };
    const payload = encodeRequest('native', head, NO_BODY);
    assert.equal(payload.flags, MSGPACK);
    assert.equal(payload.body.length, 0);
    assert.deepEqual(unpack(payload.head), {
      method: 'GET',
      uri: 'https://b:8443/p?q=1',
      protocol: '1.1',
      remote_addr: '127.0.0.1',
      headers: ['accept', '*/*', 'x', ''],
    });
  });

  test('the other keys appear when they say something', () => {
    const head = { ...GET, attributes: { ключ: 'значение' }, attempt: 2 };
    const upload = { ...UPLOAD, field: 'f[]', name: 'a.txt' };
    const payload = encodeRequest('native', head, multipart([['a b[]', '\xe9&']], [upload]));
    const { form, uploads, attributes, attempt } = unpack(payload.head) as Record<string, unknown>;
    assert.deepEqual(
      { form, uploads, attributes, attempt },
      {
        form: true,
        uploads: [['f[]', 'a.txt', 'text/plain', 70_000, 0, '/tmp/é']],
        attributes: { ключ: 'значение' },
        attempt: 2,
      },
    );
    assert.equal(payload.body.toString(), 'a%20b%5B%5D=%E9%26');
  });

  test('raw and urlencoded bodies pass untouched', () => {
    for (const codec of ['native', 'native-json'] as const) {
      const body = urlencoded('a=%zz&&b+');
      assert.equal(encodeRequest(codec, GET, body).body, body.bytes);
      assert.equal(encodeRequest(codec, GET, raw('\xff')).body.toString('latin1'), '\xff');
    }
  });

  test('10,000 sets of headers arrive byte for byte in both codecs (H24)', () => {
    const seen = fc.property(requestHeaders, (headers) => {
      assert.deepEqual(headersOf(encodeRequest('native', { ...GET, headers }, NO_BODY).head), headers);
      const json = JSON.parse(encodeRequest('native-json', { ...GET, headers }, NO_BODY).head.toString('utf8'));
      assert.deepEqual(json.headers, headers);
    });
    fc.assert(seen, { numRuns: 10_000 });
  });

  test('the JSON is the same shape, with one code point per byte', () => {
    const head = { ...GET, attributes: { é: 'è' }, attempt: 2, headers: ['x', '\xe9'] };
    const payload = encodeRequest('native-json', head, multipart([], [UPLOAD]));
    assert.equal(payload.flags, JSON_FLAG);
    assert.deepEqual(JSON.parse(payload.head.toString('utf8')), {
      method: 'GET',
      uri: 'http://a/',
      protocol: '1.1',
      remote_addr: '127.0.0.1',
      headers: ['x', '\xe9'],
      form: true,
      uploads: [['f\xe9[]', 'caf\xe9.txt', 'text/plain', 70_000, 0, '/tmp/\xc3\xa9']],
      attributes: { '\xc3\xa9': '\xc3\xa8' },
      attempt: 2,
    });
  });

  test('a head is not shared with the next one', () => {
    const first = encodeRequest('native', GET, NO_BODY).head;
    const copy = Buffer.from(first);
    encodeRequest('native', { ...GET, method: 'POST' }, NO_BODY);
    assert.ok(first.equals(copy));
  });
});

describe('native reply', () => {
  test('10,000 replies arrive byte for byte in both codecs (H24)', () => {
    const seen = fc.property(reply, (it) => {
      const expected: ResponseHead = { status: it[0], headers: it[1] };
      assert.deepEqual(decodeResponseHead('native', MSGPACK, packReply(it)), expected);
      assert.deepEqual(decodeResponseHead('native-json', JSON_FLAG, Buffer.from(JSON.stringify(it))), expected);
    });
    fc.assert(seen, { numRuns: 10_000 });
  });

  test('what msgpackr writes is read: ASCII of any length, bin, any count', () => {
    for (const length of [0, 1, 31, 32, 255, 256, 65_535, 65_536]) {
      const text = 'x'.repeat(length);
      assert.deepEqual(decodeResponseHead('native', MSGPACK, packed([200, [text, text]])).headers, [text, text]);
      const bytes = Buffer.from(text);
      assert.deepEqual(decodeResponseHead('native', MSGPACK, packed([200, [bytes, bytes]])).headers, [text, text]);
    }
    for (const count of [0, 14, 16, 65_534, 65_536]) {
      assert.equal(decodeResponseHead('native', MSGPACK, packed([200, Array(count).fill('')])).headers.length, count);
    }
    for (const status of [0, 100, 127, 128, 255, 256, 599, 65_535, 65_536, 0xffff_ffff]) {
      assert.equal(decodeResponseHead('native', MSGPACK, packed([status, []])).status, status);
    }
  });

  const wrong: readonly [name: string, hex: string][] = [
    ['nothing', ''],
    ['status only', '91ccc8'],
    ['three items', '93ccc890c0'],
    ['a map', '82c0c0c0c0'],
    ['a status of text', '92a332303090'],
    ['a status of nil', '92c090'],
    ['a negative status', '92ff90'],
    ['a negative status of 16 bits', '92d1ff3890'],
    ['a status of 64 bits', '92cf000000010000000090'],
    ['a float', '92cb406900000000000090'],
    ['an odd number of headers', '92ccc891a178'],
    ['a number as header', '92ccc89201a178'],
    ['nested arrays', '92ccc8929090'],
    ['an extension', '92ccc892d40001a178'],
    ['0xc1', '92ccc892c1a178'],
    ['bytes after the end', '92ccc89000'],
    ['a count of 4 billion', '92ccc8ddffffffff'],
    ['a string of 4 GB', '92ccc892dbffffffffa178'],
    ['a count cut short', '92ccc8dcff'],
    ['a string cut short', '92ccc892a178a278'],
  ];
  for (const [name, hex] of wrong) {
    test(`${name} is refused`, () => {
      const decode = () => decodeResponseHead('native', MSGPACK, Buffer.from(hex, 'hex'));
      assert.throws(decode, { name: 'RrtsError', code: 'ERR_PROTOCOL_HEAD' });
    });
  }

  test('JSON of another shape is refused', () => {
    const texts = [
      '',
      '{',
      'null',
      '{}',
      '[200]',
      '[200,{}]',
      '["200",[]]',
      '[200.5,[]]',
      '[-1,[]]',
      '[200,["a"]]',
      '[200,["a",1]]',
    ];
    for (const text of [...texts, '[200,["a","\u0100"]]', '[200,["a","\\ud800"]]', `${'['.repeat(100_000)}`]) {
      const decode = () => decodeResponseHead('native', JSON_FLAG, Buffer.from(text));
      assert.throws(decode, { code: 'ERR_PROTOCOL_HEAD' }, text.slice(0, 40));
    }
  });

  test('bytes that no encoder wrote are a reply or refused, never anything else', () => {
    const isSound = ({ status, headers }: ResponseHead) =>
      Number.isInteger(status) && headers.length % 2 === 0 && headers.every((it) => !/[\u0100-\uffff]/.test(it));
    const valid = [packReply([200, ['content-type', 'text/html', 'x', '\xff'.repeat(300)]]), packReply([65_536, []])];
    const bytes = mangled([...valid, Buffer.from('[200,["content-type","text/html"]]')]);
    const seen = fc.property(bytes, fc.constantFrom(MSGPACK, JSON_FLAG), (head, flags) =>
      soundOrRefused(() => decodeResponseHead('native', flags, head), isSound),
    );
    fc.assert(seen, { numRuns: 20_000 });
  });

  test('a head of 16 MB of nested arrays is refused at once', () => {
    const started = performance.now();
    assert.throws(() => decodeResponseHead('native', MSGPACK, Buffer.alloc(16_000_000, 0x91)), {
      code: 'ERR_PROTOCOL_HEAD',
    });
    assert.ok(performance.now() - started < 1000);
  });
});

describe('msgpack writer', () => {
  test('msgpackr reads numbers, strings, arrays and maps of every width', () => {
    const number = fc.oneof(
      fc.nat(),
      fc.maxSafeNat(),
      fc.constantFrom(127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
    );
    fc.assert(fc.property(number, (value) => assert.equal(Number(unpack(latin1(packUint(value)))), value)));
    for (const count of [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
      assert.equal(unpack(latin1(packStr('x'.repeat(count)))), 'x'.repeat(count));
      assert.equal((unpack(latin1(arrayPrefix(count) + '\xc0'.repeat(count))) as unknown[]).length, count);
      const keys = Array.from({ length: count }, (_, index) => packStr(`k${index}`) + packUint(index));
      assert.equal(Object.keys(unpack(latin1(mapPrefix(count) + keys.join(''))) as object).length, count);
    }
  });
});
