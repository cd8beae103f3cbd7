// A disk as a loss of power leaves it: what was synced is there, of the rest any part, in pieces of 512 bytes.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const SECTOR = 512;

/** A change of a file that is not synced yet. */
interface Change {
  readonly at: number;
  /** Undefined: the file was cut at `at`. */
  readonly bytes: Buffer | undefined;
}

interface FileState {
  synced: Buffer;
  changes: Change[];
  /** Its name is safe: the directory was synced after it was made. */
  named: boolean;
}

/** Gives files that are never synced in truth, and remembers what would be. */
export class LossyDisk {
  readonly #files = new Map<string, FileState>();

  /** For the driver. */
  readonly open = (async (path: string, flags: string, mode?: number): Promise<FileHandle> => {
    const handle = await open(path, flags, mode);
    if (!path.includes('.log')) return this.#directory(path, handle);
    // What a killed process left may be in the memory of the system only, until a start syncs it.
    if (!this.#files.has(path)) {
      const left = flags === 'wx' ? [] : [{ at: 0, bytes: readFileSync(path) }];
      this.#files.set(path, { synced: Buffer.alloc(0), changes: left, named: flags !== 'wx' });
    }
    return this.#file(this.#files.get(path) as FileState, handle);
  }) as typeof open;

  /** Writes to a fresh directory what the disk might hold now. */
  crash(from: string, to: string, chance: () => number): void {
    mkdirSync(to);
    for (const name of readdirSync(from)) {
      const state = this.#files.get(join(from, name));
      if (state === undefined || name.includes('.corrupt-')) continue;
      if (!state.named && chance() < 0.5) continue;
      writeFileSync(join(to, name), content(state, chance));
    }
  }

  #directory(path: string, handle: FileHandle): FileHandle {
    return replace(handle, {
      sync: async () => {
        for (const [file, state] of this.#files)
          if (dirname(file) === path && basename(file) !== '') state.named = true;
      },
    });
  }

  #file(state: FileState, handle: FileHandle): FileHandle {
    const sync = async (): Promise<void> => {
      const before = [...state.changes];
      await new Promise((resolve) => setImmediate(resolve));
      state.synced = before.reduce(apply, state.synced);
      state.changes = state.changes.filter((change) => !before.includes(change));
    };
    return replace(handle, {
      sync,
      datasync: sync,
      writev: async (parts: Buffer[], at: number) => {
        state.changes.push({ at, bytes: Buffer.concat(parts) });
        return handle.writev(parts, at);
      },
      write: async (bytes: Buffer, offset: number, length: number, at: number) => {
        state.changes.push({ at, bytes: Buffer.from(bytes.subarray(offset, offset + length)) });
        return handle.write(bytes, offset, length, at);
      },
      truncate: async (at: number) => {
        state.changes.push({ at, bytes: undefined });
        return handle.truncate(at);
      },
    });
  }
}

function replace(handle: FileHandle, methods: Readonly<Record<string, unknown>>): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const own = methods[String(name)];
      if (own !== undefined) return own;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function apply(file: Buffer, { at, bytes }: Change): Buffer {
  if (bytes === undefined) return file.subarray(0, at);
  const grown = Buffer.concat([file, Buffer.alloc(Math.max(0, at + bytes.length - file.length))]);
  bytes.copy(grown, at);
  return grown;
}

/** Some of the sectors of each change, with zeros where the file grew without them. */
function content(state: FileState, chance: () => number): Buffer {
  let file = Buffer.from(state.synced);
  for (const change of state.changes) {
    if (chance() < 0.3) continue;
    if (change.bytes === undefined || chance() < 0.5) {
      file = Buffer.from(apply(file, change));
      continue;
    }
    for (let from = 0; from < change.bytes.length; from += SECTOR) {
      if (chance() < 0.5) continue;
      file = Buffer.from(apply(file, { at: change.at + from, bytes: change.bytes.subarray(from, from + SECTOR) }));
    }
  }
  return file;
}
