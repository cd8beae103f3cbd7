// Temporary files of uploads: names, removal, and what a crash left behind.

import { randomBytes } from 'node:crypto';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * How the names of our temporary files begin. Not RoadRunner's `upload` nor PHP's `php`: the directory is usually /tmp, and
 * {@link sweepUploads} deletes by name, so the name must not be one that any other program gives its files.
 */
export const UPLOAD_PREFIX = 'rrts-upload-';

/** A new path in `dir`; nobody can guess it. */
export function temporaryPath(dir: string): string {
  return join(dir, UPLOAD_PREFIX + randomBytes(12).toString('hex'));
}

/** Removes files. One that is gone already was moved by the application; other errors go to `onError`. Never rejects. */
export async function removeFiles(
  paths: readonly string[],
  onError: (error: Error, path: string) => void,
): Promise<void> {
  await Promise.all(
    paths.map(async (path) => {
      try {
        await unlink(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onError(error as Error, path);
      }
    }),
  );
}

/**
 * Removes what an earlier process left in `dir` when it was killed: plain files with our prefix, not written to for
 * `olderThanMs`. Another rrts may be using the directory, so the age should be longer than any request takes.
 * @returns how many were removed. Files that cannot be removed and a directory that does not exist are no error.
 */
export async function sweepUploads(dir: string, olderThanMs: number): Promise<number> {
  const names = await readdir(dir).catch((): string[] => []);
  const before = Date.now() - olderThanMs;
  const removed = await Promise.all(
    names.filter((name) => name.startsWith(UPLOAD_PREFIX)).map((name) => removeIfStale(join(dir, name), before)),
  );
  return removed.filter(Boolean).length;
}

async function removeIfStale(path: string, before: number): Promise<boolean> {
  try {
    // Not stat: of a symbolic link somebody put there, nothing is followed.
    const facts = await lstat(path);
    if (!facts.isFile() || facts.mtimeMs > before) return false;
    await unlink(path);
    return true;
  } catch {
    return false;
  }
}
