// RoadRunner's protobuf head.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeResponseHead, encodeRequest } from '../../../src/protocol/http/codecs.ts';
import { NO_BODY, type RequestBody, type RequestHead, type ResponseHead } from '../../../src/protocol/http/head.ts';
import { lengthField, ProtoReader, varint, varintField, WIRE } from '../../../src/protocol/http/proto-wire.ts';
import { byteString, GET, mangled, multipart, requestHeaders, soundOrRefused, UPLOAD, urlencoded } from './heads.ts';

const PROTO = 0x80;
const bytes = (text: string) => Buffer.from(text, 'latin1');
const decode = (head: Buffer) => decodeResponseHead('proto', PROTO, head);

function encode(head: Partial<RequestHead>, body: RequestBody = NO_BODY) {
  const payload = encodeRequest('proto', { ...GET, ...head }, body);
  assert.equal(payload.flags, PROTO);
  return { head: payload.head, fields: fieldsOf(payload.head), body: payload.body.toString('latin1') };
}

/** Fields of a message by number: byte strings, or numbers. */
function fieldsOf(message: Buffer): Map<number, (string | number)[]> {
  const fields = new Map<number, (string | number)[]>();
  const reader = new ProtoReader(message);
  while (reader.next()) {
    const value = reader.wire === WIRE.LENGTH ? reader.bytes().toString('latin1') : reader.varint();
    fields.set(reader.field, [...(fields.get(reader.field) ?? []), value]);
  }
  return fields;
}

/** The entries of a map<string, HeaderValue>. */
function entriesOf(field: readonly (string | number)[] | undefined): [string, string[]][] {
  return (field ?? []).map((entry) => {
    const parts = fieldsOf(bytes(entry as string));
    const values = fieldsOf(bytes(parts.get(2)?.[0] as string)).get(1) ?? [];
    return [parts.get(1)?.[0] as string, values as string[]];
  });
}

function response(status: number, headers: readonly (readonly [string, readonly string[]])[]): Buffer {
  const entries = headers.map(([name, values]) =>
    lengthField(2, lengthField(1, name) + lengthField(2, values.map((value) => lengthField(1, value)).join(''))),
  );
  return bytes(varintField(1, status) + entries.join(''));
}

