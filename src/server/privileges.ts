// Whom PHP runs as, looked at before anything is started: never root by accident, and nobody whom we may not become.

import { RrtsError } from '../core/errors.ts';
import type { ServerConfig } from '../worker/config.ts';
import { groupOf, type IdentityKeys, identityOf } from '../worker/identity.ts';
import { identityProblem } from '../worker/spawn.ts';

/** A user and a group by name or number; both undefined for our own. */
export interface RunAs {
  readonly user: string | undefined;
  readonly group: string | undefined;
}

const WORKER_KEYS: IdentityKeys = { user: 'server.user', group: 'server.group' };
const ON_INIT_KEYS: IdentityKeys = { user: 'server.on_init.user', group: 'server.group' };

const ROOT_CURE =
  'Set server.user and server.group (www-data, for example), or start rrts as another user. In a container or a test, where root is what you want: --allow-root, or RRTS_ALLOW_ROOT=1 in the environment.';

/**
 * Checks `server.user`, `server.group`, `server.on_init.user`, and `user` of each service.
 * @param allowRoot - the operator wants PHP to run as root.
 * @param services - the section of the services, when there is one: they run as `server.user` unless they say another. Empty when other programs than
 * workers are run.
 * @throws RrtsError ERR_ROOT_REFUSED when PHP would run as root; ERR_CONFIG_INVALID for a user or group that the system does not
 * know or that this process may not become; ERR_WORKER_SPAWN without setpriv.
 */
export function checkPrivileges(
  server: ServerConfig | undefined,
  allowRoot: boolean,
  services?: Readonly<Record<string, { readonly user?: string | undefined }>>,
): void {
  for (const [name, { user }] of Object.entries(services ?? {})) {
    const keys = { user: `service.${name}.user`, group: 'server.group' };
    if (user !== undefined) checkOne({ user, group: groupOf(user, undefined, keys) }, keys, allowRoot);
  }
  // Without `server` no PHP of ours runs; what RPC clients create does, and commands of cron.
  if (server === undefined && services !== undefined)
    checkOne({ user: undefined, group: undefined }, WORKER_KEYS, allowRoot);
  if (server === undefined) return;
  checkOne({ user: server.user, group: groupOf(server.user, server.group) }, WORKER_KEYS, allowRoot);
  const { onInit } = server;
  if (onInit?.user !== undefined) checkOne(onInitIdentity(server), ON_INIT_KEYS, allowRoot);
}

/** Whom `server.on_init` runs as: its own user with that one's primary group, else whom the workers run as. */
export function onInitIdentity(server: ServerConfig): RunAs {
  const user = server.onInit?.user;
  if (user !== undefined) return { user, group: groupOf(user, undefined, ON_INIT_KEYS) };
  return { user: server.user, group: groupOf(server.user, server.group) };
}

function checkOne({ user, group }: RunAs, keys: IdentityKeys, allowRoot: boolean): void {
  const identity = identityOf(user, group, keys);
  const uid = identity?.uid ?? process.geteuid?.();
  if (uid === 0 && !allowRoot) {
    const why = user === undefined ? 'rrts runs as root' : `${keys.user}: "${user}" is root`;
    throw new RrtsError('ERR_ROOT_REFUSED', `${why}, and PHP shall not`, { cure: ROOT_CURE });
  }
  if (identity === undefined) return;
  const problem = identityProblem(user, group);
  if (problem === undefined) return;
  const key = user === undefined ? keys.group : keys.user;
  throw new RrtsError(
    'ERR_CONFIG_INVALID',
    `${key}: this process may not start others as "${user ?? group}": ${problem}`,
    {
      cure: `Start rrts as root, or leave ${key} out.`,
    },
  );
}
