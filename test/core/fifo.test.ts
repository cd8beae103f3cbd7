// The intrusive queue against an array as its model.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fifo, type FifoEntry } from '../../src/core/fifo.ts';

interface Item extends FifoEntry {
  readonly id: number;
}
const item = (id: number): Item => ({ id, fifoNext: undefined, fifoPrevious: undefined, fifoOwner: undefined });

test('any sequence of push, unshift, shift and remove does what an array does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('push', 'unshift', 'shift', 'remove'), fc.nat(20)), { maxLength: 60 }),
      (steps) => {
        const fifo = new Fifo<Item>();
        const items = Array.from({ length: 21 }, (_, id) => item(id));
        let model: number[] = [];
        for (const [step, id] of steps) {
          const entry = items[id] as Item;
          if (step === 'shift') assert.equal(fifo.shift()?.id, model.shift());
          else if (step === 'remove') {
            assert.equal(fifo.remove(entry), model.includes(id));
            model = model.filter((other) => other !== id);
          } else if (model.includes(id)) {
            assert.throws(() => fifo[step](entry), /queued already/);
          } else {
            fifo[step](entry);
            model[step](id);
          }
          assert.deepEqual(
            [...fifo].map((one) => one.id),
            model,
          );
          assert.equal(fifo.size, model.length);
          assert.equal(fifo.first?.id, model[0]);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('an entry of one list is not removed from another', () => {
  const one = new Fifo<Item>();
  const other = new Fifo<Item>();
  const entry = item(1);
  one.push(entry);
  assert.equal(other.remove(entry), false);
  assert.equal(one.size, 1);
});
