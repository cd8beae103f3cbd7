// Urlencoded forms: bytes to fields and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatUrlencoded, parseUrlencoded, unescapeForm } from '../../../src/protocol/http/urlencoded.ts';

const bytes = fc.uint8Array({ maxLength: 30 }).map((it) => Buffer.from(it).toString('latin1'));
const field = fc.record({ name: bytes, value: bytes }, { noNullPrototype: true });

test('any fields come back byte for byte', () => {
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const body = formatUrlencoded(fields);
      assert.match(body.toString('latin1'), /^[A-Za-z0-9_.~%=&-]*$/);
      assert.deepEqual(parseUrlencoded(body), fields);
    }),
    { numRuns: 2000 },
  );
});

test('any bytes are some fields, in time that grows with their number', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (it) => void parseUrlencoded(Buffer.from(it))));
  const started = performance.now();
  parseUrlencoded(Buffer.alloc(2_000_000, '%%+&%4'));
  assert.ok(performance.now() - started < 3000);
});

test('plus, escapes and broken escapes', () => {
  const cases: readonly [string, string][] = [
    ['a+b', 'a b'],
    ['%2B%2b', '++'],
    ['100%', '100%'],
    ['%4', '%4'],
    ['%zz%41', '%zzA'],
    ['%%41', '%A'],
    ['%25%34%31', '%41'],
    ['%E9\xe9', '\xe9\xe9'],
  ];
  for (const [from, to] of cases) assert.equal(unescapeForm(from), to);
});
