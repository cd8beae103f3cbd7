// Locks across servers: who gets one, and what happens when nobody answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '../../helpers/wait-for.ts';
import { lockService } from './lock-service.ts';

/** What must come, on a machine that is busy too; less than the minute for which locks are asked for again. */
const LATEST_MS = 30_000;
const HOUR = 3_600_000;
const never = new AbortController().signal;

test('a run is held against other servers until it is over', async () => {
  const { join } = lockService();
  const [{ lock: a }, { lock: b }] = [join(), join()];
  const held = await a.hold('nightly', never);
  assert.ok(held !== undefined);
  assert.equal(await b.hold('nightly', never), undefined);
  const waiting = b.hold('nightly', never, HOUR);
  await held.release();
  const again = await within(waiting, LATEST_MS, 'the lock that another one gave back');
  assert.ok(again !== undefined);
  await again.release();
});

test('no answer: asked again; a lock that was got by the lost attempt is ours', async () => {
  const { join, faults } = lockService();
  const [{ lock: a }, { lock: b }] = [join(), join()];
  const away = new Error('Redis does not answer');
  faults.push({ before: away }, { before: away });
  assert.equal(await within(a.acquire('x', HOUR, never), LATEST_MS, 'the third attempt'), true);
  faults.push({ after: away });
  assert.equal(await within(a.acquire('y', HOUR, never), LATEST_MS, 'the second attempt'), true);
  faults.push({ before: away });
  assert.equal(await within(b.acquire('y', HOUR, never), LATEST_MS, 'the second attempt'), false);
  faults.push({ before: away });
  assert.equal(await within(b.isHeld('y', never), LATEST_MS, 'the second attempt'), true);
});

test('a stop ends the attempts', async () => {
  const { join, faults } = lockService();
  const stop = new AbortController();
  faults.push(...Array.from({ length: 100 }, () => ({ before: new Error('Redis does not answer') })));
  const asked = join().lock.acquire('x', HOUR, stop.signal);
  setImmediate(() => stop.abort());
  await assert.rejects(within(asked, LATEST_MS, 'its end'), /Redis does not answer/);
});
