// One run after each burst of wishes, and one after the last wish in any case.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Debounce } from '../../src/core/debounce.ts';
import { eventually } from '../helpers/wait-for.ts';

/** A debounce that notes when it ran; `work` is how long a run takes. */
function debounce(quietMs: number, longestMs: number, work = 0) {
  const runs: number[] = [];
  const action = async (): Promise<void> => {
    runs.push(performance.now());
    await pause(work);
  };
  return { runs, debounce: new Debounce({ quietMs, longestMs, action }) };
}

test('a burst is one run, after its last wish', async () => {
  const { runs, debounce: subject } = debounce(40, 5000);
  let last = 0;
  for (let i = 0; i < 10; i++) {
    last = performance.now();
    subject.wish();
    await pause(5);
  }
  await eventually(() => runs.length > 0, 'a run');
  assert.ok((runs[0] ?? 0) >= last + 39, 'not before the quiet time is over');
  await pause(100);
  assert.equal(runs.length, 1);
});

test('wishes without a pause do not put it off for ever', async () => {
  const { runs, debounce: subject } = debounce(50, 150);
  const wishes = setInterval(() => subject.wish(), 5);
  await eventually(() => runs.length >= 2, 'two runs');
  clearInterval(wishes);
  subject.close();
});

test('a wish during a run leads to another one, and runs never overlap', async () => {
  const { runs, debounce: subject } = debounce(10, 1000, 60);
  subject.wish();
  await eventually(() => runs.length === 1, 'the first run');
  for (let i = 0; i < 5; i++) subject.wish();
  await eventually(() => runs.length === 2, 'the second run');
  assert.ok((runs[1] ?? 0) - (runs[0] ?? 0) >= 58, 'after the end of the first');
  await pause(150);
  assert.equal(runs.length, 2);
});

test('closed: nothing runs any more', async () => {
  const { runs, debounce: subject } = debounce(10, 1000);
  subject.wish();
  subject.close();
  subject.wish();
  await pause(50);
  assert.deepEqual(runs, []);
});
