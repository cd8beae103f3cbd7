// One process per directory, for as long as that process lives.

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { RrtsError } from '../../../core/errors.ts';

/** Lets others have the directory. */
export type GiveUp = () => Promise<void>;

/**
 * Two processes on one log would give the same jobs out twice and remove one another's files. A name in Linux's abstract socket namespace is taken by one
 * process at a time, in one step, and is free the moment it ends, however it ends: no file to clean up, no pid that another process has by now.
 * Containers with network namespaces of their own do not see one another's names; other systems have none, and there nothing watches.
 * @throws RrtsError ERR_JOBS_STORE when somebody else has it.
 */
export async function takeDirectory(path: string, key: string): Promise<GiveUp> {
  if (process.platform !== 'linux') return async () => undefined;
  const { dev, ino } = await stat(path, { bigint: true });
  const id = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') {
        reject(new RrtsError('ERR_JOBS_STORE', `${path} cannot be locked: ${cause.message}`, { place: key, cause }));
        return;
      }
      const text = `the queue's directory ${path} is in use by another server or pipeline`;
      const cure = 'Give each of them a directory of its own, or stop the other server.';
      reject(new RrtsError('ERR_JOBS_STORE', text, { place: key, cure, cause }));
    });
    server.listen(`\0rrts-jobs-${id}`, resolve);
  });
  return () => closed(server);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
