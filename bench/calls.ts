// Calls from PHP into Node: how many a second, and how long one takes.

import type { PeerId } from './cases.ts';
import type { Load, Sample } from './load.ts';
import { WrongAnswer } from './load.ts';

/** What a row of the case asks of its server. */
interface Caller {
  /** `door` is how PHP calls: in-band, or over TCP with RoadRunner's package; `call` what: an echo, or one that waits for 2 ms in Node. */
  readonly query: string;
  /** PHP processes that call at once. */
  readonly processes: number;
}

const CALLERS: Readonly<Partial<Record<PeerId, Caller>>> = {
  ping: { query: '', processes: 1 },
  pingEight: { query: '', processes: 8 },
  inBand: { query: 'door=in-band&call=echo', processes: 1 },
  goridge: { query: 'door=goridge&call=echo', processes: 1 },
  inBandEight: { query: 'door=in-band&call=echo', processes: 8 },
  waits: { query: 'door=in-band&call=wait', processes: 1 },
  waitsEight: { query: 'door=in-band&call=wait', processes: 8 },
  module: { query: 'door=in-band&call=module', processes: 1 },
};

/** What PHP counted: it calls for so many seconds, and keeps how long each call took, in nanoseconds. */
interface Counted {
  readonly calls: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * Lets the PHP processes of a row call for the time of the load. They begin together; one request keeps one of them busy.
 * @throws WrongAnswer when one does not answer with its count
 */
export async function measureCalls(peer: PeerId, load: Load, signal: AbortSignal): Promise<Sample> {
  const { query, processes } = CALLERS[peer] as Caller;
  // A common begin: requests that came a little later would still call when the first have ended.
  const begin = Date.now() / 1000 + 0.1;
  const url = `${load.url}?${query}&seconds=${load.seconds}&begin=${begin}`;
  const counted = await Promise.all(Array.from({ length: processes }, () => count(url, load.seconds, signal)));
  const calls = counted.reduce((sum, one) => sum + one.calls, 0);
  const rate = counted.reduce((sum, one) => sum + one.calls / one.seconds, 0);
  const mean = (of: (one: Counted) => number): number =>
    counted.reduce((sum, one) => sum + of(one), 0) / processes / 1e6;
  return { requestsPerSecond: rate, p50: mean((one) => one.p50), p99: mean((one) => one.p99), requests: calls };
}

async function count(url: string, seconds: number, signal: AbortSignal): Promise<Counted> {
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000 + 30_000)]),
  });
  const text = await response.text();
  if (response.status !== 200) throw new WrongAnswer(`${url}: status ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as Counted;
}
