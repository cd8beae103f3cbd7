// Waiting with a deadline: for a promise, or for something outside this process that sends no event.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 10;
/** Only what never happens takes so long, however busy the machine is. What has to be quick is measured. */
const DEADLINE_MS = 20_000;

/** The value of `promise`, or a failure that says what did not come within `ms`. */
export async function within<T>(promise: Promise<T>, ms: number, what: string | (() => string)): Promise<T> {
  const late = new AbortController();
  const deadline = pause(ms, undefined, { signal: late.signal }).then(() => {
    const text = typeof what === 'string' ? what : what();
    throw new assert.AssertionError({ message: `${text} did not happen within ${ms} ms` });
  });
  deadline.catch(() => {});
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    late.abort();
  }
}

/**
 * The first answer of `look` that is neither undefined nor false. For the state of other processes and files, which
 * send no event; where there is one, wait for that.
 */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  ms = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new assert.AssertionError({ message: `${what}: not within ${ms} ms` });
    await pause(LOOK_EVERY_MS);
  }
}
