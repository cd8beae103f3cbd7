// When http.limits.memory refuses a request, and when it does not (reliability case O22).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type GuardedFront, MemoryGuard } from '../../../src/plugins/http/memory-guard.ts';
import { httpConfig, startRig, statusOf } from './http-rig.ts';
import { reply } from './stub-pool.ts';

const MB = 1024 * 1024;

function frontOf(memory: number, inFlight: number, unsent: readonly number[] = []): GuardedFront {
  const connections = new Set(unsent.map((unsentBytes) => ({ unsentBytes })));
  return { config: httpConfig({ limits: { memory } }), metrics: { inFlight }, connections };
}

describe('the guard', () => {
  test('says full when more is used and something runs, or is being sent', () => {
    assert.equal(new MemoryGuard(() => 11).isFull(frontOf(10, 1)), true);
    assert.equal(new MemoryGuard(() => 11).isFull(frontOf(10, 0, [0, 5])), true);
    assert.equal(new MemoryGuard(() => 10).isFull(frontOf(10, 1, [5])), false);
  });

  test('lets one in while nothing runs: waiting would change nothing', () => {
    assert.equal(new MemoryGuard(() => 11).isFull(frontOf(10, 0, [0, 0])), false);
  });

  test('0 is no limit, and costs nothing', () => {
    const guard = new MemoryGuard(() => assert.fail('it looked'));
    assert.equal(guard.isFull(frontOf(0, 100)), false);
  });

  test('looks ten times a second at most', () => {
    let [now, used, looks] = [0, 11, 0];
    const guard = new MemoryGuard(
      () => {
        looks++;
        return used;
      },
      () => now,
    );
    for (now = 0; now < 100; now += 10) assert.equal(guard.isFull(frontOf(10, 1)), true);
    used = 9;
    assert.equal(guard.isFull(frontOf(10, 1)), false);
    assert.equal(looks, 2);
  });
});

test('a request over the limit is 503 with Retry-After, those that run go on, and later ones are served', async () => {
  const rig = await startRig({ limits: { memory: 1 } });
  const first = await rig.connect();
  first.send('GET /first HTTP/1.1\r\nHost: h\r\n\r\n');
  await rig.pool.until((pool) => pool.submitted.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 120)); // until the guard looks again
  const refused = await rig.exchange('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n');
  assert.equal(statusOf(refused), 503);
  assert.match(refused, /\r\nRetry-After: 1\r\n/);
  assert.match(refused, /\r\nConnection: close\r\n/);
  assert.equal(rig.pool.submitted.length, 1);
  assert.deepEqual(
    rig.log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message),
    ['http.limits.memory is used up; new requests get 503'],
  );
  const [request] = rig.pool.submitted;
  assert.ok(request !== undefined);
  reply(request, 200, {}, Buffer.alloc(MB));
  await first.until((received) => received.length > MB, 'the whole answer');
  await new Promise((resolve) => setTimeout(resolve, 120));
  rig.pool.answer = (later) => reply(later, 200, {}, 'again');
  assert.match(await rig.exchange('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'), /again$/);
  first.destroy();
  await rig.close();
});
