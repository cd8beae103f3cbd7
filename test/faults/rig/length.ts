// Whether the faults suite runs in its short form, as a part of `npm test`, or with the full counts.

import assert from 'node:assert/strict';

/** True with RUN_LONG=1. */
export const LONG = process.env['RUN_LONG'] === '1';

/** The value for the form that runs. */
export function pick<T>(short: T, long: T): T {
  return LONG ? long : short;
}

/** Asserts a count and says what was counted when it is off. */
export function atMost(value: number, limit: number, what: string): void {
  assert.ok(value <= limit, `${what}: ${value}, allowed are ${limit}`);
}
