// What goes into the package of a function: names in the zip, and the files behind them.

import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RrtsError } from '../../core/errors.ts';

/** One file of the package. */
export interface PackageFile {
  /** Path in the zip, with slashes. */
  readonly name: string;
  readonly source: { readonly path: string } | { readonly text: string };
  readonly executable: boolean;
  readonly bytes: number;
}

/** Asked for every file and folder, by its path below the root, with slashes; false leaves it out with all that is in it. */
export type Wanted = (path: string, isFolder: boolean) => boolean;

const OWNER_EXECUTES = 0o100;

/**
 * The files below `root`, sorted. Symbolic links are followed, because a zip of Lambda's cannot have any that leads out of it; one that leads nowhere, or back
 * to a folder above it, is left out.
 * @param prefix - put before the names; empty, or with a slash at its end.
 * @throws RrtsError ERR_LAMBDA_PACK for what this user may not read.
 */
export function filesBelow(root: string, prefix: string, wanted: Wanted): PackageFile[] {
  const files: PackageFile[] = [];
  const walk = (folder: string, below: string, above: ReadonlySet<string>): void => {
    const real = reading(folder, (name) => realpathSync(name));
    if (above.has(real)) return;
    const path = new Set([...above, real]);
    for (const entry of reading(folder, (name) => readdirSync(name)).sort()) {
      const source = join(folder, entry);
      const found = reading(source, statOf);
      const name = below + entry;
      if (found === undefined || !wanted(name, found.isDirectory())) continue;
      if (found.isDirectory()) walk(source, `${name}/`, path);
      else if (found.isFile()) files.push(packageFile(prefix + name, source, found));
    }
  };
  walk(root, '', new Set());
  return files;
}

/** Undefined for a link that leads nowhere, or to itself. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw thrown;
  }
}

function reading<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (thrown) {
    throw new RrtsError('ERR_LAMBDA_PACK', `${path} cannot be read: ${messageOf(thrown)}`, {
      cure: 'Leave it out with --exclude, or let this user read it.',
      cause: thrown,
    });
  }
}

/** A file that is there. */
export function packageFile(name: string, path: string, found: Stats = statSync(path)): PackageFile {
  return { name, source: { path }, executable: (found.mode & OWNER_EXECUTES) !== 0, bytes: found.size };
}

/** A file that is made here. */
export function textFile(name: string, text: string, executable = false): PackageFile {
  return { name, source: { text }, executable, bytes: Buffer.byteLength(text) };
}
