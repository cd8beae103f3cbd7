// Modules in worker threads: the master goes on, calls that compute too long end with their thread, crashes cost no more than that.

import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { isRrtsError } from '../../../src/core/errors.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { refusal, startBridge } from './bridge-rig.ts';

const library = (allow: readonly string[], threads: number, more: object = {}) => ({
  library: { from: './library.mjs', allow, threads, ...more },
});

test('values, objects, iteration and errors are those of a module in the master', async (t) => {
  const bridge = await startBridge(
    library(['()', 'echo', 'fail', 'count', 'give.callback', '.resize', '.toBuffer', '.sameAs', '.width'], 2),
  );
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const values = ['a', Buffer.from([255]), 2n ** 62n, { b: [null, 1.5] }];
  assert.deepEqual(JSON.stringify(await caller.call('library', 'echo', values.slice(3))), '[{"b":[null,1.5]}]');
  assert.deepEqual(await caller.call('library', 'echo', values.slice(0, 3)), values.slice(0, 3));
  const image = await caller.object('library', '', [1]);
  assert.equal(((await caller.on(image, 'resize', [9])) as { id: number }).id, image.id);
  assert.deepEqual(await caller.on(image, 'toBuffer'), Buffer.from([0, 255, 128, 9]));
  assert.equal(await caller.on(image, 'sameAs', [image]), true);
  const counter = await caller.object('library', 'count', [3]);
  assert.deepEqual(await caller.rpc('Next', { id: counter.id, count: 9 }), {
    __proto__: null,
    values: [1, 2, 3],
    done: true,
  });
  const { message, details } = await refusal(caller.call('library', 'fail', ['error']));
  assert.equal(message, 'library.fail: wrong colour');
  assert.deepEqual([details['class'], details['code']], ['TypeError', 'ERR_BRIDGE_THREW']);
  assert.match(String(details['stack']), /library\.mjs/);
  assert.match(
    (await refusal(caller.call('library', 'give.callback'))).message,
    /^result\.items\[3\]\.onClick is a function/,
  );
  assert.equal((await refusal(caller.call('library', 'later'))).code, 'ERR_BRIDGE_DENIED');
  assert.equal(await bridge.metric('rrts_bridge_objects'), 2);
  await caller.rpc('Release', { ids: [image.id, image.id, counter.id] });
  await eventually(async () => (await bridge.metric('rrts_bridge_objects')) === 0, 'the release in the thread');
  assert.equal((await refusal(caller.on(image, 'resize', [1]))).message, `object ${image.id} was released`);
});

test('four calls that compute do not keep the master from its work', async (t) => {
  const bridge = await startBridge(library(['compute'], 4));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  let turns = 0;
  const ticking = setInterval(() => turns++, 5);
  delay.enable();
  await Promise.all(Array.from({ length: 4 }, () => caller.call('library', 'compute', [500])));
  delay.disable();
  clearInterval(ticking);
  const ms = (nanoseconds: number): string => (nanoseconds / 1e6).toFixed(1);
  t.diagnostic(
    `event loop delay of the master while 4 threads computed for 500 ms: mean ${ms(delay.mean)}, p99 ${ms(delay.percentile(99))}, max ${ms(delay.max)} ms; ${turns} turns`,
  );
  // In the master itself each of them would stop it for 500 ms. The rest is what the machine does besides.
  assert.ok(delay.max < 500e6, `the master stood still for ${ms(delay.max)} ms`);
  assert.ok(turns >= 5, `${turns} turns`);
});

test('each thread runs one call at a time, further ones wait for a free one', async (t) => {
  const bridge = await startBridge(library(['compute', 'echo'], 2));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const startedAt = performance.now();
  const calls = Array.from({ length: 6 }, () => caller.call('library', 'compute', [60]));
  // One that gives up while it waits costs nobody a thread.
  assert.equal((await refusal(caller.call('library', 'compute', [5000], 30))).code, 'ERR_RPC_TIMEOUT');
  await Promise.all(calls);
  t.diagnostic(`6 calls of 60 ms in 2 threads took ${(performance.now() - startedAt).toFixed(0)} ms`);
  assert.ok(performance.now() - startedAt >= 3 * 60);
  assert.equal(await bridge.metric('rrts_bridge_thread_ends_total'), 0);
});

test('a call that computes past its deadline ends with its thread, and a new one starts', async (t) => {
  const bridge = await startBridge(library(['compute', '()', '.width', 'echo'], 1));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const image = await caller.object('library', '', [1]);
  const startedAt = performance.now();
  const { code } = await refusal(caller.call('library', 'compute', [60_000], 200));
  const refusedMs = performance.now() - startedAt;
  assert.equal(code, 'ERR_RPC_TIMEOUT');
  assert.deepEqual(await caller.call('library', 'echo', [1]), [1]);
  const backMs = performance.now() - startedAt;
  const gone = await refusal(caller.on(image, 'width'));
  assert.equal(gone.code, 'ERR_BRIDGE_RELEASED');
  assert.match(gone.message, /gone with its thread of library: a call in it computed longer than it may/);
  assert.equal(await bridge.metric('rrts_bridge_objects'), 0);
  assert.equal(await bridge.metric('rrts_bridge_thread_ends_total'), 1);
  t.diagnostic(
    `a deadline of 200 ms took ${refusedMs.toFixed(0)} ms; the next call was answered after ${backMs.toFixed(0)} ms`,
  );
});

