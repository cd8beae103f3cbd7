// The numbers behind `server.user` and `server.group`.

import { execFileSync } from 'node:child_process';
import { RrtsError } from '../core/errors.ts';
import type { WorkerOwner } from '../plugins/plugin.ts';

/**
 * Whom the workers run as; undefined when they run as we do.
 * @throws RrtsError ERR_CONFIG_INVALID for a user or group that the system does not know.
 */
export function workerOwner(user: string | undefined, group: string | undefined): WorkerOwner | undefined {
  if (user === undefined && group === undefined) return undefined;
  const uid = user === undefined ? (process.getuid?.() ?? 0) : ask('server.user', user, 'id', ['-u', '--', user]);
  if (group !== undefined) return { uid, gid: ask('server.group', group, 'getent', ['group', group]) };
  return { uid, gid: user === undefined ? uid : ask('server.user', user, 'id', ['-g', '--', user]) };
}

/** The number that `id` prints alone and `getent` prints third. */
function ask(key: string, name: string, command: string, args: readonly string[]): number {
  try {
    const said = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 5000 });
    const fields = said.trim().split(':');
    return Number(fields[2] ?? fields[0]);
  } catch (cause) {
    throw new RrtsError('ERR_CONFIG_INVALID', `${key}: this system knows no "${name}"`, {
      cause,
      cure: 'Write the name of an existing user or group, or leave it out.',
    });
  }
}
