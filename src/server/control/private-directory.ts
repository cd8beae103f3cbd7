// Directories that nobody but their owner can enter: where control sockets live.

import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { messageOf } from '../../core/errors.ts';

const OTHERS = 0o077;

/**
 * Why nobody should trust what is in this directory; undefined when `uid` owns it and nobody else may enter. A symbolic link is
 * not followed: somebody else may have planted it.
 * @param uid - the owner it must have; undefined takes any.
 */
export function directoryFault(path: string, uid: number | undefined): string | undefined {
  const found = statOf(path);
  if (found === undefined) return `the directory ${path} does not exist`;
  if (typeof found === 'string') return `the directory ${path} cannot be looked at (${found})`;
  if (found.isSymbolicLink()) return `${path} is a symbolic link`;
  if (!found.isDirectory()) return `${path} is no directory`;
  if (uid !== undefined && found.uid !== uid) return `the directory ${path} belongs to user ${found.uid}`;
  if ((found.mode & OTHERS) === 0) return undefined;
  return `the directory ${path} lets others in (mode ${(found.mode & 0o777).toString(8).padStart(4, '0')})`;
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

function statOf(path: string): Stats | string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? messageOf(thrown);
  }
}
