// The unix socket of the rpc plugin as a file: the directory it may be in, and whose it is.

import { lchownSync, lstatSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { sharedDirectoryFault } from '../../core/private-directory.ts';
import type { WorkerOwner } from '../plugin.ts';

const KEY = 'rpc.listen';
const ROOT_USER = 0;

/** The file, from before it is there until after it is gone. */
export class SocketFile {
  readonly #path: string;
  readonly #directory: string;
  readonly #logger: Logger;
  /** True when the directory is there because of us. */
  #made = false;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#directory = dirname(path);
    this.#logger = logger;
  }

  /**
   * Makes the directory, for its owner only, when it is not there; its parents not.
   * @throws RrtsError ERR_LISTEN when it cannot be made, or when others than we, root and `owner` could put their own socket there.
   */
  prepare(owner: WorkerOwner | undefined): void {
    const uid = process.getuid?.() ?? ROOT_USER;
    if (lstatSync(this.#directory, { throwIfNoEntry: false }) === undefined) this.#make();
    const fault = sharedDirectoryFault(this.#directory, [uid, ROOT_USER, owner?.uid ?? uid]);
    if (fault === undefined) return;
    throw new RrtsError('ERR_LISTEN', `${KEY}: ${fault}: another user could answer in our place`, {
      cure: 'Name a directory that only the user of rrts can write to; one that does not exist is made with mode 0700.',
    });
  }

  /** Gives the socket, and the directory if we made it, to whom it is for; undefined is ourselves. */
  giveTo(owner: WorkerOwner | undefined): void {
    if (process.getuid === undefined || process.getgid === undefined) return;
    const { uid, gid } = owner ?? { uid: process.getuid(), gid: process.getgid() };
    // What lies there now may be a link that somebody planted: whoever owns the directory can do that.
    lchownSync(this.#path, uid, gid);
    if (this.#made) lchownSync(this.#directory, uid, gid);
    else if (owner !== undefined && !mayEnter(this.#directory, owner)) {
      this.#logger.warn({}, `${KEY}: the workers (user ${uid}) cannot enter the directory ${this.#directory}`);
    }
  }

  /** Removes the directory if we made it and nothing else is in it. */
  remove(): void {
    if (!this.#made) return;
    try {
      rmdirSync(this.#directory);
    } catch {
      // Somebody uses it as well.
    }
  }

  #make(): void {
    try {
      mkdirSync(this.#directory, { mode: 0o700 });
      this.#made = true;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new RrtsError('ERR_LISTEN', `${KEY}: the directory ${this.#directory} cannot be made (${code})`, {
        cure: 'Make it, with mode 0700 for the user of rrts, or name another one.',
        cause,
      });
    }
  }
}

/** By owner, group and mode; further groups of the user do not count. */
function mayEnter(directory: string, { uid, gid }: WorkerOwner): boolean {
  const found = statSync(directory);
  const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
  return uid === ROOT_USER || (found.mode & bit) !== 0;
}
