// The benchmark: measures every case, prints the figures and writes the report.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRabbitMq } from '../test/helpers/rabbitmq.ts';
import { type BenchCase, CASES, PEERS, type PeerId } from './cases.ts';
import { chart, chartFile } from './chart.ts';
import type { CaseResult } from './figures.ts';
import { COLUMNS, ratioText, tableOf, whole } from './format.ts';
import { WrongAnswer } from './load.ts';
import { type Facts, machineFacts } from './machine.ts';
import { markdown, markdownWith } from './markdown.ts';
import { HELP, type Options, readOptions, UsageError } from './options.ts';
import { missingQueues } from './queues/missing.ts';
import { runCase, type Surroundings } from './run-case.ts';
import { copySymfony, openWorkspace } from './workspace.ts';

/** What the script that set everything up knows. */
export interface BenchmarkOptions {
  readonly argv: readonly string[];
  readonly root: string;
  readonly cli: string;
  /** Where RoadRunner's packages are, or why they are not there. */
  readonly roadRunner: { readonly vendor?: string; readonly reason?: string };
  readonly signal: AbortSignal;
}

/** Runs what the command line asks for. @returns the exit code: 0, 1 for a wrong answer, 64 for a wrong option, 130 after the signal. */
export async function benchmark(context: BenchmarkOptions): Promise<number> {
  try {
    const options = readOptions(context.argv);
    if (options.help) console.log(HELP);
    else await run(context, options);
    return 0;
  } catch (error) {
    if (context.signal.aborted) return 130;
    if (!(error instanceof WrongAnswer || error instanceof UsageError)) throw error;
    console.error(error.message);
    return error instanceof UsageError ? 64 : 1;
  }
}

async function run(context: BenchmarkOptions, options: Options): Promise<void> {
  const { root, cli, roadRunner } = context;
  const { workspace, remove } = openWorkspace({
    root,
    cli,
    roadRunnerVendor: roadRunner.vendor,
    workers: options.workers,
  });
  const missing = new Map<PeerId, string>();
  if (roadRunner.vendor === undefined) {
    for (const peer of ['roadrunner', 'roadrunnerAhead', 'goridge'] as const) {
      missing.set(peer, roadRunner.reason ?? 'its packages are not there');
    }
  }
  for (const [peer, reason] of await missingQueues()) missing.set(peer, reason);
  try {
    const facts = await machineFacts(root, roadRunner.vendor);
    if (options.cases.includes('symfony')) await copySymfony(workspace);
    const cases = CASES.filter(({ id }) => options.cases.includes(id));
    const surroundings = { workspace, options, signal: context.signal, missing, amqp: startRabbitMq, onMeasured };
    const results = await runCases(cases, surroundings);
    if (options.write) writeReport(join(root, 'docs'), results, facts, options);
  } finally {
    remove();
  }
}

async function runCases(cases: readonly BenchCase[], surroundings: Surroundings): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const bench of cases) {
    console.log(`\n${bench.title}`);
    const result = await runCase(bench, surroundings);
    results.push(result);
    printResult(result);
  }
  return results;
}

const onMeasured: Surroundings['onMeasured'] = (peer, round, { requestsPerSecond }) => {
  console.log(`  round ${round}  ${PEERS[peer].padEnd(34)} ${whole(requestsPerSecond).padStart(8)} requests/s`);
};

function printResult(result: CaseResult): void {
  const lines = [[...COLUMNS], ...tableOf(result)];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  console.log('');
  for (const [name = '', ...figures] of result.bench.peers.length === 0 ? [] : lines) {
    const right = figures.map((text, index) => text.padStart(widths[index + 1] ?? 0));
    console.log(`  ${name.padEnd(widths[0] ?? 0)}  ${right.join('  ')}`.trimEnd());
  }
  for (const ratio of result.ratios) console.log(`  ${ratioText(ratio)}`);
  for (const note of result.notes ?? []) console.log(`  ${note}`);
}

function writeReport(docs: string, results: readonly CaseResult[], facts: Facts, options: Options): void {
  const file = join(docs, 'benchmark.md');
  const whole = results.length === CASES.length || !existsSync(file);
  const text = whole
    ? markdown(results, facts, options)
    : markdownWith(readFileSync(file, 'utf8'), results, facts, options);
  writeFileSync(file, text);
  for (const result of results) {
    if (result.rows.length > 0) writeFileSync(join(docs, chartFile(result.bench.id)), chart(result));
  }
  console.log('\nwritten: docs/benchmark.md and its charts');
}
