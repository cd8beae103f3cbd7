// Where the control socket of a configuration is: the server and the commands come to the same path, each on its own.

import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What the path follows from. */
export interface SocketPlace {
  /** The configuration file as the user named it. */
  readonly file: string;
  /** What a relative `file` starts from, symbolic links in it kept: a deployment may switch them while the server runs. */
  readonly directory: string;
  /** `control.socket`; undefined for the default, empty for no socket. */
  readonly written: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whose server it is. */
  readonly uid: number;
}

/** Name of a socket in one of the default directories. */
export const SOCKET_NAME = /^[0-9a-f]{16}\.sock$/;

/** Where a server may put its socket: the first usable place counts. Empty when there shall be none. */
export function serverSocketPaths(place: SocketPlace): string[] {
  const own = writtenPath(place);
  if (own !== undefined) return own;
  const [name = ''] = names(place);
  return directories(place).map((directory) => join(directory, name));
}

/**
 * Where a command looks for it. More places than the server has: the file may be named by another path now, and systemd gave the
 * server a directory that the environment of a shell does not name.
 */
export function clientSocketPaths(place: SocketPlace): string[] {
  const own = writtenPath(place);
  if (own !== undefined) return own;
  const all = [...new Set([...directories(place), SYSTEM_DIRECTORY])];
  return names(place).flatMap((name) => all.map((directory) => join(directory, name)));
}

const SYSTEM_DIRECTORY = '/run/rrts';

function writtenPath({ written, directory }: SocketPlace): string[] | undefined {
  if (written === undefined) return undefined;
  const path = written.replace(/^unix:\/\//, '');
  return path === '' ? [] : [resolve(directory, path)];
}

function directories({ environment, uid }: SocketPlace): string[] {
  // RuntimeDirectory= of a systemd unit; several are separated by colons.
  const given = (environment['RUNTIME_DIRECTORY'] ?? '').split(':')[0] ?? '';
  const runtime = environment['XDG_RUNTIME_DIR'] ?? '';
  const candidates = [given];
  // Root has XDG_RUNTIME_DIR in a login shell and not in a service, so it would not find itself there.
  if (uid === 0) candidates.push(SYSTEM_DIRECTORY);
  else if (runtime !== '') candidates.push(join(runtime, 'rrts'));
  candidates.push(join(tmpdir(), `rrts-${uid}`));
  return candidates.filter((path) => path.startsWith('/'));
}

/** By the path as it was written, and by the one behind symbolic links. */
function names({ file, directory }: SocketPlace): string[] {
  const path = resolve(directory, file);
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  // Several servers can share what is no file, such as /dev/null; their directory tells them apart.
  const identities = isFile ? new Set([path, realpathSync(path)]) : [`${path}\n${directory}`];
  return [...identities].map((identity) => `${createHash('sha256').update(identity).digest('hex').slice(0, 16)}.sock`);
}
