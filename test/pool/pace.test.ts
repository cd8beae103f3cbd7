// The pace of a pool: a few slow requests do not count, many do, and they are forgotten.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../src/pool/pace.ts';

test('one slow request in two hundred is even, one in twenty is not, and it passes', () => {
  const pace = new Pace();
  assert.equal(pace.isEven, true);
  let uneven = 0;
  for (let i = 1; i <= 10_000; i++) {
    pace.note(i % 200 === 0 ? 50 : 1);
    if (!pace.isEven) uneven++;
  }
  assert.equal(uneven, 0);
  for (let i = 1; i <= 2000; i++) pace.note(i % 20 === 0 ? 50 : 1);
  assert.equal(pace.isEven, false);
  for (let i = 1; i <= 2000; i++) pace.note(1);
  assert.equal(pace.isEven, true);
});
