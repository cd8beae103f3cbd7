// Values on their way into a library and out of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, type Handle, hostWith } from './host-harness.ts';

const ALL = [
  '*',
  '.*',
  'give.map',
  'give.date',
  'give.numbers',
  'give.bytes',
  'give.error',
  'give.missing',
  'give.special',
  'give.proto',
  'give.url',
  'give.cycle',
  'give.callback',
  'give.symbol',
  'give.promise',
  'give.deep',
  'give.bomb',
];
const NO_OBJECTS = ALL.filter((pattern) => pattern !== '.*');

/** Objects without a prototype as ordinary ones. */
function tidy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(tidy);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tidy(item)]));
}

test('results in MessagePack', async () => {
  const library = await hostWith(NO_OBJECTS);
  const give = async (name: string): Promise<unknown> => tidy(await library.call(`give.${name}`));
  assert.deepEqual(await give('map'), { b: 1, a: [1, 2] });
  assert.deepEqual(await give('date'), { $rrts: 'date', value: '2026-01-02T03:04:05.678Z' });
  const large = { $rrts: 'int', value: String(2n ** 64n) };
  assert.deepEqual(await give('numbers'), [1, 2n ** 53n, 2n ** 62n, large, 1.5, -0, Number.NaN]);
  assert.deepEqual(await give('bytes'), [Buffer.from('b'), Buffer.from([1]), Buffer.from([2]), [1.5]]);
  assert.deepEqual(await give('error'), { failed: { name: 'RangeError', message: 'inside' } });
  assert.deepEqual(await give('missing'), { b: [null, null] });
  assert.deepEqual(await give('special'), {
    $rrts: 'map',
    value: [
      ['$rrts', 'object'],
      ['id', 1],
    ],
  });
  assert.deepEqual(Object.keys((await library.call('give.proto')) as object), ['__proto__']);
  assert.equal(await give('url'), 'http://localhost/a');
});

test('results in JSON', async () => {
  const library = await hostWith(NO_OBJECTS);
  library.codec = 'json';
  assert.deepEqual(await library.call('give.map'), { b: 1, a: [1, 2] });
  assert.deepEqual(await library.call('give.bytes'), [
    { $rrts: 'bytes', value: 'Yg==' },
    { $rrts: 'bytes', value: 'AQ==' },
    { $rrts: 'bytes', value: 'Ag==' },
    [1.5],
  ]);
  const int = (value: bigint) => ({ $rrts: 'int', value: String(value) });
  assert.deepEqual(await library.call('give.numbers'), [
    1,
    int(2n ** 53n),
    int(2n ** 62n),
    int(2n ** 64n),
    1.5,
    0,
    null,
  ]);
  assert.equal(JSON.stringify(await library.call('give.proto')), '{"__proto__":{"a":1}}');
});

test('what cannot be sent is refused by its path', async () => {
  for (const library of [
    await hostWith(NO_OBJECTS),
    await hostWith(ALL.filter((pattern) => pattern !== '.*').concat('.other')),
  ]) {
    const refused: readonly [string, string, RegExp][] = [
      ['give.cycle', 'ERR_RPC_RESULT', /^result\.items\[0\]\.back is a cycle: it leads back to result\.items$/],
      ['give.callback', 'ERR_RPC_RESULT', /^result\.items\[3\]\.onClick is a function/],
      ['give.symbol', 'ERR_RPC_RESULT', /^result\.key is a symbol/],
      ['give.promise', 'ERR_RPC_RESULT', /^result\.inner is a promise/],
      ['give.deep', 'ERR_RPC_RESULT', /is nested deeper than 120 levels$/],
      ['give.bomb', 'ERR_RPC_TOO_LARGE', /more than 4000000 values/],
    ];
    for (const [name, code, message] of refused) {
      const error = await failure(library.call(name));
      assert.equal(error.code, code, name);
      assert.match(error.message, message);
    }
    assert.equal(library.host.objects, 0);
  }
});

