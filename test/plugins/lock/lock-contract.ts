// What every store of locks does: one suite, run for each.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { LockRequest, LockStore } from '../../../src/plugins/lock/lock-store.ts';
import { eventually, within } from '../../helpers/wait-for.ts';

/** How a test gets stores of one kind. */
export interface LockHarness {
  /** A started store without locks that ends with the test. */
  open(t: TestContext): Promise<LockStore>;
}

const HOUR = 3_600_000;

/** A request for an hour that does not wait. */
export function wish(resource: string, id: string, more: Partial<LockRequest> = {}): LockRequest {
  const { signal } = new AbortController();
  return { resource, id, mode: 'exclusive', ttlMs: HOUR, waitMs: 1, signal: () => signal, ...more };
}

const shared = { mode: 'shared' } as const;

/** Registers the tests of the contract. */
export function lockContract(name: string, { open }: LockHarness): void {
  test(`${name}: exclusive: one holder, until the release by the right id`, async (t) => {
    const store = await open(t);
    assert.equal(await store.acquire(wish('r', 'a')), true);
    assert.equal(await store.acquire(wish('r', 'b')), false);
    assert.equal(await store.acquire(wish('r', 'a')), false, 'not reentrant');
    assert.equal(await store.acquire(wish('r', 'b', shared)), false);
    assert.equal(await store.acquire(wish('other', 'b')), true, 'another resource is another lock');
    assert.equal(await store.release('r', 'b'), false);
    assert.equal(await store.release('nothing', 'a'), false);
    assert.equal(await store.exists('r', 'a'), true);
    assert.equal(await store.release('r', 'a'), true);
    assert.equal(await store.release('r', 'a'), false);
    assert.equal(await store.acquire(wish('r', 'b')), true);
  });

  test(`${name}: shared: many readers, no writer among them`, async (t) => {
    const store = await open(t);
    for (let reader = 0; reader < 20; reader++) {
      assert.equal(await store.acquire(wish('r', `reader ${reader}`, shared)), true);
    }
    assert.equal(await store.acquire(wish('r', 'reader 0', shared)), true, 'a reader may ask again');
    assert.equal(await store.acquire(wish('r', 'writer')), false);
    for (let reader = 0; reader < 19; reader++) assert.equal(await store.release('r', `reader ${reader}`), true);
    assert.equal(await store.release('r', 'reader 0'), false);
    assert.equal(await store.acquire(wish('r', 'writer')), false, 'one reader is left');
    assert.equal(await store.release('r', 'reader 19'), true);
    assert.equal(await store.acquire(wish('r', 'writer')), true);
  });

  test(`${name}: the sole reader becomes the writer; one of several does not, and waits for the others`, async (t) => {
    const store = await open(t);
    await store.acquire(wish('r', 'a', shared));
    assert.equal(await store.acquire(wish('r', 'a')), true);
    assert.equal(await store.acquire(wish('r', 'b', shared)), false, 'it is exclusive now');
    assert.equal(await store.release('r', 'a'), true);
    assert.equal(await store.exists('r', '*'), false, 'one release is enough');
    await store.acquire(wish('r', 'a', shared));
    await store.acquire(wish('r', 'b', shared));
    assert.equal(await store.acquire(wish('r', 'a')), false);
    const promoted = store.acquire(wish('r', 'a', { waitMs: 5000 }));
    await eventually(() => store.waiting === 1, 'the wait');
    await store.release('r', 'b');
    assert.equal(await within(promoted, 20_000, 'the promotion'), true);
    assert.equal(await store.acquire(wish('r', 'c', shared)), false);
  });

  test(`${name}: who waits gets the lock when it is released, and not later than the wait`, async (t) => {
    const store = await open(t);
    await store.acquire(wish('r', 'a'));
    const second = store.acquire(wish('r', 'b', { waitMs: 10_000 }));
    await eventually(() => store.waiting === 1, 'the wait');
    await store.release('r', 'a');
    assert.equal(await within(second, 20_000, 'the lock'), true);
    const begin = performance.now();
    assert.equal(await store.acquire(wish('r', 'c', { waitMs: 100 })), false);
    const waited = performance.now() - begin;
    assert.ok(waited >= 90 && waited < 9000, `waited ${waited} ms`);
    assert.equal(store.waiting, 0);
  });

  test(`${name}: a lock ends by its ttl, for one who waits as well`, async (t) => {
    const store = await open(t);
    const begin = performance.now();
    await store.acquire(wish('r', 'a', { ttlMs: 150 }));
    await store.acquire(wish('s', 'a', { ttlMs: 150, ...shared }));
    assert.equal(await within(store.acquire(wish('r', 'b', { waitMs: 5000 })), 20_000, 'the lock'), true);
    assert.ok(performance.now() - begin >= 145, 'not before its end');
    await eventually(async () => !(await store.exists('s', '*')), 'the end of the reader');
    assert.equal(await store.release('r', 'a'), false, 'it is not theirs any more');
    assert.equal(await store.exists('r', 'b'), true);
  });

  test(`${name}: the ttl is changed, shorter and longer, by the holder only`, async (t) => {
    const store = await open(t);
    for (const mode of ['exclusive', 'shared'] as const) {
      const resource = `r ${mode}`;
      await store.acquire(wish(resource, 'a', { ttlMs: 120, mode }));
      assert.equal(await store.updateTtl(resource, 'a', HOUR), true);
      assert.equal(await store.updateTtl(resource, 'b', 1), false);
      assert.equal(await store.updateTtl('nothing', 'a', 1), false);
      // A wait over the old end proves that it is gone; there is no event for what does not happen.
      await pause(180);
      assert.equal(await store.exists(resource, 'a'), true, mode);
      assert.equal(await store.updateTtl(resource, 'a', 30), true);
      await eventually(async () => !(await store.exists(resource, '*')), 'the new end', 20_000);
      assert.equal(await store.updateTtl(resource, 'a', HOUR), false, 'what has ended stays ended');
    }
  });

  test(`${name}: a ttl of a year does not end at once`, async (t) => {
    const store = await open(t);
    await store.acquire(wish('r', 'a', { ttlMs: 365 * 24 * HOUR }));
    await store.acquire(wish('s', 'a', { ttlMs: 365 * 24 * HOUR, ...shared }));
    await pause(30);
    assert.deepEqual([await store.exists('r', 'a'), await store.exists('s', 'a')], [true, true]);
  });

  test(`${name}: force release takes it from whoever holds it`, async (t) => {
    const store = await open(t);
    assert.equal(await store.forceRelease('r'), false);
    await store.acquire(wish('r', 'a'));
    const next = store.acquire(wish('r', 'b', { waitMs: 5000 }));
    await eventually(() => store.waiting === 1, 'the wait');
    assert.equal(await store.forceRelease('r'), true);
    assert.equal(await within(next, 20_000, 'the lock of the next'), true);
    assert.equal(await store.release('r', 'a'), false);
    for (const id of ['x', 'y', 'z']) await store.acquire(wish('s', id, shared));
    assert.equal(await store.forceRelease('s'), true);
    assert.equal(await store.exists('s', '*'), false);
  });

  test(`${name}: exists: this holder, another, anybody`, async (t) => {
    const store = await open(t);
    assert.equal(await store.exists('r', '*'), false);
    await store.acquire(wish('r', 'a', shared));
    await store.acquire(wish('r', 'b', shared));
    await store.acquire(wish('s', 'a'));
    const seen = ['a', 'b', 'c', '*'].map((id) => store.exists('r', id));
    assert.deepEqual(await Promise.all(seen), [true, true, false, true]);
    assert.deepEqual(await Promise.all(['a', 'b', '*'].map((id) => store.exists('s', id))), [true, false, true]);
  });

  test(`${name}: names with odd bytes are names`, async (t) => {
    const store = await open(t);
    const names = ['{a}', 'a}', 'a:writer', 'a', ' ', 'ключ', '\0', '__proto__', 'x'.repeat(5000)];
    for (const resource of names) assert.equal(await store.acquire(wish(resource, `id of ${resource}`)), true);
    for (const resource of names) assert.equal(await store.exists(resource, `id of ${resource}`), true);
    for (const resource of names) assert.equal(await store.release(resource, `id of ${resource}`), true);
    t.diagnostic(`${names.length} names`);
  });

  test(`${name}: whoever goes while waiting never gets the lock`, async (t) => {
    const store = await open(t);
    await store.acquire(wish('r', 'holder'));
    const callers = Array.from({ length: 30 }, (_, index) => {
      const gone = new AbortController();
      const answer = store.acquire(wish('r', `caller ${index}`, { waitMs: 20_000, signal: () => gone.signal }));
      return { gone, answer };
    });
    await eventually(() => store.waiting === 30, '30 that wait');
    for (const { gone } of callers) gone.abort();
    const answers = await within(Promise.all(callers.map(({ answer }) => answer)), 20_000, 'the end of all waits');
    assert.deepEqual(new Set(answers), new Set([false]));
    assert.equal(store.waiting, 0);
    await store.release('r', 'holder');
    assert.equal(await store.exists('r', '*'), false);
    const already = AbortSignal.abort();
    await store.acquire(wish('r', 'holder'));
    assert.equal(await store.acquire(wish('r', 'dead', { waitMs: 20_000, signal: () => already })), false);
    t.diagnostic('30 callers gone, no lock given');
  });

  test(`${name}: 200 callers, never two holders`, async (t) => {
    const store = await open(t);
    let [inside, most, held] = [0, 0, 0];
    const begin = performance.now();
    const callers = Array.from({ length: 200 }, async (_, index) => {
      const id = `caller ${index}`;
      assert.equal(await store.acquire(wish('r', id, { waitMs: 60_000 })), true, id);
      most = Math.max(most, ++inside);
      held++;
      await pause(index % 3);
      inside--;
      assert.equal(await store.release('r', id), true, id);
    });
    await within(Promise.all(callers), 60_000, '200 locks');
    assert.deepEqual([most, held, store.waiting], [1, 200, 0]);
    t.diagnostic(`${held} callers held it, at most ${most} at once, in ${Math.round(performance.now() - begin)} ms`);
  });

  test(`${name}: readers and writers at once: readers together, a writer alone`, async (t) => {
    const store = await open(t);
    let [readers, writers, mostReaders, wrong] = [0, 0, 0, 0];
    const callers = Array.from({ length: 200 }, async (_, index) => {
      const id = `caller ${index}`;
      const mode = index % 5 === 0 ? 'exclusive' : 'shared';
      assert.equal(await store.acquire(wish('r', id, { mode, waitMs: 60_000 })), true, id);
      if (mode === 'shared') mostReaders = Math.max(mostReaders, ++readers);
      else writers++;
      if (writers > 1 || (writers === 1 && readers > 0)) wrong++;
      await pause(1 + (index % 3));
      if (mode === 'shared') readers--;
      else writers--;
      assert.equal(await store.release('r', id), true, id);
    });
    await within(Promise.all(callers), 60_000, '200 locks');
    assert.equal(wrong, 0);
    assert.ok(mostReaders > 1, 'readers were together');
    t.diagnostic(`40 writers, 160 readers, ${mostReaders} readers at once, ${wrong} faults`);
  });

  test(`${name}: the end of the store ends all waits`, async (t) => {
    const store = await open(t);
    await store.acquire(wish('r', 'a'));
    const waits = Array.from({ length: 5 }, (_, index) => store.acquire(wish('r', `w${index}`, { waitMs: 60_000 })));
    await eventually(() => store.waiting === 5, 'five that wait');
    const settled = Promise.allSettled(waits);
    await store.stop();
    for (const result of await within(settled, 20_000, 'their end')) {
      assert.ok(result.status === 'rejected' || result.value === false);
    }
  });
}
