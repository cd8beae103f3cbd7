// How long a job that failed waits for its next attempt.

import type { RetryConfig } from './config.ts';

/**
 * Milliseconds after the failed attempt number `attempt`: `delay`, then each time `multiplier` times as much, at most `max_delay`; of which
 * chance takes up to the part `jitter` away. `random` gives numbers in [0, 1).
 */
export function retryDelay(retry: RetryConfig, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(retry.maxDelay, retry.delay * retry.multiplier ** (attempt - 1));
  return Math.round(full * (1 - retry.jitter * random()));
}
