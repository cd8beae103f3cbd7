// The command line of the benchmark.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';

/** What was typed makes no sense; the message says what would. */
export class UsageError extends Error {}

/** How to measure. */
export interface Options {
  readonly rounds: number;
  /** Length of one measurement, and of the warm-up before the first, in seconds. */
  readonly seconds: number;
  readonly warmup: number;
  readonly workers: number;
  readonly connections: number;
  /** Threads of wrk. */
  readonly threads: number;
  readonly cases: readonly string[];
  /** Write docs/benchmark.md and its charts. */
  readonly write: boolean;
  readonly help: boolean;
}

/** The text of --help. */
export const HELP = `npm run bench -- [options]

  --rounds N        measurements per server, interleaved (5; with --quick 2)
  --seconds N       length of one measurement (5; with --quick 2)
  --cases A,B       only these: ${CASES.map(({ id }) => id).join(', ')}
  --workers N       PHP processes, of rrts and of php-fpm alike (4)
  --connections N   connections that wrk holds open (64)
  --threads N       threads of wrk (1 on up to three cores, else 2)
  --quick           a first impression in about two minutes; writes nothing
  --write           write docs/benchmark.md and docs/bench-*.svg; without --quick and --cases that is the default;
                    with --cases it replaces their sections
`;

/** @throws UsageError */
export function readOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  const quick = values.quick === true;
  const cases = values.cases === undefined ? CASES.map(({ id }) => id) : values.cases.split(',');
  for (const id of cases) {
    if (!CASES.some((known) => known.id === id)) throw new UsageError(`--cases: there is no "${id}"\n\n${HELP}`);
  }
  return {
    rounds: count('rounds', values.rounds, quick ? 2 : 5),
    seconds: count('seconds', values.seconds, quick ? 2 : 5),
    warmup: quick ? 1 : 2,
    workers: count('workers', values.workers, 4),
    connections: count('connections', values.connections, 64),
    threads: count('threads', values.threads, availableParallelism() <= 3 ? 1 : 2),
    cases,
    write: values.write ?? (!quick && values.cases === undefined),
    help: values.help === true,
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const numbers = { rounds: text, seconds: text, workers: text, connections: text, threads: text };
  const options = { ...numbers, cases: text, quick: flag, write: flag, help: flag };
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${HELP}`);
  }
}

function count(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name}: a whole number from 1 on is needed`);
  return value;
}
