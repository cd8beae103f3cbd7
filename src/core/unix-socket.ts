// Unix sockets to listen on: what a killed server left behind, and who may connect.

import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';

/** Takes all rights from group and others. */
const PRIVATE_UMASK = 0o177;

/** Removes the socket file at `path` when nobody listens on it. Anything that is not a socket stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true) return;
  if (await isRefused(path)) await unlink(path).catch(() => undefined);
}

/** Begins to listen on a socket of mode 0600, in the place of one that a killed server left. Events tell how it went. */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  await removeStaleSocket(path);
  // Node binds within `listen`, so the file never exists with other rights: a chmod afterwards would come too late.
  const before = process.umask(PRIVATE_UMASK);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
