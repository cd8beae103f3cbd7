// Looks at something all the time while a test does its work.

import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 20;

/** Looks every 20 ms until the returned function is called, which settles when the last look is over, or rejects as a look did. */
export function lookAllTheTime(look: () => void | Promise<void>): () => Promise<void> {
  const enough = new AbortController();
  const run = async () => {
    while (!enough.signal.aborted) {
      await look();
      await pause(EVERY_MS, undefined, { signal: enough.signal });
    }
  };
  const done = run().catch((error: unknown) => {
    if (!enough.signal.aborted) throw error;
  });
  return () => {
    enough.abort();
    return done;
  };
}
