// Declared keys become camelCase at every depth; keys the user chose stay.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { camelCased, camelCaseKey } from '../../src/core/camel-case.ts';
import { address } from '../../src/core/scalars.ts';

test('declared keys at every depth, through defaults, options and lists', () => {
  const schema = z.strictObject({
    num_workers: z.int(),
    deep_part: z.strictObject({ exec_ttl: z.int().default(3) }).prefault({}),
    maybe_part: z.strictObject({ a_b: z.int() }).optional(),
    some_list: z.array(z.strictObject({ c_d_e: z.int() })),
  });
  const value = schema.parse({ num_workers: 1, maybe_part: { a_b: 2 }, some_list: [{ c_d_e: 3 }] });
  assert.deepEqual(camelCased(schema, value), {
    numWorkers: 1,
    deepPart: { execTtl: 3 },
    maybePart: { aB: 2 },
    someList: [{ cDE: 3 }],
  });
});

test('keys of a mapping that the user chose stay as they are, what is below them does not', () => {
  const schema = z.strictObject({
    env_vars: z.record(z.string(), z.string()),
    named_parts: z.record(z.string(), z.strictObject({ max_age: z.int() })),
  });
  const value = schema.parse({ env_vars: { MY_KEY: 'x', my_key: 'y' }, named_parts: { my_part: { max_age: 1 } } });
  assert.deepEqual(camelCased(schema, value), {
    envVars: { MY_KEY: 'x', my_key: 'y' },
    namedParts: { my_part: { maxAge: 1 } },
  });
});

test('what a transform made of a scalar is left alone', () => {
  const schema = z.strictObject({ listen_on: address() });
  assert.deepEqual(camelCased(schema, schema.parse({ listen_on: ':80' })), {
    listenOn: { kind: 'tcp', host: '', port: 80 },
  });
});

test('unions choose the option that has the keys of the value', () => {
  const schema = z.union([z.strictObject({ a_one: z.int() }), z.strictObject({ b_two: z.int() }), z.array(z.string())]);
  assert.deepEqual(camelCased(schema, { b_two: 1 }), { bTwo: 1 });
  assert.deepEqual(camelCased(schema, ['a_b']), ['a_b']);
});

test('a key that is left undefined stays absent', () => {
  const schema = z.strictObject({ a_b: z.int().optional() });
  assert.deepEqual(camelCased(schema, {}), {});
  assert.equal(camelCaseKey('max_queue_size'), 'maxQueueSize');
  assert.equal(camelCaseKey('address'), 'address');
});
