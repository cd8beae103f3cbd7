// Installs the Composer project of a fixture, once for all test files that run at the same time.

import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exists } from './paths.ts';
import { eventually } from './wait-for.ts';

const run = promisify(execFile);
const INSTALL_MS = 180_000;

/** Installs the project of a folder when its vendor folder is missing. The reason, in words, when that is not possible. */
export async function ensureComposerProject(folder: string): Promise<string | undefined> {
  const installed = () => exists(join(folder, 'vendor', 'autoload.php'));
  if (installed()) return undefined;
  const lock = join(folder, '.install.lock');
  await eventually(() => installed() || tryLock(lock), `the installation of ${folder}`, INSTALL_MS);
  if (installed()) return undefined;
  try {
    await run('composer', ['update', '--no-interaction', '--no-progress', '--no-ansi'], {
      cwd: folder,
      env: { ...process.env, COMPOSER_ALLOW_SUPERUSER: '1' },
      timeout: INSTALL_MS,
    });
    return undefined;
  } catch (error) {
    return `Composer cannot install ${folder}: ${error instanceof Error ? error.message : String(error)}`;
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
