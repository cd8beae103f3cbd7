// The plugin on a router: calls in frames, deadlines, callers that go, a start that fails, faults that nobody waits for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRrtsError } from '../../../src/core/errors.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { refusal, startBridge } from './bridge-rig.ts';
import { FIXTURES } from './host-harness.ts';

const library = (allow: readonly string[], more: object = {}) => ({
  library: { from: './library.mjs', allow, ...more },
});

test('calls, objects, properties, iteration and release, in frames', async (t) => {
  const bridge = await startBridge(library(['()', 'echo', 'count', '.resize', '.toBuffer', '.width']));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  assert.deepEqual(await caller.call('library', 'echo', ['a', Buffer.from([255])]), ['a', Buffer.from([255])]);
  const image = await caller.object('library', '', [1]);
  await caller.on(image, 'resize', [9]);
  assert.deepEqual(await caller.on(image, 'toBuffer'), Buffer.from([0, 255, 128, 9]));
  assert.equal(await caller.rpc('Get', { id: image.id, name: 'width' }), 9);
  const counter = await caller.object('library', 'count', [3]);
  assert.deepEqual(await caller.rpc('Next', { id: counter.id, count: 2 }), {
    __proto__: null,
    values: [1, 2],
    done: false,
  });
  assert.equal(await caller.rpc('Return', { id: counter.id }), null);
  assert.equal(await bridge.metric('rrts_bridge_objects'), 2);
  assert.equal(await caller.rpc('Release', { ids: [image.id, image.id, counter.id] }), null);
  assert.equal(await bridge.metric('rrts_bridge_objects'), 0);
  assert.equal((await refusal(caller.on(image, 'resize', [1]))).code, 'ERR_BRIDGE_RELEASED');
});

test('arguments of the methods themselves are checked', async (t) => {
  const bridge = await startBridge(library(['echo']));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const bad: readonly [string, unknown, RegExp][] = [
    ['Call', [], /must be a map/],
    ['Call', 'x', /must be a map/],
    ['Call', { module: 5, name: '' }, /^module must be a text/],
    ['Call', { module: 'library' }, /^name must be a text/],
    ['Call', { module: 'library', name: 'x'.repeat(300) }, /name is longer than 256/],
    ['Call', { module: 'library', name: 'echo', arguments: 'x' }, /^arguments must be a list/],
    ['CallObject', { id: 'x', name: 'y' }, /^id must have whole numbers/],
    ['CallObject', { id: -1, name: 'y' }, /^id must have/],
    ['Next', { id: 1, count: 0 }, /^count must be/],
    ['Release', { ids: 5 }, /^ids must be a list/],
  ];
  for (const [name, argument, message] of bad) {
    const error = await refusal(caller.rpc(name, argument));
    assert.equal(error.code, 'ERR_RPC_ARGUMENT', name);
    assert.match(error.message, message);
  }
  assert.equal((await refusal(caller.call('other', 'x'))).code, 'ERR_BRIDGE_MODULE');
  assert.equal((await refusal(caller.call('library', 'later'))).code, 'ERR_BRIDGE_DENIED');
  // Handles of threads that never were.
  assert.equal((await refusal(caller.rpc('Get', { id: 7 * 2 ** 32 + 1, name: 'x' }))).code, 'ERR_BRIDGE_RELEASED');
  assert.equal(await caller.rpc('Release', { ids: [7 * 2 ** 32 + 1, 3] }), null);
});

test('an error of a library arrives with class, code and stack', async (t) => {
  const bridge = await startBridge(library(['fail']));
  t.after(() => bridge.stop());
  const { message, details } = await refusal(bridge.caller().call('library', 'fail', ['error']));
  assert.equal(message, 'library.fail: wrong colour');
  assert.equal(details['code'], 'ERR_BRIDGE_THREW');
  assert.equal(details['class'], 'TypeError');
  assert.match(String(details['stack']), /library\.mjs/);
});

