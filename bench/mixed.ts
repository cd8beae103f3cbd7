// A load of fast requests with a slow one among every twenty: what do the fast ones notice?

import { Pool } from 'undici';
import type { Load, Sample } from './load.ts';
import { WrongAnswer } from './load.ts';
import type { Options } from './options.ts';

/** One request in so many, by chance, goes to {@link SLOW_PATH}. */
const SLOW_SHARE = 20;
/** Takes 50 ms. */
const SLOW_PATH = '/slow';

/**
 * Like `measure`, but the percentiles are those of the fast requests. wrk cannot tell two kinds apart; the slow requests keep the
 * rate far below what this process can ask for.
 * @throws WrongAnswer for an answer other than 200, or none
 */
export async function measureMixed(load: Load, options: Options, signal: AbortSignal): Promise<Sample> {
  const { origin, pathname } = new URL(load.url);
  const pool = new Pool(origin, { connections: options.connections, pipelining: 1, headersTimeout: 10_000 });
  const end = performance.now() + load.seconds * 1000;
  const fast: number[] = [];
  let requests = 0;
  const client = async (seed: number): Promise<void> => {
    const random = randomNumbers(seed);
    while (performance.now() < end) {
      signal.throwIfAborted();
      const slow = random() < 1 / SLOW_SHARE;
      const begun = performance.now();
      const { statusCode, body } = await pool.request({ path: slow ? SLOW_PATH : pathname, method: 'GET' });
      await body.dump();
      if (statusCode !== 200) throw new WrongAnswer(`${load.url}: status ${statusCode}`);
      if (!slow) fast.push(performance.now() - begun);
      requests++;
    }
  };
  const begun = performance.now();
  try {
    await Promise.all(Array.from({ length: options.connections }, (_, index) => client(index)));
  } finally {
    await pool.destroy();
  }
  const seconds = (performance.now() - begun) / 1000;
  fast.sort((left, right) => left - right);
  const percentile = (part: number): number => fast[Math.ceil(fast.length * part) - 1] ?? Number.NaN;
  return { requestsPerSecond: requests / seconds, p50: percentile(0.5), p99: percentile(0.99), requests };
}

/** The same numbers in [0, 1) for each server (mulberry32): clients that took turns would fall into step, and the percentile with them. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
