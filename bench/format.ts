// Numbers and rows as people read them; the terminal and the report share them.

import { PEERS } from './cases.ts';
import type { CaseResult, Ratio, Row } from './figures.ts';

/** The columns of a table. */
export const COLUMNS = ['server', 'requests/s', 'lowest - highest', 'p50', 'p99', 'CPU per request'] as const;

/** The cells of a row. */
export function cells(row: Row): string[] {
  const { median, lowest, highest } = row.requestsPerSecond;
  const cpu = row.cpuMicroseconds;
  return [
    PEERS[row.peer],
    whole(median),
    `${whole(lowest)} - ${whole(highest)}`,
    milliseconds(row.p50),
    milliseconds(row.p99),
    cpu === undefined ? '-' : `${whole(cpu)} µs`,
  ];
}

/** All rows of a case, those that could not be measured included. */
export function tableOf(result: CaseResult): string[][] {
  const missing = result.missing.map(({ peer, reason }) => [PEERS[peer], `not measured: ${reason}`, '', '', '', '']);
  return [...result.rows.map(cells), ...missing];
}

/** For example "rrts native, lean / bare node:http = 0.47 (0.44 - 0.49)". */
export function ratioText({ of, by, value, goal, figure }: Ratio): string {
  const range = `${decimals(value.lowest)} - ${decimals(value.highest)}`;
  const what = figure === undefined ? '' : `${figure}, `;
  const text = `${what}${PEERS[of]} / ${PEERS[by]} = ${decimals(value.median)} (${range})`;
  if (goal === undefined) return text;
  const reached = figure === undefined ? value.median >= goal : value.median <= goal;
  return `${text}; goal: at ${figure === undefined ? 'least' : 'most'} ${goal}, ${reached ? 'reached' : 'not reached'}`;
}

/** 12345.6 as "12 346". */
export function whole(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

function milliseconds(value: number): string {
  if (Number.isNaN(value)) return '-';
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}

function decimals(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
