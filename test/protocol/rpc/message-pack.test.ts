// MessagePack of RPC: what goes in comes out, and nothing else is taken.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Packr, Unpackr } from 'msgpackr';
import { decodeMessagePack, encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';

// 'auto' is documented by msgpackr, and missing in its types.
const OPTIONS = {
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
  int64AsType: 'auto' as 'number',
} as const;

/** msgpackr renames `__proto__`; the next test has it. */
const KEYS = fc.string().filter((key) => key !== '__proto__');

/** Values both libraries have: no undefined, no -0 (msgpackr writes it as 0). */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -40, max: 300 }),
    fc.double({ noDefaultInfinity: false }).filter((one) => !Number.isSafeInteger(one)),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'grapheme', minLength: 20, maxLength: 300 }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) - 1n }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(KEYS, tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value;

/** The same with prototypes, as deepEqual wants it. */
function withPrototypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPrototypes);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withPrototypes(item)]));
}

test('what is encoded is decoded, also by msgpackr, and what that encodes here', (t) => {
  const runs = 3000;
  const packr = new Packr(OPTIONS);
  const unpackr = new Unpackr({ ...OPTIONS, mapsAsObjects: true });
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeMessagePack(value);
      assert.deepEqual(withPrototypes(decodeMessagePack(bytes)), withPrototypes(value));
      assert.deepEqual(withPrototypes(unpackr.unpack(bytes)), withPrototypes(value));
      assert.deepEqual(withPrototypes(decodeMessagePack(packr.pack(value))), withPrototypes(value));
    }),
    { numRuns: runs },
  );
  t.diagnostic(`${runs} values`);
});

test('text that is no UTF-8 comes as bytes; the name of a prototype is a name', () => {
  assert.deepEqual(decodeMessagePack(Buffer.from([0xa2, 0xc3, 0x28])), Buffer.from([0xc3, 0x28]));
  const map = decodeMessagePack(encodeMessagePack(new Map([['__proto__', { polluted: true }]]))) as object;
  assert.equal(Object.getPrototypeOf(map), null);
  assert.deepEqual(Object.keys(map), ['__proto__']);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('undefined is nil, and left out of objects; minus zero and what is no number are floats', () => {
  assert.deepEqual([...encodeMessagePack([undefined, { a: undefined, b: 1 }])], [0x92, 0xc0, 0x81, 0xa1, 0x62, 1]);
  for (const number of [-0, Number.NaN, Infinity, -Infinity]) {
    assert.ok(Object.is(decodeMessagePack(encodeMessagePack(number)), number), String(number));
  }
});

test('what nobody replaces is refused, cycles too', () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  for (const value of [() => 1, Symbol('x'), new Date(), 2n ** 64n, new Map([[{}, 1]]), cycle]) {
    assert.throws(() => encodeMessagePack(value), TypeError);
  }
  const special = (value: object | bigint) => (value instanceof Date ? { $rrts: 'date' } : String(value));
  assert.deepEqual(withPrototypes(decodeMessagePack(encodeMessagePack([new Date(), 2n ** 64n], special))), [
    { $rrts: 'date' },
    '18446744073709551616',
  ]);
  assert.throws(() => encodeMessagePack(new Date(), () => new Date()), /deeper than 128/);
});

test('a map that begins with $rrts is offered', () => {
  const bytes = encodeMessagePack([
    { $rrts: 'x', value: 1 },
    { value: 1, $rrts: 'x' },
  ]);
  const [first, second] = decodeMessagePack(bytes, (map) => `revived ${map['value']}`) as unknown[];
  assert.equal(first, 'revived 1');
  assert.deepEqual(withPrototypes(second), { value: 1, $rrts: 'x' });
});

test('hostile bytes are refused, quickly and without much memory', (t) => {
  const deep = Buffer.alloc(1_000_000, 0x91);
  const cases = [
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0xff, 0xff, 0xff, 0xff],
    [0xc6, 0xff, 0xff, 0xff, 0xff],
    [0xdb, 0xff, 0xff, 0xff, 0xff],
    [0xc1],
    [0xd4, 1, 2],
    [0xc7, 1, 0xff, 2],
    [0x81, 0x90, 1],
    [0x81, 0xc0, 1],
    [0x01, 0x01],
    [0xcd, 0x01],
    [],
  ].map((bytes) => Buffer.from(bytes));
  const before = performance.now();
  for (const bytes of [...cases, deep]) {
    assert.throws(() => decodeMessagePack(bytes), { code: 'ERR_RPC_ARGUMENT' }, bytes.subarray(0, 8).toString('hex'));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeMessagePack(Buffer.from(bytes));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_RPC_ARGUMENT');
      }
    }),
    { numRuns: 20_000 },
  );
  t.diagnostic(`${cases.length + 1} cases and 20000 random inputs in ${Math.round(performance.now() - before)} ms`);
});
