// Installs something in a folder, once for all test files that run at the same time.

import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exists } from './paths.ts';
import { eventually } from './wait-for.ts';

const run = promisify(execFile);
const INSTALL_MS = 180_000;

/** What is installed, and how. */
export interface Installation {
  readonly folder: string;
  /** A file below the folder that is there when it is done. */
  readonly proof: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Installs it when it is missing. The reason, in words, when that is not possible. */
export async function installOnce({ folder, proof, command, environment }: Installation): Promise<string | undefined> {
  const installed = () => exists(join(folder, proof));
  if (installed()) return undefined;
  const lock = join(folder, '.install.lock');
  await eventually(() => installed() || tryLock(lock), `the installation of ${folder}`, INSTALL_MS);
  if (installed()) return undefined;
  const [file = '', ...args] = command;
  try {
    await run(file, args, { cwd: folder, env: { ...process.env, ...environment }, timeout: INSTALL_MS });
    return undefined;
  } catch (error) {
    return `${file} cannot install ${folder}: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx'));
    return true;
  } catch {
    return false;
  }
}
