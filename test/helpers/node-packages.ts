// Installs the npm packages of an example, once for all test files that run at the same time.

import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exists } from './paths.ts';
import { eventually } from './wait-for.ts';

const run = promisify(execFile);
const INSTALL_MS = 180_000;

/** Installs what the lock of a folder says when it is missing. The reason, in words, when that is not possible. */
export async function ensureNodeProject(folder: string): Promise<string | undefined> {
  const installed = () => exists(join(folder, 'node_modules', '.package-lock.json'));
  if (installed()) return undefined;
  const lock = join(folder, '.install.lock');
  await eventually(() => installed() || tryLock(lock), `the installation of ${folder}`, INSTALL_MS);
  if (installed()) return undefined;
  try {
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, timeout: INSTALL_MS });
    return undefined;
  } catch (error) {
    return `npm cannot install ${folder}: ${error instanceof Error ? error.message : String(error)}`;
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
