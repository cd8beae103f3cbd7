// Locks across servers: who gets an occurrence, for how long, and what happens when nobody answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../src/core/logger.ts';
import { SharedLock } from '../../../src/plugins/cron/shared-lock.ts';
import { MemoryLockStore } from '../../../src/plugins/lock/memory/memory-lock-store.ts';
import { LockMetrics } from '../../../src/plugins/lock/metrics.ts';
import { lockMethods } from '../../../src/plugins/lock/service.ts';
import { within } from '../../helpers/wait-for.ts';
import { fakeContext } from '../fake-context.ts';

const AT = Date.parse('2026-06-01T03:00:00Z');
const HOUR = 3_600_000;
const never = new AbortController().signal;

/** The lock service, and faults to put between it and its caller. */
function service() {
  const context = fakeContext(() => []);
  const store = new MemoryLockStore({ maxResources: 100, maxWaiting: 100 });
  const metrics = new LockMetrics(context.metrics, () => 0);
  context.registerRpc('lock', lockMethods({ store, metrics, logger: silentLogger }));
  const calls: [string, unknown][] = [];
  const faults: { before?: Error; after?: Error }[] = [];
  const call = async (method: string, argument: unknown): Promise<unknown> => {
    calls.push([method, argument]);
    const { before, after } = faults.shift() ?? {};
    if (before !== undefined) throw before;
    const answer = await context.callRpc(method, argument);
    if (after !== undefined) throw after;
    return answer;
  };
  return { calls, faults, make: () => new SharedLock(call, silentLogger) };
}

test('an occurrence is one server’s; the next one is free; one that came to nothing can be had again', async () => {
  const { make, calls } = service();
  const [a, b] = [make(), make()];
  assert.equal(await a.claim('nightly', AT, AT + 24 * HOUR, never), true);
  assert.equal(await b.claim('nightly', AT, AT + 24 * HOUR, never), false);
  assert.equal(await b.claim('nightly', AT + 24 * HOUR, AT + 48 * HOUR, never), true);
  assert.equal(await b.claim('other', AT, AT + 1000, never), true);
  await a.unclaim('nightly', AT);
  assert.equal(await b.claim('nightly', AT, AT + 24 * HOUR, never), true);
  const asked = calls.map(([, argument]) => argument as { resource: string; ttl?: number });
  assert.deepEqual(
    [asked[0]?.resource, asked[0]?.ttl, asked[3]?.ttl],
    ['cron:nightly:2026-06-01T03:00:00.000Z', 25 * HOUR * 1000, (HOUR + 1000) * 1000],
  );
});

test('a run is held against other servers until it is over', async () => {
  const { make } = service();
  const [a, b] = [make(), make()];
  const held = await a.hold('nightly', never);
  assert.ok(held !== undefined);
  assert.equal(await b.hold('nightly', never), undefined);
  await held.release();
  const again = await b.hold('nightly', never);
  assert.ok(again !== undefined);
  await again.release();
});

test('no answer: asked again; a lock that was got by the lost attempt is ours', async () => {
  const { make, faults } = service();
  const [a, b] = [make(), make()];
  const away = new Error('Redis does not answer');
  faults.push({ before: away }, { before: away });
  assert.equal(await within(a.claim('x', AT, AT, never), 5000, 'the third attempt'), true);
  faults.push({ after: away });
  assert.equal(await within(a.claim('y', AT, AT, never), 5000, 'the second attempt'), true);
  faults.push({ before: away });
  assert.equal(await within(b.claim('y', AT, AT, never), 5000, 'the second attempt'), false);
});

test('a stop ends the attempts', async () => {
  const { make, faults } = service();
  const stop = new AbortController();
  faults.push(...Array.from({ length: 100 }, () => ({ before: new Error('Redis does not answer') })));
  const claim = make().claim('x', AT, AT, stop.signal);
  setImmediate(() => stop.abort());
  await assert.rejects(within(claim, 2000, 'its end'), /Redis does not answer/);
});
