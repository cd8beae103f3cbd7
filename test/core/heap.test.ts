// The heap gives the least first, whatever the order of pushes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from '../../src/core/heap.ts';

const drain = (heap: Heap<number>): number[] => {
  const out: number[] = [];
  for (let next = heap.shift(); next !== undefined; next = heap.shift()) out.push(next);
  return out;
};

test('it sorts, and removes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (numbers, limit) => {
      const heap = new Heap<number>((a, b) => a < b);
      for (const number of numbers) heap.push(number);
      assert.equal(heap.size, numbers.length);
      assert.equal(heap.first, numbers.length === 0 ? undefined : Math.min(...numbers));
      assert.equal(
        heap.count((number) => number > limit),
        numbers.filter((number) => number > limit).length,
      );
      const removed = heap.removeAll((number) => number > limit);
      const sorted = (list: number[]): number[] => [...list].sort((a, b) => a - b);
      assert.deepEqual(sorted(removed), sorted(numbers.filter((number) => number > limit)));
      assert.deepEqual(drain(heap), sorted(numbers.filter((number) => number <= limit)));
    }),
  );
});
