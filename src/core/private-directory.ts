// Directories in which nobody else can put another socket in the place of ours, and those that nobody else can even enter.

import { lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { messageOf } from './errors.ts';

const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
/** In such a directory, `/tmp` for one, only the owner of a file may remove it. */
const STICKY = 0o1000;

/**
 * Why nobody should trust what is in this directory; undefined when `uid` owns it and nobody else may enter. A symbolic link is
 * not followed: somebody else may have planted it.
 * @param uid - the owner it must have; undefined takes any.
 */
export function directoryFault(path: string, uid: number | undefined): string | undefined {
  const found = statOf(path, lstatSync);
  if (found === undefined) return `the directory ${path} does not exist`;
  if (typeof found === 'string') return `the directory ${path} cannot be looked at (${found})`;
  if (found.isSymbolicLink()) return `${path} is a symbolic link`;
  if (!found.isDirectory()) return `${path} is no directory`;
  if (uid !== undefined && found.uid !== uid) return `the directory ${path} belongs to user ${found.uid}`;
  if ((found.mode & OTHERS) === 0) return undefined;
  return `the directory ${path} lets others in (mode ${modeOf(found)})`;
}

/**
 * Why somebody else could put a file of theirs in the place of one of ours here; undefined when only `owners` can. A symbolic link is
 * followed when it is theirs, `/var/run` for one.
 */
export function sharedDirectoryFault(path: string, owners: readonly number[]): string | undefined {
  const link = statOf(path, lstatSync);
  if (typeof link === 'object' && link.isSymbolicLink() && !owners.includes(link.uid)) {
    return `${path} is a symbolic link of user ${link.uid}`;
  }
  const found = statOf(path, statSync);
  if (found === undefined) return `the directory ${path} does not exist`;
  if (typeof found === 'string') return `the directory ${path} cannot be looked at (${found})`;
  if (!found.isDirectory()) return `${path} is no directory`;
  if (!owners.includes(found.uid)) return `the directory ${path} belongs to user ${found.uid}`;
  if ((found.mode & OTHERS_WRITE) === 0 || (found.mode & STICKY) !== 0) return undefined;
  return `others can write to the directory ${path} (mode ${modeOf(found)})`;
}

/** Makes the directory when it is not there, its parents not; then as {@link directoryFault}. Never throws. */
export function makePrivateDirectory(path: string, uid: number | undefined): string | undefined {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'EEXIST') return `the directory ${path} cannot be made (${code})`;
  }
  return directoryFault(path, uid);
}

function modeOf(found: Stats): string {
  return (found.mode & 0o777).toString(8).padStart(4, '0');
}

function statOf(path: string, stat: typeof lstatSync | typeof statSync): Stats | string | undefined {
  try {
    return stat(path, { throwIfNoEntry: false });
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? messageOf(thrown);
  }
}