test('an object of a class needs an allowed method', async () => {
  const library = await hostWith(NO_OBJECTS);
  const { code, message } = await failure(library.call('default', 1));
  assert.equal(code, 'ERR_RPC_RESULT');
  assert.match(message, /^result is an object of Image; PHP can have it when the module allows a method of it/);
});

test('arguments become what they stand for', async () => {
  const library = await hostWith(['typeOf', 'echo', '()', '.sameAs']);
  const type = (value: unknown) => library.call('typeOf', value);
  assert.equal(await type({ $rrts: 'bytes', value: 'text' }), 'buffer');
  assert.equal(await type(Buffer.from([0xff])), 'buffer');
  assert.equal(await type({ $rrts: 'date', value: '2026-01-02T03:04:05.678Z' }), 'date');
  assert.equal(await type({ $rrts: 'int', value: '-12345678901234567890' }), '[object BigInt]');
  assert.equal(await type({ any: 1 }), '[object Object]');
  assert.deepEqual(
    tidy(
      await library.call('echo', {
        $rrts: 'map',
        value: [
          ['$rrts', 'date'],
          ['b', 2],
        ],
      }),
    ),
    [
      {
        $rrts: 'map',
        value: [
          ['$rrts', 'date'],
          ['b', 2],
        ],
      },
    ],
  );
  const image = await library.object('', 1);
  assert.equal(await library.on(image, 'sameAs', image), true);
  assert.equal(await library.on(image, 'sameAs', { ...image, class: 'anything' }), true);
});

test('wrong arguments are refused by their path', async () => {
  const library = await hostWith(['echo', '()', '.width']);
  const bad: readonly [unknown, RegExp][] = [
    [{ $rrts: 'bytes', value: 5 }, /^arguments\[0\] is bytes without a value/],
    [{ a: [{ $rrts: 'date', value: 'yesterday' }] }, /^arguments\[0\]\.a\[0\] is no date/],
    [{ $rrts: 'int', value: '1e5' }, /is no decimal integer/],
    [{ $rrts: 'object', id: 'x' }, /is an object without an id/],
    [{ $rrts: 'map', value: [[{}, 1]] }, /is a map without a list of pairs/],
    [{ $rrts: 'class', value: 1 }, /has the key \$rrts with the unknown value class/],
    [{ $rrts: 5 }, /unknown value/],
    [{ a: { constructor: { prototype: { x: 1 } } } }, /^arguments\[0\]\.a\.constructor is a key that libraries take/],
    [JSON.parse('{"__proto__":{"polluted":true}}'), /^arguments\[0\]\.__proto__ is a key/],
    [{ $rrts: 'map', value: [['__proto__', { polluted: true }]] }, /__proto__ is a key/],
  ];
  for (const [value, message] of bad) {
    const error = await failure(library.call('echo', value));
    assert.equal(error.code, 'ERR_RPC_ARGUMENT');
    assert.match(error.message, message);
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  const { code, message } = await failure(library.call('echo', { $rrts: 'object', id: 99 }));
  assert.deepEqual([code, message], ['ERR_BRIDGE_RELEASED', 'this caller was never given an object 99']);
  const values = (list: unknown) => library.run({ kind: 'call', module: 'library', name: 'echo', values: list });
  assert.equal((await failure(values({ a: 1 }))).code, 'ERR_RPC_ARGUMENT');
  assert.deepEqual(await values(null), []);
});

test('objects in a result that cannot be sent are not kept', async () => {
  const library = await hostWith(['echo', 'many', 'mixed', '.width', 'new Image'], './library.mjs');
  const images = (await library.call('many', 3)) as Handle[];
  assert.deepEqual(
    images.map(({ id }) => id),
    [1, 2, 3],
  );
  assert.equal((await failure(library.call('mixed'))).code, 'ERR_RPC_RESULT');
  assert.equal(library.host.objects, 3);
});
