// A socket file that a killed server left behind must not stop the next one from listening.

import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** Removes the socket file at `path` when nobody listens on it. Anything that is not a socket stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true) return;
  if (await isRefused(path)) await unlink(path).catch(() => undefined);
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
