// Starts the programs of the protocol tests, and reads the one line of counts that each prints at its end.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from '../../helpers/wait-for.ts';

const HERE = dirname(fileURLToPath(import.meta.url));

/** What a program counted, by name. */
export type Counts = Readonly<Record<string, number>>;

/** The words that start a PHP script of this folder. */
export function scriptWords(name: string, args: readonly string[]): string[] {
  return ['php', '-d', 'memory_limit=512M', join(HERE, 'php', name), ...args];
}

/** Runs a PHP script of this folder to its end. */
export function runPhp(name: string, args: readonly string[], limitMs: number): Promise<Counts> {
  return runProgram(scriptWords(name, args), limitMs);
}

/** Runs a TypeScript program of this folder to its end, in a process whose memory and time are its own. */
export function runNode(name: string, args: readonly string[], limitMs: number): Promise<Counts> {
  return runProgram([process.execPath, '--expose-gc', '--import', 'tsx', join(HERE, name), ...args], limitMs);
}

/** Runs a program that prints a JSON object of numbers at its end. One that is still there after `limitMs` hangs. */
async function runProgram(words: readonly string[], limitMs: number): Promise<Counts> {
  const [program = '', ...args] = words;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4000);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000);
  });
  try {
    const [code, signal] = await within(once(child, 'close'), limitMs, () => `the end of ${words.join(' ')}${output}`);
    assert.equal(code, 0, `${words.join(' ')} ended with code ${code}, signal ${signal}: ${complaints}${output}`);
  } finally {
    child.kill('SIGKILL');
  }
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(line);
}