describe('protobuf request', () => {
  test('method and URI are the bytes of the golden frame', () => {
    assert.ok(encode({}).head.includes(Buffer.from('1a034745542209687474703a2f2f612f', 'hex')));
  });

  test('every field', () => {
    const headers = ['host', 'a', 'x-many', '1', 'x-many', '\xff', 'cookie', 'c=%41'];
    const { fields, body } = encode(
      { headers, target: '/p?q=1', attributes: { ключ: 'v' } },
      multipart([['a[]', '1']], [UPLOAD]),
    );
    assert.deepEqual(
      [1, 2, 3, 4, 7, 8].map((field) => fields.get(field)),
      [['127.0.0.1'], ['HTTP/1.1'], ['GET'], ['http://a/p?q=1'], ['q=1'], [1]],
    );
    assert.deepEqual(entriesOf(fields.get(5)), [
      ['X-Many', ['1', '\xff']],
      ['Cookie', ['c=%41']],
    ]);
    assert.deepEqual(entriesOf(fields.get(6)), [['c', ['A']]]);
    assert.deepEqual(entriesOf(fields.get(10)), [[Buffer.from('ключ').toString('latin1'), ['v']]]);
    assert.match(fields.get(9)?.[0] as string, /^\{"f.*":\[\{"name":/);
    assert.equal(body, '{"a":["1"]}');
  });

  test('what is empty is left out, as proto3 does', () => {
    assert.deepEqual([...encode({ remoteAddress: '' }).fields.keys()], [2, 3, 4]);
    assert.deepEqual([...encode({ method: 'POST' }, urlencoded('')).fields.keys()], [1, 2, 3, 4, 8]);
  });

  test('10,000 sets of headers arrive byte for byte (H24)', () => {
    const seen = fc.property(requestHeaders, (headers) => {
      const expected: Record<string, string[]> = {};
      for (let index = 0; index < headers.length; index += 2) {
        const name = (headers[index] as string).replace(/(^|-)[a-z]/g, (it) => it.toUpperCase());
        expected[name] = [...(expected[name] ?? []), headers[index + 1] as string];
      }
      assert.deepEqual(Object.fromEntries(entriesOf(encode({ headers }).fields.get(5))), expected);
    });
    fc.assert(seen, { numRuns: 10_000 });
  });

  test('strings are UTF-8 whatever the client sent: PHP refuses the message otherwise', () => {
    const seen = fc.property(byteString, byteString, (path, query) => {
      const { fields } = encode({ target: `/${path}?${query}` });
      for (const field of [4, 7]) {
        const value = bytes((fields.get(field)?.[0] ?? '') as string);
        assert.ok(Buffer.from(value.toString('utf8')).equals(value));
      }
    });
    fc.assert(seen);
  });
});

describe('protobuf reply', () => {
  test('the head of the golden frame', () =>
    assert.deepEqual(decode(Buffer.from('08c801', 'hex')), { status: 200, headers: [] }));

  test('10,000 replies arrive byte for byte (H24)', () => {
    const values = fc.array(byteString, { maxLength: 3 });
    const seen = fc.property(
      fc.nat(999),
      fc.array(fc.tuple(byteString, values), { maxLength: 10 }),
      (status, headers) => {
        const expected = headers.flatMap(([name, list]) => list.flatMap((value) => [name, value]));
        assert.deepEqual(decode(response(status, headers)), { status, headers: expected });
      },
    );
    fc.assert(seen, { numRuns: 10_000 });
  });

  test('unknown fields of every wire type are skipped, at every level', () => {
    const unknown = `${varintField(9, 2 ** 40)}${varint(10 * 8 + 1)}12345678${varint(11 * 8 + 5)}1234${lengthField(12, 'x')}`;
    const value = lengthField(2, unknown + lengthField(1, 'v') + unknown);
    const entry = lengthField(2, unknown + value + lengthField(1, 'Name') + unknown);
    const head = bytes(unknown + entry + varintField(1, 201) + unknown);
    assert.deepEqual(decode(head), { status: 201, headers: ['Name', 'v'] });
  });

  const wrong: readonly [name: string, hex: string][] = [
    ['nothing', ''],
    ['no status', '1200'],
    ['a negative status', '08ffffffffffffffffff01'],
    ['a status of 11 bytes', '08ffffffffffffffffffff01'],
    ['a status cut short', '08c8'],
    ['a status of text', '0a03323030'],
    ['field 0', '0000'],
    ['a group', '08c8010b0c'],
    ['wire type 7', '08c8010f'],
    ['a map entry that is too long', '08c80112ff01'],
    ['a length of 2^63', '08c80112ffffffffffffffffff7f'],
    ['a fixed64 cut short', '08c80149000000'],
    ['a name that leaves its entry', '08c80112020a05'],
  ];
  for (const [name, hex] of wrong) {
    test(`${name} is refused`, () => {
      assert.throws(() => decode(Buffer.from(hex, 'hex')), { name: 'RrtsError', code: 'ERR_PROTOCOL_HEAD' });
    });
  }

  test('any bytes are a reply or refused', () => {
    const isSound = ({ status, headers }: ResponseHead) => Number.isInteger(status) && headers.length % 2 === 0;
    const head = mangled([
      response(200, [
        ['Content-Type', ['text/html']],
        ['X', ['1', '\xff']],
      ]),
      response(65_536, []),
    ]);
    fc.assert(
      fc.property(head, (it) => soundOrRefused(() => decode(it), isSound)),
      { numRuns: 20_000 },
    );
  });
});
