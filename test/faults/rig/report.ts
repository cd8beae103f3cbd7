// The line with which a test of the faults suite proves that it did its work.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

/** Counts, milliseconds, bytes: whatever tells how much was done. */
export type Facts = Readonly<Record<string, number | string>>;

/**
 * Prints one line, `R01 did: requests 20,000, kills 251`, and fails when less was done than `least` demands: a test that
 * killed nobody proves nothing. Call it before the assertions about the outcome, so that a failure shows it too.
 */
export function report(t: TestContext, facts: Facts, least: Readonly<Record<string, number>> = {}): void {
  const name = t.name.split(/[ :]/)[0] ?? t.name;
  const text = Object.entries(facts).map(([key, value]) => `${key} ${format(value)}`);
  t.diagnostic(`${name} did: ${text.join(', ')}`);
  for (const [key, minimum] of Object.entries(least)) {
    const value = Number(facts[key]);
    assert.ok(value >= minimum, `the test did too little: ${key} ${value}, needed are ${minimum}`);
  }
}

function format(value: number | string): string {
  if (typeof value === 'string') return value;
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 });
}
