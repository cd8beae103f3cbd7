// Form names against the real parse_str, and what is ours: limits, uploads, the JSON for RoadRunner's workers.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Upload } from '../../../src/protocol/http/head.ts';
import type { PhpArray } from '../../../src/protocol/http/php-array.ts';
import { fieldsToTree, fieldTreeToJson, uploadsToTree, uploadTreeToJson } from '../../../src/protocol/http/php-tree.ts';
import { formatUrlencoded, parseUrlencoded } from '../../../src/protocol/http/urlencoded.ts';
import { askPhp, hasPhp } from './php-oracle.ts';

const tree = (query: string) => fieldsToTree(parseUrlencoded(Buffer.from(query, 'latin1')));
const json = (query: string) => fieldTreeToJson(tree(query));
const deep = (depth: number) => `a${'[x]'.repeat(depth)}`;

// What the rules of PHP turn on, each often enough to meet the others.
const piece = fc.constantFrom(
  ...['a', 'b', '0', '1', '-1', '7', '01', '-0', '9223372036854775806', '9223372036854775807', '-9223372036854775808'],
  ...[
    '[',
    ']',
    '[]',
    '[',
    ']',
    '[]',
    '[a]',
    '[1]',
    '[ ]',
    '[ a]',
    '[\t]',
    '[-3]',
    '.',
    ' ',
    '_',
    '\0',
    '\xe9',
    '\xc3\xa9',
  ],
  ...['__Host-', '.', '__proto__', 'constructor', 'length', '[__proto__]'],
);
const formName = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
const formFields = fc.array(fc.record({ name: formName, value: fc.constantFrom('', 'x', '1', '\xff', '\0') }), {
  maxLength: 6,
});

describe('form names as PHP takes them', { skip: !hasPhp && 'needs php' }, () => {
  test('2,000 generated forms give the array that parse_str gives, order and key types included', () => {
    const forms = fc.sample(formFields, 2000);
    const seen = askPhp('parse_str', forms.map(formatUrlencoded));
    for (const [index, fields] of forms.entries()) {
      assert.deepEqual(shape(fieldsToTree(fields).root), seen[index], JSON.stringify(fields));
    }
  });

  test('their JSON, decoded by PHP, is that array again', () => {
    const forms = fc
      .sample(formFields, 2000)
      .map((fields) => fields.filter((field) => !/[\x80-\xff]/.test(field.name + field.value)));
    const trees = forms.map((fields) => fieldsToTree(fields));
    const seen = askPhp(
      'json_decode',
      trees.map((it) => Buffer.from(fieldTreeToJson(it))),
    );
    for (const [index, it] of trees.entries())
      assert.deepEqual(seen[index], shape(it.root), JSON.stringify(forms[index]));
  });

  const queries = [
    ...[
      'a',
      '=',
      '=1',
      '&&a=1&',
      'a=1=2',
      'a=%',
      'a=%4',
      'a=%zz',
      'a%5Bb%5D=%2B+',
      'a=1&a[b]=2',
      'a[b]=1&a=2',
      'a[b]c=1',
      'a[b]c[d]=1',
    ],
    ...[
      '[a]=1',
      '[',
      'a[b[c]]=1',
      'a[[b]=1',
      'a]b=1',
      'a.b[c.d=1',
      'a[b][c=1',
      '..Host-x=1',
      'a[b][__Host-x][c]=1',
      'a[][__Secure-x]=1',
      '__Host-a[__Host-b]=1',
      '_[Host-x=1',
      '_.Secure-x=1',
      '__Host-x=1',
    ],
    ...[
      'a[9223372036854775807]=1&a[]=2',
      'a[-5]=1&a[]=2',
      '1=2&0=1',
      'a[1]=1&a[0]=2',
      `${deep(64)}=1`,
      `a=1&b=2&${deep(65)}=1&b=3`,
    ],
  ];
  test('names at the edges of the rules, and the thousandth field, after which max_input_vars lets none in', () => {
    const many = Array.from({ length: 1100 }, (_, index) => `k${index}=1`).join('&');
    const all = [...queries, many];
    const seen = askPhp(
      'parse_str',
      all.map((query) => Buffer.from(query)),
    );
    for (const [index, query] of all.entries())
      assert.deepEqual(shape(tree(query).root), seen[index], query.slice(0, 80));
  });
});

