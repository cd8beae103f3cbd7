// What is said when the files of a queue cannot be used, and how the files are reached.

import type { FileHandle } from 'node:fs/promises';
import { messageOf, RrtsError } from '../../../core/errors.ts';

/** Opens a file: `open` of node:fs/promises. Tests give one whose files fail. */
export type OpenFile = (path: string, flags: string, mode?: number) => Promise<FileHandle>;

const CURES: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room on the disk; the queue goes on by itself.',
  EDQUOT: 'Make room on the disk; the queue goes on by itself.',
  EROFS: 'The directory must be on a disk that can be written.',
  EACCES: 'The directory must be writable for the user who runs rrts.',
  EPERM: 'The directory must be writable for the user who runs rrts.',
  EIO: 'Look at the system log: the disk reports errors.',
};

/** An ERR_JOBS_STORE that names the file and the reason. */
export function storeError(path: string, what: string, thrown: unknown, key: string): RrtsError {
  const { code } = thrown as NodeJS.ErrnoException;
  const cure = code === undefined ? undefined : CURES[code];
  return new RrtsError('ERR_JOBS_STORE', `${path} ${what}: ${messageOf(thrown)}`, {
    place: key,
    cause: thrown,
    ...(cure === undefined ? {} : { cure }),
  });
}

/** Makes new and removed names in a directory safe. */
export async function syncDirectory(path: string, open: OpenFile): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
