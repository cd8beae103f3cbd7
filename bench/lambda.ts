// A function of AWS Lambda: how large its package is, and how long its first event takes in a new environment.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { type Answered, LambdaRuntime, lambdaEvent } from '../test/helpers/lambda-runtime.ts';
import { unzip } from '../test/helpers/unzip.ts';
import type { BenchCase } from './cases.ts';
import { cpuSeconds } from './cpu-time.ts';
import { type CaseResult, type Spread, spread } from './figures.ts';
import { WrongAnswer } from './load.ts';
import type { Surroundings } from './run-case.ts';
import type { Workspace } from './workspace.ts';

const CONFIG =
  'version: "3"\nserver:\n  command: php native-lean.php\nhttp:\n  address: 127.0.0.1:8080\nlogs:\n  level: error\n';
/** Events of one environment after its first. */
const FURTHER = 200;

/** What one new environment has shown; times in milliseconds. */
interface Start {
  readonly coldMs: number;
  readonly cpuMs: number;
  readonly furtherMs: number;
  /** Of a Node and a PHP that do nothing, one after the other. */
  readonly bareMs: number;
}

/** Packs a function, unpacks it, and starts it once in each round; ends what it started. */
export async function runLambdaCase(bench: BenchCase, { workspace, options }: Surroundings): Promise<CaseResult> {
  const { task, packed } = await packedFunction(workspace);
  const starts: Start[] = [];
  await startOnce(task); // the files are in the cache of the system from now on, as those of Lambda's are not
  for (let round = 1; round <= options.rounds; round++) {
    const start = await startOnce(task);
    console.log(
      `  round ${round}  ${start.coldMs.toFixed(0)} ms to the first answer, ${start.cpuMs.toFixed(0)} ms of processor time`,
    );
    starts.push(start);
  }
  const of = (figure: keyof Start): Spread => spread(starts.map((start) => start[figure]));
  const ratio = spread(starts.map(({ coldMs, bareMs }) => coldMs / bareMs));
  const notes = [
    `The package of rrts and a handler: ${packed}; Node and PHP come from elsewhere`,
    `First event of a new environment: ${inMs(of('coldMs'))} from the start of \`bootstrap\` to its answer, with the boot of PHP; ${inMs(of('cpuMs'))} of processor time`,
    `\`node -e 0\` and \`php -r ''\` one after the other: ${inMs(of('bareMs'))}; first event / these = ${ratio.median.toFixed(1)} (${ratio.lowest.toFixed(1)} - ${ratio.highest.toFixed(1)})`,
    `A further event: ${inMs(of('furtherMs'))}`,
  ];
  return { bench, rows: [], ratios: [], missing: [], notes };
}

/** Makes the package of an application; unpacks it. `packed` is what the command says of its size. */
async function packedFunction(workspace: Workspace): Promise<{ task: string; packed: string }> {
  const source = join(workspace.root, 'bench', 'app');
  const application = join(workspace.folder, 'lambda-app');
  mkdirSync(application);
  for (const name of ['native-lean.php', 'rows.php', 'vendor']) {
    cpSync(join(source, name), join(application, name), { recursive: true, dereference: true, filter: isInstalled });
  }
  writeFileSync(join(application, 'app.yaml'), CONFIG);
  const zip = join(workspace.folder, 'function.zip');
  const words = [workspace.cli, 'lambda', 'pack', '-c', 'app.yaml', zip];
  const { stdout } = await execa(process.execPath, words, { cwd: application });
  const task = join(workspace.folder, 'lambda-task');
  unzip(zip, task);
  return { task, packed: stdout.slice(stdout.indexOf(': ') + 2) };
}

/** In a checkout the package is a link to its sources, with all that its tests need. */
function isInstalled(path: string): boolean {
  return !/vendor\/rrts\/php-client\/(?!src|composer\.json)./.test(path);
}

async function startOnce(task: string): Promise<Start> {
  const bareMs = timeOf(() => {
    spawnSync(process.execPath, ['-e', '0']);
    spawnSync('php', ['-r', '']);
  });
  const runtime = await LambdaRuntime.start();
  const begin = performance.now();
  const child = spawn(join(task, 'bootstrap'), [], {
    cwd: task,
    env: environment(task, runtime.address),
    stdio: 'ignore',
  });
  try {
    await answerOf(runtime);
    const coldMs = performance.now() - begin;
    const cpuMs = (cpuSeconds([child.pid ?? 0]) ?? Number.NaN) * 1000;
    const then = performance.now();
    for (let count = 0; count < FURTHER; count++) await answerOf(runtime);
    return { coldMs, cpuMs, furtherMs: (performance.now() - then) / FURTHER, bareMs };
  } finally {
    await end(child);
    await runtime.stop();
  }
}

async function answerOf(runtime: LambdaRuntime): Promise<void> {
  const answered: Answered = await runtime.invoke({ ...lambdaEvent('function-url'), rawPath: '/hello' });
  const { body } = JSON.parse(answered.body.toString()) as { body?: string };
  if (body !== 'Hello, World!\n') throw new WrongAnswer(`rrts lambda: ${answered.body.toString().slice(0, 300)}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function environment(task: string, api: string): Record<string, string> {
  return {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    LAMBDA_TASK_ROOT: task,
    AWS_LAMBDA_RUNTIME_API: api,
    RRTS_ALLOW_ROOT: '1',
  };
}

function timeOf(work: () => void): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

function inMs({ median, lowest, highest }: Spread): string {
  const text = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
  return `${text(median)} ms (${text(lowest)} - ${text(highest)})`;
}
