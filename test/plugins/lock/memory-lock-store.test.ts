// Locks in memory: the contract, and what only this store promises: fair order, bounds, nothing left over.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { LockTable, type Waiter } from '../../../src/plugins/lock/memory/lock-table.ts';
import { MemoryLockStore } from '../../../src/plugins/lock/memory/memory-lock-store.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { lockContract, wish } from './lock-contract.ts';

async function open(t: TestContext, limits = {}): Promise<MemoryLockStore> {
  const store = new MemoryLockStore({ maxResources: 10_000, maxWaiting: 1000, ...limits });
  t.after(() => store.stop());
  return store;
}

lockContract('memory', { open });

test('first come, first served; readers do not overtake a writer that waits', async (t) => {
  const store = await open(t);
  await store.acquire(wish('r', 'first reader', { mode: 'shared' }));
  const order: string[] = [];
  const come = (id: string, mode: 'shared' | 'exclusive') =>
    store.acquire(wish('r', id, { mode, waitMs: 10_000 })).then((held) => held && order.push(id));
  const all = [
    come('writer 1', 'exclusive'),
    come('reader 2', 'shared'),
    come('reader 3', 'shared'),
    come('writer 4', 'exclusive'),
    come('reader 5', 'shared'),
  ];
  await eventually(() => store.waiting === 5, 'five that wait');
  for (const id of ['first reader', 'writer 1', 'reader 2', 'reader 3', 'writer 4', 'reader 5']) {
    await eventually(() => id === 'first reader' || order.includes(id), `the turn of ${id}`);
    assert.equal(await store.release('r', id), true, id);
  }
  await Promise.all(all);
  assert.deepEqual(order, ['writer 1', 'reader 2', 'reader 3', 'writer 4', 'reader 5']);
});

test('when the head of the queue goes, those behind it do not wait for its time', async (t) => {
  const store = await open(t);
  await store.acquire(wish('r', 'reader', { mode: 'shared' }));
  const gone = new AbortController();
  const writer = store.acquire(wish('r', 'writer', { waitMs: 60_000, signal: () => gone.signal }));
  const behind = store.acquire(wish('r', 'reader 2', { mode: 'shared', waitMs: 60_000 }));
  await eventually(() => store.waiting === 2, 'two that wait');
  gone.abort();
  assert.deepEqual(await within(Promise.all([writer, behind]), 20_000, 'both answers'), [false, true]);
});

test('what is held and who waits is bounded, and nothing stays of what is over', async (t) => {
  const store = await open(t, { maxResources: 3, maxWaiting: 2 });
  for (const resource of ['a', 'b', 'c']) await store.acquire(wish(resource, 'x'));
  await assert.rejects(store.acquire(wish('d', 'x')), { code: 'ERR_STORE', message: '3 resources are locked already' });
  const waits = [1, 2].map((id) => store.acquire(wish('a', `${id}`, { waitMs: 50 })));
  await assert.rejects(store.acquire(wish('a', '3')), {
    code: 'ERR_STORE',
    message: '2 requests wait for locks already',
  });
  assert.deepEqual(await Promise.all(waits), [false, false]);
  for (const resource of ['a', 'b', 'c']) await store.release(resource, 'x');
  await store.acquire(wish('e', 'x', { ttlMs: 20 }));
  await eventually(() => store.resources === 0, 'no resource that is left');
});

test('the rules, for any sequence: a writer is alone, and nobody waits for nothing', (t) => {
  let steps = 0;
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const action = fc.oneof(
    fc.record({ kind: fc.constant('shared' as const), id }),
    fc.record({ kind: fc.constant('exclusive' as const), id }),
    fc.record({ kind: fc.constant('release' as const), id }),
    fc.record({ kind: fc.constant('leave' as const), id }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const table = new LockTable();
      const waiting = new Set<Waiter>();
      for (const { kind, id: who } of actions) {
        steps++;
        if (kind === 'release') table.release(who);
        else if (kind === 'leave') {
          for (const waiter of [...waiting].filter((one) => one.id === who)) {
            table.leave(waiter);
            waiting.delete(waiter);
          }
        } else if (!table.take({ id: who, mode: kind })) {
          const waiter: Waiter = { id: who, mode: kind, ttlMs: 1, grant: () => undefined };
          waiting.add(waiter);
          table.wait(waiter);
        }
        for (const waiter of table.admit()) assert.ok(waiting.delete(waiter), 'admitted once, and only who waits');
        const modes = table.holders().map((holder) => table.modeOf(holder));
        assert.ok(modes.every((mode) => mode === 'shared') || modes.length === 1, 'a writer is alone');
        assert.ok(table.isHeld || waiting.size === 0, 'nobody waits for what nobody holds');
      }
    }),
    { numRuns: 2000 },
  );
  t.diagnostic(`${steps} steps in 2000 sequences`);
});
