// Medians and ratios of what was measured.

import type { BenchCase, PeerId, RatioWish } from './cases.ts';

/** One measurement of one server in one round. */
export interface Measurement {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU time of the server per request in microseconds; undefined where it cannot be known. */
  readonly cpuMicroseconds: number | undefined;
}

/** Middle, lowest and highest of some numbers. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** One row of a table. */
export interface Row {
  readonly peer: PeerId;
  readonly requestsPerSecond: Spread;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicroseconds: number | undefined;
}

/** One quotient. */
export interface Ratio extends RatioWish {
  /** Of the quotients of the rounds: both servers of a round met the same conditions. */
  readonly value: Spread;
}

/** All of one case. */
export interface CaseResult {
  readonly bench: BenchCase;
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  /** Peers that could not be measured, and why. */
  readonly missing: readonly { readonly peer: PeerId; readonly reason: string }[];
  /** Further findings, a sentence each. */
  readonly notes?: readonly string[];
}

/** Makes a row of what was measured of one server. */
export function rowOf(peer: PeerId, measured: readonly Measurement[]): Row {
  const cpu = measured.map(({ cpuMicroseconds }) => cpuMicroseconds).filter((value) => value !== undefined);
  return {
    peer,
    requestsPerSecond: spread(measured.map(({ requestsPerSecond }) => requestsPerSecond)),
    p50: spread(measured.map(({ p50 }) => p50)).median,
    p99: spread(measured.map(({ p99 }) => p99)).median,
    cpuMicroseconds: cpu.length === 0 ? undefined : spread(cpu).median,
  };
}

/** The quotients that a case asks for, as far as both sides were measured. */
export function ratiosOf(wishes: readonly RatioWish[], measured: ReadonlyMap<PeerId, readonly Measurement[]>): Ratio[] {
  return wishes.flatMap((wish) => {
    const above = measured.get(wish.of);
    const below = measured.get(wish.by);
    if (above === undefined || below === undefined) return [];
    const figure = wish.figure ?? 'requestsPerSecond';
    const quotients = above.map((measured, round) => measured[figure] / (below[round]?.[figure] ?? Number.NaN));
    return [{ ...wish, value: spread(quotients) }];
  });
}

/** @param values - at least one. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return { median: (lower + upper) / 2, lowest: sorted[0] ?? Number.NaN, highest: sorted.at(-1) ?? Number.NaN };
}
