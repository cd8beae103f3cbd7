// What goes into the package of a function: names in the zip, and the files behind them.

import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

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
 */
export function filesBelow(root: string, prefix: string, wanted: Wanted): PackageFile[] {
  const files: PackageFile[] = [];
  const walk = (folder: string, below: string, above: ReadonlySet<string>): void => {
    const real = realpathSync(folder);
    if (above.has(real)) return;
    const path = new Set([...above, real]);
    for (const entry of readdirSync(folder).sort()) {
      const source = join(folder, entry);
      const found = statSync(source, { throwIfNoEntry: false });
      const name = below + entry;
      if (found === undefined || !wanted(name, found.isDirectory())) continue;
      if (found.isDirectory()) walk(source, `${name}/`, path);
      else if (found.isFile()) files.push(packageFile(prefix + name, source, found));
    }
  };
  walk(root, '', new Set());
  return files;
}

/** A file that is there. */
export function packageFile(name: string, path: string, found: Stats = statSync(path)): PackageFile {
  return { name, source: { path }, executable: (found.mode & OWNER_EXECUTES) !== 0, bytes: found.size };
}

/** A file that is made here. */
export function textFile(name: string, text: string, executable = false): PackageFile {
  return { name, source: { text }, executable, bytes: Buffer.byteLength(text) };
}
