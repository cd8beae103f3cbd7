// One round at a time; who asks during a round gets the next.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rounds } from '../../src/core/rounds.ts';

function rounds() {
  const ends: ((error?: Error) => void)[] = [];
  let number = 0;
  const subject = new Rounds(() => {
    const mine = ++number;
    return new Promise<number>((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve(mine) : reject(error)));
    });
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { subject, ends, turn, begun: () => number };
}

test('calls during a round share the one that follows it', async () => {
  const { subject, ends, turn, begun } = rounds();
  const first = subject.run();
  const others = [subject.run(), subject.run(), subject.run()];
  assert.equal(begun(), 1);
  ends[0]?.();
  assert.equal(await first, 1);
  await turn();
  assert.equal(begun(), 2);
  ends[1]?.();
  assert.deepEqual(await Promise.all(others), [2, 2, 2]);
});

test('a round that fails fails for those who asked for it, and the next one runs', async () => {
  const { subject, ends, turn } = rounds();
  const first = subject.run();
  const second = subject.run();
  ends[0]?.(new Error('no'));
  await assert.rejects(first, /no/);
  await turn();
  ends[1]?.();
  assert.equal(await second, 2);
});
