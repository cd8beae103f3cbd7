// Whom workers run as: the numbers behind `server.user` and `server.group`.

import { execFileSync } from 'node:child_process';
import { RrtsError } from '../core/errors.ts';

/** A user of the system with its group. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** The configuration keys that name them; errors quote these. */
export interface IdentityKeys {
  readonly user: string;
  readonly group: string;
}

const SERVER_KEYS: IdentityKeys = { user: 'server.user', group: 'server.group' };

/**
 * The numbers of a user and a group; the group of a user is its primary one unless another is named. Undefined when neither
 * is given: then workers run as we do.
 * @throws RrtsError ERR_CONFIG_INVALID for a user or group that the system does not know.
 */
export function identityOf(
  user: string | undefined,
  group: string | undefined,
  keys: IdentityKeys = SERVER_KEYS,
): Identity | undefined {
  if (user === undefined && group === undefined) return undefined;
  const uid = user === undefined ? (process.getuid?.() ?? 0) : ask(keys.user, user, 'id', ['-u', '--', user]);
  if (group !== undefined) return { uid, gid: ask(keys.group, group, 'getent', ['group', group]) };
  return { uid, gid: user === undefined ? uid : ask(keys.user, user, 'id', ['-g', '--', user]) };
}

/**
 * The group to run a user with: the one that is named, else the primary group of the user, as a number. setpriv changes only what
 * it is told to: without this a worker of another user would keep the group of root.
 * @throws RrtsError ERR_CONFIG_INVALID for a user that the system does not know.
 */
export function groupOf(user: string | undefined, group: string | undefined, keys?: IdentityKeys): string | undefined {
  return user === undefined || group !== undefined ? group : String(identityOf(user, undefined, keys)?.gid);
}

/**
 * What belongs to a user in an environment, so that programs do not look for their files at ours. Empty without a user.
 * @throws RrtsError ERR_CONFIG_INVALID for a user that the system does not know.
 */
export function accountOf(user: string | undefined, keys: IdentityKeys = SERVER_KEYS): Record<string, string> {
  if (user === undefined) return {};
  const [name = user, , , , , home = '/'] = lookUp(keys.user, user, 'getent', ['passwd', user]);
  return { HOME: home, USER: name, LOGNAME: name };
}

/** The number that `id` prints alone and `getent` prints third. */
function ask(key: string, name: string, command: string, args: readonly string[]): number {
  const fields = lookUp(key, name, command, args);
  return Number(fields[2] ?? fields[0]);
}

/** What a command says, as fields between colons. */
function lookUp(key: string, name: string, command: string, args: readonly string[]): string[] {
  try {
    const said = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 5000 });
    return said.trim().split(':');
  } catch (cause) {
    throw new RrtsError('ERR_CONFIG_INVALID', `${key}: this system knows no "${name}"`, {
      cause,
      cure: 'Write the name of an existing user or group, or leave it out.',
    });
  }
}