test('a result that is too large is refused, and the objects in it are not kept', async (t) => {
  const far = { from: './library.mjs', allow: ['withLarge', '.width'], threads: 1 };
  const bridge = await startBridge({ ...library(['withLarge', '.width']), far });
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  for (const module of ['library', 'far']) {
    for (const bytes of [64 * 1024 * 1024, 300 * 1024 * 1024]) {
      const { code, message } = await refusal(caller.call(module, 'withLarge', [bytes]));
      assert.equal(code, 'ERR_RPC_TOO_LARGE');
      assert.match(message, /the result has (at least )?\d+ bytes, allowed are 67108853$/);
    }
    assert.equal(((await caller.call(module, 'withLarge', [1000])) as unknown[]).length, 2);
  }
  assert.equal(await bridge.metric('rrts_bridge_objects'), 2);
});

test('a call that never answers ends at the time limit of the module, or at the deadline of its caller', async (t) => {
  const bridge = await startBridge(library(['never', 'echo'], { timeout: '300ms' }));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const startedAt = performance.now();
  const { code, message } = await refusal(caller.call('library', 'never', [], 100));
  assert.equal(code, 'ERR_RPC_TIMEOUT');
  assert.match(message, /within 100 ms/);
  const deadlineMs = performance.now() - startedAt;
  const limit = await refusal(caller.call('library', 'never'));
  assert.equal(limit.code, 'ERR_RPC_TIMEOUT');
  assert.match(limit.message, /library did not answer within 300 ms \(bridge\.modules\.library\.timeout\)/);
  assert.deepEqual(await caller.call('library', 'echo', [1]), [1]);
  assert.equal(await bridge.metric('rrts_bridge_calls_total', { outcome: 'timeout' }), 2);
  assert.equal(await bridge.metric('rrts_bridge_calls_total', { outcome: 'ok' }), 1);
  t.diagnostic(`a deadline of 100 ms took ${deadlineMs.toFixed(0)} ms`);
});

test('with a caller go its calls and its objects, and nothing of others', async (t) => {
  const bridge = await startBridge(library(['many', 'never', 'later', '.width']));
  t.after(() => bridge.stop());
  const [first, second] = [bridge.caller(), bridge.caller()];
  await first.call('library', 'many', [100]);
  await second.call('library', 'many', [7]);
  assert.equal(await bridge.metric('rrts_bridge_objects'), 107);
  first.rpc('Call', { module: 'library', name: 'never', arguments: [] }, 0, 50).catch(() => undefined);
  first.close();
  await eventually(
    async () => (await bridge.metric('rrts_bridge_calls_total', { outcome: 'cancelled' })) === 1,
    'its end',
  );
  assert.equal(await bridge.metric('rrts_bridge_objects'), 7);
  second.close();
  assert.equal(await bridge.metric('rrts_bridge_objects'), 0);
});

test('a stop gives up what runs', async () => {
  const bridge = await startBridge(library(['never', '()', '.width']));
  const caller = bridge.caller();
  await caller.object('library', '', [1]);
  const given = refusal(caller.call('library', 'never'));
  await bridge.stop();
  assert.equal((await given).code, 'ERR_RPC_CANCELLED');
  assert.equal(await bridge.metric('rrts_bridge_objects'), 0);
});

test('a module that cannot be loaded is one clear error of the start', async () => {
  const start = (from: string) =>
    startBridge({ images: { from, allow: ['()'] } }).then(
      () => assert.fail('it started'),
      (error: unknown) => error,
    );
  const missing = await start('sharp-is-not-here');
  assert.ok(isRrtsError(missing));
  assert.equal(missing.code, 'ERR_BRIDGE_MODULE');
  assert.equal(
    missing.message,
    `bridge.modules.images: the package sharp-is-not-here cannot be found from ${FIXTURES}`,
  );
  assert.equal(missing.cure, `Run npm install sharp-is-not-here in ${FIXTURES}.`);
  const throwing = await start('./throws.mjs');
  assert.ok(isRrtsError(throwing));
  assert.match(throwing.message, /^bridge\.modules\.images: \.\/throws\.mjs cannot be loaded: no licence key$/);
});

test('a name that is allowed and does not exist is a warning', async (t) => {
  const bridge = await startBridge(library(['reszie', 'echo', 'new Imgae', '.any']));
  t.after(() => bridge.stop());
  const warnings = bridge.logger.lines.filter((line) => line.startsWith('warn'));
  assert.deepEqual(warnings, [
    'warn bridge.modules.library.allow: library has no export reszie {"module":"library"}',
    'warn bridge.modules.library.allow: library has no export Imgae {"module":"library"}',
  ]);
});