test('a call that only waits past its deadline costs no thread', async (t) => {
  const bridge = await startBridge(library(['never', 'later', '()', '.width'], 1));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const image = await caller.object('library', '', [3]);
  assert.equal((await refusal(caller.call('library', 'never', [], 100))).code, 'ERR_RPC_TIMEOUT');
  // Longer than a thread may be silent before it is ended.
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(await caller.rpc('Get', { id: image.id, name: 'width' }), 3);
  assert.equal(await caller.call('library', 'later', [4]), 4);
  assert.equal(await bridge.metric('rrts_bridge_thread_ends_total'), 0);
});

test('a caller that goes ends what computes for it', async (t) => {
  const bridge = await startBridge(library(['compute', 'echo'], 1));
  t.after(() => bridge.stop());
  const [first, second] = [bridge.caller(), bridge.caller()];
  first.call('library', 'compute', [60_000]).catch(() => undefined);
  // Until it computes; nothing tells from outside.
  await new Promise((resolve) => setTimeout(resolve, 100));
  first.close();
  assert.deepEqual(await second.call('library', 'echo', [1]), [1]);
  assert.equal(await bridge.metric('rrts_bridge_thread_ends_total'), 1);
});

test('a thread that ends itself fails its calls, and only those', async (t) => {
  const bridge = await startBridge(library(['exit', 'never', 'echo', '()', '.width'], 1));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const image = await caller.object('library', '', [3]);
  const { code, message } = await refusal(caller.call('library', 'exit', [3]));
  assert.equal(code, 'ERR_RPC_FAILED');
  assert.equal(message, 'the thread of library is gone: it ended with exit code 3');
  assert.deepEqual(await caller.call('library', 'echo', [1]), [1]);
  assert.equal((await refusal(caller.on(image, 'width'))).code, 'ERR_BRIDGE_RELEASED');
});

test('a module whose threads end again and again is started again after a pause', async (t) => {
  const bridge = await startBridge(library(['exit', 'echo'], 1));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const startedAt = performance.now();
  for (let crash = 0; crash < 3; crash++) {
    assert.equal((await refusal(caller.call('library', 'exit', [1]))).code, 'ERR_RPC_FAILED');
  }
  assert.deepEqual(await caller.call('library', 'echo', [1]), [1]);
  const backMs = performance.now() - startedAt;
  t.diagnostic(`back ${backMs.toFixed(0)} ms after the first of 3 crashes`);
  assert.ok(backMs >= 500 + 1000, 'a pause after the second crash, a longer one after the third');
});

test('what a module throws when no call waits is logged, and its thread stays', async (t) => {
  const bridge = await startBridge(library(['throwLater', '()', '.width'], 1));
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const image = await caller.object('library', '', [3]);
  for (const kind of ['timer', 'promise']) await caller.call('library', 'throwLater', [kind]);
  await eventually(async () => (await bridge.metric('rrts_bridge_faults_total')) === 2, 'both faults');
  assert.equal(await caller.rpc('Get', { id: image.id, name: 'width' }), 3);
  assert.ok(
    bridge.logger.lines.some((line) => /library failed when no call waited for it: library: wrong colour/.test(line)),
  );
});

test('objects of another thread, or of the master, are refused as arguments', async (t) => {
  const bridge = await startBridge({
    ...library(['echo', '()', '.width'], 1),
    other: { from: './library.mjs', allow: ['echo', '()', '.width'] },
  });
  t.after(() => bridge.stop());
  const caller = bridge.caller();
  const [far, near] = [await caller.object('library', '', [1]), await caller.object('other', '', [1])];
  for (const [module, foreign] of [
    ['library', near],
    ['other', far],
  ] as const) {
    const { code, message } = await refusal(caller.call(module, 'echo', [foreign]));
    assert.deepEqual(
      [code, message],
      ['ERR_RPC_ARGUMENT', `object ${foreign.id} is in another thread than what it is given to`],
    );
  }
});

test('a stop ends threads that compute, and calls that wait for one', async (t) => {
  const bridge = await startBridge(library(['compute'], 2));
  const caller = bridge.caller();
  const calls = [1, 2, 3].map(() => refusal(caller.call('library', 'compute', [60_000])));
  // Until two of them compute; nothing tells from outside.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const startedAt = performance.now();
  await within(bridge.stop(), 20_000, 'the end of the threads');
  t.diagnostic(`stopped after ${(performance.now() - startedAt).toFixed(0)} ms`);
  for (const { code } of await Promise.all(calls)) assert.equal(code, 'ERR_RPC_CANCELLED');
});

test('a module that does not load in its thread fails the start', async () => {
  for (const [from, message] of [
    ['./throws.mjs', /^bridge\.modules\.bad: \.\/throws\.mjs cannot be loaded: no licence key$/],
    ['./exits.mjs', /^bridge\.modules\.bad: its thread ended while it loaded$/],
    ['not-installed', /^bridge\.modules\.bad: the package not-installed cannot be found/],
  ] as const) {
    const error = await startBridge({ bad: { from, allow: ['()'], threads: 2 } }).then(
      () => assert.fail('it started'),
      (thrown: unknown) => thrown,
    );
    assert.ok(isRrtsError(error) && error.code === 'ERR_BRIDGE_MODULE', String(error));
    assert.match(error.message, message);
  }
});