describe("RoadRunner's form checklist", () => {
  const cases: readonly [query: string, json: string][] = [
    ['key=value', '{"key":"value"}'],
    ['key=other&key=value', '{"key":"value"}'],
    ['name[]=1&name[]=2&name[]=3', '{"name":["1","2","3"]}'],
    ['arr[x][y][z]=y&arr[x][y][e]=f', '{"arr":{"x":{"y":{"z":"y","e":"f"}}}}'],
    // RoadRunner: {"arr":{"c":{"p":"l","z":""}}}. Ours is what the application sees under FPM.
    ['arr[c]p=l&arr[c]z=', '{"arr":{"c":""}}'],
    ['', ''],
    ['&=&[x]=1', ''],
    // A list of PHP is a list, anything else an object, whose integer keys keep their place.
    ['a[0]=x&a[1]=y', '{"a":["x","y"]}'],
    ['a[1]=x&a[0]=y', '{"a":{"1":"x","0":"y"}}'],
    ['0=x&1=y', '["x","y"]'],
    ['__proto__[x]=1&constructor=2', '{"__proto__":{"x":"1"},"constructor":"2"}'],
    ['a=%C3%A9&b=%E9', '{"a":"é","b":"é"}'],
  ];
  for (const [query, expected] of cases) test(`${query} is ${expected}`, () => assert.equal(json(query), expected));
});

describe('limits', () => {
  test('more than 1,000 fields are dropped and told of', () => {
    const fields = Array.from({ length: 1001 }, (_, index) => ({ name: `k${index}`, value: '' }));
    assert.equal(fieldsToTree(fields).truncated, true);
    assert.equal(fieldsToTree(fields).root.entries.size, 1000);
    assert.equal(fieldsToTree(fields.slice(1)).truncated, false);
  });

  test('a name nested 10,000 deep costs nothing and takes its first key with it (O20)', () => {
    const started = performance.now();
    assert.equal(json(`${deep(1)}=1&b=2&a${'[]'.repeat(10_000)}=1`), '{"b":"2"}');
    assert.ok(performance.now() - started < 1000);
  });

  test('10,000 fields are read up to the limit only', () => {
    const body = Buffer.from(Array.from({ length: 10_000 }, (_, index) => `k${index}=1`).join('&'));
    assert.equal(parseUrlencoded(body, 1001).length, 1001);
    assert.equal(parseUrlencoded(body).length, 10_000);
  });
});

describe('uploads', () => {
  const upload = (field: string, name: string): Upload => {
    return { field, name, mime: 'text/plain', size: 3, error: 0, temporaryPath: `/tmp/é/${name}` };
  };

  test('are nested by the names of their fields', () => {
    const uploads = [
      upload('f[a][]', 'one'),
      upload('f[a][]', 'two'),
      upload('f[b]', 'caf\xc3\xa9'),
      upload('g', 'x'),
      upload('g', 'y'),
    ];
    const leaf = (name: string, path = name) => ({
      name,
      mime: 'text/plain',
      size: 3,
      error: 0,
      tmpName: `/tmp/é/${path}`,
    });
    assert.deepEqual(JSON.parse(uploadTreeToJson(uploadsToTree(uploads))), {
      f: { a: [leaf('one'), leaf('two')], b: leaf('café', 'caf\xc3\xa9') },
      g: leaf('y'),
    });
  });
});

function shape(value: PhpArray<string> | string): unknown {
  if (typeof value === 'string') return Buffer.from(value, 'latin1').toString('base64');
  return [...value.entries].map(([key, item]) => [
    isInteger(key) ? 'int' : 'str',
    Buffer.from(key, 'latin1').toString('base64'),
    shape(item),
  ]);
}

function isInteger(key: string): boolean {
  return /^(?:0|-?[1-9][0-9]*)$/.test(key) && BigInt.asIntN(64, BigInt(key)) === BigInt(key);
}
