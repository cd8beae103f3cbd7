// Runs the command line as a person would, in a folder of its own, and waits for its end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { cliCommand } from '../helpers/paths.ts';
import { runtimeDirectory, type ServerProcess } from '../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../helpers/temp-dir.ts';
import { within } from '../helpers/wait-for.ts';

/** What a command left. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly dir: TempDir;
}

/** What to run: words, files of the folder by name, and by which name the program is called. */
export interface RunOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly calledAs?: string;
  /** What stands on its stdin. Default: nothing. */
  readonly input?: string | Buffer;
  /** Interrupts it, as Ctrl-C does, once its output has this. */
  readonly until?: RegExp;
}

/** Runs a command for a server that a test started. */
export function runFor(
  t: TestContext,
  server: ServerProcess,
  words: readonly string[],
  options: RunOptions = {},
): Promise<Run> {
  const environment = { ...runtimeDirectory(server.dir), ...options.environment };
  return runCli(t, [...words, '-c', server.dir.file('app.yaml')], { ...options, environment });
}

/** Runs `rrts` with the words. */
export async function runCli(t: TestContext, words: readonly string[], options: RunOptions = {}): Promise<Run> {
  const dir = makeTempDir('cli');
  t.after(() => dir.remove());
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(dir.file(name), text);
  const [node = '', ...command] = cliCommand();
  if (options.calledAs !== undefined) {
    symlinkSync(command.pop() ?? '', dir.file(options.calledAs));
    command.push(dir.file(options.calledAs));
  }
  const child = spawn(node, [...command, ...words], {
    cwd: dir.path,
    env: { PATH: process.env['PATH'] ?? '', RRTS_ALLOW_ROOT: '1', ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined); // one that reads nothing may have ended
  child.stdin.end(options.input ?? '');
  t.after(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    if (options.until?.test(stdout) === true) child.kill('SIGINT');
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await within(once(child, 'close'), 60_000, `the end of rrts ${words.join(' ')}`)) as [number | null];
  return { code, stdout, stderr, dir };
}
