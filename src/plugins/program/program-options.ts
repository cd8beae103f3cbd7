// How a program beside the workers is started: its words, its environment and whom it runs as.

import { accountOf, groupOf, type IdentityKeys } from '../../worker/identity.ts';
import type { SpawnOptions } from '../../worker/spawn.ts';
import type { ProgramSettings } from '../plugin.ts';

/** What a plugin says of its program. */
export interface ProgramWish {
  /** A text is split by {@link programWords}. */
  readonly command: string | readonly string[];
  readonly directory: string;
  readonly settings: ProgramSettings;
  /** Runs as this user, with its primary group. Default: `server.user` and `server.group`. */
  readonly user?: string | undefined;
  /** Added to its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Place of the program in the configuration, for errors: `service.mail`. */
  readonly key: string;
}

/** The words of a command. Unlike that of a worker it is not split on commas: `--queues=a,b` is one word. */
export function programWords(command: string | readonly string[]): string[] {
  return typeof command === 'string' ? command.split(' ').filter((word) => word !== '') : [...command];
}

/** What looks like a mistake in `path`.command of a section: quotes, where there is no shell to read them. */
export function commandWarnings(
  path: readonly string[],
  command: string | readonly string[] | undefined,
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  if (typeof command !== 'string' || !/(^|[ =])(["']).* .*\2/.test(command)) return [];
  const message =
    'is split on spaces, and quotes are a part of the words: write a list of words, such as ["sh", "-c", "..."]';
  return [{ path: [...path, 'command'], message }];
}

/**
 * The environment of the server, where its RPC is, what belongs to the user, and `env`, the last one first.
 * @throws RrtsError ERR_CONFIG_INVALID for a user or group that the system does not know.
 */
export function programOptions({ command, directory, settings, user, env, key }: ProgramWish): SpawnOptions {
  const { environment, rpcAddress, rpcToken } = settings;
  const keys: IdentityKeys = { user: user === undefined ? 'server.user' : `${key}.user`, group: 'server.group' };
  const [runAs, group] = user === undefined ? [settings.user, settings.group] : [user, undefined];
  return {
    words: programWords(command),
    cwd: directory,
    env: {
      ...definedIn(environment),
      ...definedIn({ RR_RPC: rpcAddress, RRTS_RPC_TOKEN: rpcToken }),
      ...accountOf(runAs, keys),
      ...env,
    },
    user: runAs,
    group: groupOf(runAs, group, keys),
    key: `${key}.command`,
  };
}

function definedIn(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}
