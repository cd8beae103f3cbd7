// Starts one worker process.
//
// Plain child_process.spawn and not execa: a worker lives for hours, its death is the `exit` event and nothing else (a
// grandchild may hold its pipes open), and descriptor 3 has to be a duplex socket. execa's promise waits for the streams
// to close and takes a fourth descriptor for an output only.

import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { delimiter, resolve } from 'node:path';
import { RrtsError } from '../core/errors.ts';

/** How a worker process is started. */
export interface SpawnOptions {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** Run as this user and group, names or numbers; needs root and setpriv. A user comes with a group: see `groupOf`. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** In the batch class of the scheduler, where that can be. */
  readonly batch?: boolean;
  /** Configuration key of the command; errors name it. Default: `server.command`. */
  readonly key?: string;
}

/** A process that was started, with its four channels. */
export interface SpawnedProcess {
  /** Emits `exit` with code and signal. */
  readonly process: EventEmitter;
  readonly pid: number;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** Descriptor 3 of the child: a duplex socket. */
  readonly channel: Socket;
  /** Sends a signal to its whole process group. A group that is gone already is fine. */
  kill(signal: NodeJS.Signals): void;
}

/** What util-linux's programs can do on this machine; found out once per pool. */
export interface Launchers {
  /** `setpriv` can have a process killed when its parent dies. */
  readonly deathSignal: boolean;
  /** `chrt` can put a process in the batch class. */
  readonly batch?: boolean;
}

/** Words before a command that put it, with what it starts in turn, in the batch class of the scheduler. */
const BATCH = ['chrt', '--batch', '0'];

/**
 * Looks for util-linux's setpriv. With it a worker is killed by the kernel when the master dies, however it dies;
 * without it only a worker that reads its channel notices. Busybox has a setpriv without the option. Some sandboxes forbid
 * to choose the class of a process.
 */
export function findLaunchers(): Launchers {
  return { deathSignal: works(['setpriv', '--pdeathsig', 'KILL', 'true']), batch: works([...BATCH, 'true']) };
}

function works([file = '', ...args]: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore', timeout: 5000 }).status === 0;
}

/** The words with setpriv before them, as far as it is there and needed. */
export function guardedWords(options: Pick<SpawnOptions, 'words' | 'user' | 'group'>, setpriv: Launchers): string[] {
  const { words, user, group } = options;
  const identity: string[] = [];
  if (user !== undefined) identity.push(`--reuid=${user}`, '--init-groups');
  if (group !== undefined) identity.push(`--regid=${group}`);
  if (user === undefined && group !== undefined) identity.push('--keep-groups');
  if (identity.length > 0) identity.push('--no-new-privs');
  if (!setpriv.deathSignal) {
    if (identity.length === 0) return [...words];
    throw new RrtsError('ERR_WORKER_SPAWN', 'server.user and server.group need setpriv, which is not there', {
      cure: 'Install util-linux, or start rrts as that user.',
    });
  }
  // The kernel clears the death signal when the identity changes; setpriv sets it last.
  return ['setpriv', '--pdeathsig', 'KILL', ...identity, '--', ...words];
}

/**
 * Why this process may not start others as that user and group; undefined when it may. Tried with a command that does nothing.
 * @throws RrtsError ERR_WORKER_SPAWN without setpriv.
 */
export function identityProblem(user: string | undefined, group: string | undefined): string | undefined {
  const [file = '', ...args] = guardedWords({ words: ['true'], user, group }, findLaunchers());
  const probe = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 5000 });
  return probe.status === 0 ? undefined : probe.stderr.trim() || 'setpriv failed';
}

/**
 * Starts the process as leader of its own group, so that the whole group can be killed.
 * Settles when it runs. @throws RrtsError ERR_WORKER_SPAWN that names the command.
 */
