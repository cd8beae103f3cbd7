// Garbage as arguments of the bridge: every call is answered with a value or a typed error, and nothing is left of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refused, startBridge } from './bridge-rig.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500);

const text = fc.oneof(
  fc.constantFrom(
    '',
    'library',
    '()',
    'echo',
    'new Image',
    'new ',
    '__proto__',
    'constructor',
    'toString',
    'then',
    'a.b',
    '$rrts',
    'width',
    'resize',
  ),
  fc.string({ maxLength: 300 }),
);
const special = fc.record({
  $rrts: fc.oneof(fc.constantFrom('bytes', 'date', 'int', 'object', 'map', 'class'), fc.integer()),
  id: fc.oneof(fc.integer({ min: -2, max: 9 }), fc.maxSafeInteger(), text),
  value: fc.oneof(text, fc.integer(), fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 3 })),
});
const value = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    text,
    fc.uint8Array({ maxLength: 20 }),
    special,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(text, tie('tree'), { maxKeys: 4 }),
  ),
})).tree;
const argument = fc.oneof(
  value,
  fc.record(
    {
      module: fc.oneof({ weight: 5, arbitrary: fc.constant('library') }, value),
      name: fc.oneof({ weight: 5, arbitrary: text }, value),
      arguments: fc.oneof({ weight: 5, arbitrary: fc.array(value, { maxLength: 4 }) }, value),
      id: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 9 }) }, value),
      ids: fc.oneof(fc.array(fc.integer({ min: 1, max: 9 })), value),
      count: fc.oneof(fc.integer({ min: 1, max: 3 }), value),
    },
    { requiredKeys: [] },
  ),
);
const methods = fc.constantFrom('Call', 'CallObject', 'Get', 'Next', 'Return', 'Release');

const HARMFUL = ['compute', 'exit', 'never', 'throwLater', 'emitError'];

test('every call is answered with a value or a typed error', async (t) => {
  const bridge = await startBridge({
    library: { from: './library.mjs', allow: ['*', 'new *', '.*'].concat('echo'), timeout: '2s' },
  });
  t.after(() => bridge.stop());
  const outcomes = new Map<string, number>();
  let caller = bridge.caller();
  let calls = 0;
  await fc.assert(
    fc.asyncProperty(methods, argument, async (method, given) => {
      // Not those that compute, wait or end the process on purpose.
      const { name } = (given ?? {}) as { name?: unknown };
      fc.pre(typeof name !== 'string' || !HARMFUL.includes(name));
      if (++calls % 50 === 0) {
        caller.close();
        caller = bridge.caller();
      }
      const outcome = await caller.rpc(method, given).then(
        () => 'ok',
        (error: unknown) => {
          assert.ok(error instanceof Refused, String(error));
          return error.code;
        },
      );
      assert.notEqual(outcome, 'ERR_RPC_FAILED');
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  caller.close();
  assert.equal(await bridge.metric('rrts_bridge_objects'), 0);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  assert.deepEqual(
    bridge.logger.lines.filter((line) => line.startsWith('error')),
    [],
  );
  t.diagnostic(`${calls} calls: ${JSON.stringify(Object.fromEntries(outcomes))}`);
});
