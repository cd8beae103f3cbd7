// The pid file: says which process serves, and keeps a second server from taking its place.

import { closeSync, constants, lstatSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { messageOf, RrtsError } from '../core/errors.ts';
import { isServer } from './running-process.ts';

const DEFAULT_PATH = '.pid';

/** The pid in the file of `-p`; undefined when there is none. `true` and undefined mean `.pid`, RoadRunner's name. */
export function readPidFile(option: string | true | undefined): number | undefined {
  return pidIn(typeof option === 'string' ? option : DEFAULT_PATH);
}

/**
 * Writes our pid to the file of `-p`, if one is wanted; the result removes it.
 * @throws RrtsError ERR_PID_FILE when the server in it runs, ERR_CONFIG_INVALID when it cannot be written or is a symbolic link.
 */
export function takePidFile(option: string | true | undefined): () => void {
  if (option === undefined) return () => undefined;
  const path = option === true ? DEFAULT_PATH : option;
  const other = pidIn(path);
  if (other !== undefined && isServer(other)) {
    throw new RrtsError('ERR_PID_FILE', `${path}: an rrts with the process id ${other} runs already`, {
      cure: 'Stop it with rrts stop, or name another file with -p.',
    });
  }
  write(path);
  return () => {
    // Not that of a server which took our place.
    if (pidIn(path) !== process.pid) return;
    try {
      unlinkSync(path);
    } catch {
      // Somebody was faster.
    }
  };
}

/** In one step, so that nobody ever reads half of it, and never through a link that somebody planted. */
function write(path: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw new Error('it is a symbolic link');
    if (lstatSync(draft, { throwIfNoEntry: false }) !== undefined) unlinkSync(draft);
    const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
    const descriptor = openSync(draft, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o644);
    writeSync(descriptor, `${process.pid}\n`);
    closeSync(descriptor);
    renameSync(draft, path);
  } catch (thrown) {
    throw new RrtsError('ERR_CONFIG_INVALID', `the pid file ${path} cannot be written: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

function pidIn(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