export async function spawnProcess(options: SpawnOptions, setpriv: Launchers): Promise<SpawnedProcess> {
  const child = await launch(options, setpriv, ['pipe', 'pipe', 'pipe', 'pipe']);
  const [stdin, stdout, stderr, channel] = child.stdio as unknown as [Socket, Socket, Socket, Socket];
  // A channel breaks when its worker dies; `exit` is what counts, and the write that failed is answered there.
  for (const socket of [stdin, stdout, stderr, channel]) socket.on('error', () => undefined);
  return { ...handleOf(child), stdin, stdout, stderr, channel };
}

/** A program that is no worker: it reads nothing, and what it prints is for the log. */
export type SpawnedProgram = Pick<SpawnedProcess, 'process' | 'pid' | 'stdout' | 'stderr' | 'kill'>;

/** The same for a program that is no worker. */
export async function spawnProgram(options: SpawnOptions, setpriv: Launchers): Promise<SpawnedProgram> {
  const child = await launch(options, setpriv, ['ignore', 'pipe', 'pipe']);
  const { stdout, stderr } = child as unknown as { stdout: Socket; stderr: Socket };
  for (const socket of [stdout, stderr]) socket.on('error', () => undefined);
  return { ...handleOf(child), stdout, stderr };
}

function launch(options: SpawnOptions, setpriv: Launchers, stdio: StdioOptions): Promise<ChildProcess> {
  // With setpriv in front the system would only report that setpriv runs.
  const missing = missingPart(options);
  if (missing !== undefined) return Promise.reject(missing);
  const words = options.batch === true && setpriv.batch === true ? [...BATCH, ...options.words] : options.words;
  const [file = '', ...args] = guardedWords({ ...options, words }, setpriv);
  return new Promise((settle, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => reject(spawnError(options, cause));
    let child: ChildProcess;
    try {
      child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio, detached: true });
    } catch (cause) {
      fail(cause as NodeJS.ErrnoException); // E2BIG, EMFILE: thrown instead of emitted
      return;
    }
    child.once('error', fail);
    child.once('spawn', () => {
      child.off('error', fail);
      child.on('error', () => undefined); // a failed kill; `exit` says what happened
      settle(child);
    });
  });
}

function handleOf(child: ChildProcess): Pick<SpawnedProcess, 'process' | 'pid' | 'kill'> {
  const pid = child.pid as number;
  return { process: child, pid, kill: (signal) => killGroup(pid, signal) };
}

/** What of command and working directory does not exist. */
function missingPart(options: SpawnOptions): RrtsError | undefined {
  if (!existsSync(options.cwd)) {
    return new RrtsError('ERR_WORKER_SPAWN', `the working directory ${options.cwd} does not exist`, {
      cure: 'Create it, or start rrts with -w DIRECTORY.',
    });
  }
  const binary = options.words[0] ?? '';
  const directories = binary.includes('/') ? [''] : (options.env['PATH'] ?? '').split(delimiter);
  const found = directories.some((directory) => isFile(resolve(options.cwd, directory, binary)));
  return found ? undefined : spawnError(options, Object.assign(new Error('not found'), { code: 'ENOENT' }));
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false; // a folder of PATH that this user may not enter: the system passes it by too
  }
}

function spawnError(options: SpawnOptions, cause: NodeJS.ErrnoException): RrtsError {
  const binary = options.words[0] ?? '';
  const where = binary.includes('/') ? '' : ` in PATH (${options.env['PATH'] ?? 'which is empty'})`;
  const why = cause.code === 'ENOENT' ? `not found${where}` : (cause.code ?? cause.message);
  return new RrtsError('ERR_WORKER_SPAWN', `cannot start "${options.words.join(' ')}": ${binary}: ${why}`, {
    cause,
    place: options.key ?? 'server.command',
    cure:
      cause.code === 'ENOENT'
        ? `Install ${options.key === undefined ? 'PHP (Debian: apt-get install php-cli)' : 'it'}, or write the full path of the binary.`
        : 'Check that the file may be executed and that the limits of the system (ulimit) allow another process.',
  });
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
