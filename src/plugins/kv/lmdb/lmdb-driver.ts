// A storage in one file (LMDB): what was answered is on the disk, also when the server is killed or the machine loses power.

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { messageOf, RrtsError } from '../../../core/errors.ts';
import type { Driver, DriverContext, Entry, Expiry, Found } from '../driver.ts';
import { type DataFile, takeDataFile } from './data-file.ts';

/** What an LMDB storage is told. */
export interface LmdbOptions {
  /** The key of the configuration; errors name it. */
  readonly key: string;
  readonly file: string;
  /** Rights of the file. */
  readonly mode: number;
  /** Milliseconds between two searches for what has ended. */
  readonly intervalMs: number;
}

/**
 * First byte of a name in the file. A value and its end are two records: a new end then needs no new value, and nothing has to be read
 * before it is written.
 */
const MARK = { about: 0, value: 1, end: 2 } as const;
const ABOUT = Buffer.from([MARK.about]);
const FORMAT = Buffer.from('rrts kv 1');
/** LMDB takes names of up to 1978 bytes; longer keys go in by their hash. */
const LONGEST_KEY = 1900;
const SLICE = 1000;

/** Reads happen at once in the mapped file, writes are gathered by LMDB and settle when they are on the disk. */
export class LmdbDriver implements Driver {
  readonly #options: LmdbOptions;
  readonly #context: DriverContext;
  #file: DataFile | undefined;
  #opened: RootDatabase<Buffer, Buffer> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A search that runs; `stop` waits for it. */
  #search: Promise<void> | undefined;
  #stopping = false;
  /** How many writes of a name are under way: a search must not remove what is just being written anew. */
  readonly #writing = new Map<string, number>();

  constructor(options: LmdbOptions, context: DriverContext) {
    this.#options = options;
    this.#context = context;
  }

  /** Records in the file: a value is one, its end another, and one says whose file it is. */
  get records(): number {
    return this.#db.getKeysCount();
  }

  async start(): Promise<void> {
    const { key, file, mode, intervalMs } = this.#options;
    const { open } = await load(key);
    this.#file = await takeDataFile(resolve(this.#context.directory, file), mode, key);
    try {
      // Without overlappingSync a write settles when it is synced, not when others can see it.
      const db = open<Buffer, Buffer>({
        path: this.#file.path,
        noSubdir: true,
        encoding: 'binary',
        keyEncoding: 'binary',
        overlappingSync: false,
      });
      this.#opened = db;
      await checkFormat(db, this.#file.path, key);
    } catch (thrown) {
      await this.stop();
      if (thrown instanceof RrtsError) throw thrown;
      throw new RrtsError('ERR_STORE', `${file} cannot be opened: ${messageOf(thrown)}`, { place: key, cause: thrown });
    }
    this.#timer = setInterval(() => this.#sweep(), intervalMs);
    this.#timer.unref();
  }

  async has(keys: readonly string[]): Promise<string[]> {
    return keys.filter((key) => this.#exists(nameOf(key)));
  }

  async get(keys: readonly string[]): Promise<Found[]> {
    return keys.flatMap((key) => {
      const name = nameOf(key);
      const value = this.#exists(name) ? this.#db.getBinary(record(MARK.value, name)) : undefined;
      return value === undefined ? [] : [{ key, value }];
    });
  }

  async expiries(keys: readonly string[]): Promise<Expiry[]> {
    return keys.flatMap((key) => {
      const name = nameOf(key);
      return this.#exists(name) ? [{ key, expiresAt: this.#endOf(name) }] : [];
    });
  }

  set(entries: readonly Entry[]): Promise<void> {
    const now = this.#context.now();
    return this.#write(entries, (db, name, { value, expiresAt }) => {
      if (expiresAt !== undefined && expiresAt <= now) return remove(db, name);
      db.put(record(MARK.value, name), value);
      if (expiresAt === undefined) db.remove(record(MARK.end, name));
      else db.put(record(MARK.end, name), endBytes(expiresAt));
    });
  }

  expire(expiries: readonly (Expiry & { readonly expiresAt: number })[]): Promise<void> {
    const now = this.#context.now();
    return this.#write(expiries, (db, name, { expiresAt }) => {
      if (!this.#exists(name)) return;
      if (expiresAt <= now) remove(db, name);
      else db.put(record(MARK.end, name), endBytes(expiresAt));
    });
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#write(
      keys.map((key) => ({ key })),
      (db, name) => remove(db, name),
    );
  }

  async clear(): Promise<void> {
    const db = this.#db;
    const cleared = db.clearAsync();
    await Promise.all([cleared, db.put(ABOUT, FORMAT)]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#search;
    await this.#opened?.close();
    this.#opened = undefined;
    this.#file?.close();
    this.#file = undefined;
  }

  get #db(): RootDatabase<Buffer, Buffer> {
    if (this.#opened === undefined) throw new RrtsError('ERR_STORE', `storage ${this.#context.storage} is closed`);
    return this.#opened;
  }

  #exists(name: Buffer): boolean {
    if (!this.#db.doesExist(record(MARK.value, name))) return false;
    const end = this.#endOf(name);
    return end === undefined || end > this.#context.now();
  }

  #endOf(name: Buffer): number | undefined {
    return this.#db.getBinary(record(MARK.end, name))?.readDoubleBE(0);
  }

  /** All in one transaction, behind those that were begun before. */
  async #write<Item extends { readonly key: string }>(
    items: readonly Item[],
    put: (db: RootDatabase<Buffer, Buffer>, name: Buffer, item: Item) => void,
  ): Promise<void> {
    const db = this.#db;
    const named = items.map((item) => ({ item, name: nameOf(item.key) }));
    for (const { name } of named) this.#count(name, 1);
    try {
      await db.batch(() => {
        for (const { item, name } of named) put(db, name, item);
      });
    } catch (thrown) {
      const text = `${this.#options.file} could not be written: ${messageOf(thrown)}`;
      throw new RrtsError('ERR_STORE', text, { place: this.#options.key, cause: thrown });
    } finally {
      for (const { name } of named) this.#count(name, -1);
    }
  }

  #count(name: Buffer, change: 1 | -1): void {
    const id = name.toString('latin1');
    const count = (this.#writing.get(id) ?? 0) + change;
    if (count === 0) this.#writing.delete(id);
    else this.#writing.set(id, count);
  }

  #sweep(): void {
    this.#search ??= this.#searchAll()
      .catch((error) => {
        const { logger, storage } = this.#context;
        logger.warn({ storage }, `kv storage ${storage}: ended entries could not be removed: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#search = undefined;
      });
  }

  /** In slices, so that requests are served in between. */
  async #searchAll(): Promise<void> {
    let from: Buffer | undefined = Buffer.from([MARK.end]);
    while (from !== undefined && !this.#stopping) from = await this.#searchSlice(from);
  }

  /** @returns where to go on; undefined at the end. */
  async #searchSlice(from: Buffer): Promise<Buffer | undefined> {
    const db = this.#db;
    const now = this.#context.now();
    const ended: Buffer[] = [];
    let last: Buffer | undefined;
    let count = 0;
    for (const { key, value } of db.getRange({ start: from, end: Buffer.from([MARK.end + 1]), limit: SLICE })) {
      count++;
      last = Buffer.from(key);
      const name = last.subarray(1);
      if (value.readDoubleBE(0) <= now && !this.#writing.has(name.toString('latin1'))) ended.push(name);
    }
    // Nothing was awaited since the look: what is written from now on comes after this transaction.
    if (ended.length === 0) await new Promise((done) => setImmediate(done));
    else {
      await db.batch(() => {
        for (const name of ended) remove(db, name);
      });
    }
    return count < SLICE || last === undefined ? undefined : Buffer.concat([last, Buffer.from([0])]);
  }
}

/** The bytes of a key behind their mark; 0: the key itself, 1: its hash. */
function nameOf(key: string): Buffer {
  const bytes = Buffer.from(key);
  if (bytes.length <= LONGEST_KEY) return Buffer.concat([Buffer.from([0]), bytes]);
  return Buffer.concat([Buffer.from([1]), createHash('sha256').update(bytes).digest()]);
}

function record(mark: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from([mark]), name]);
}

function remove(db: RootDatabase<Buffer, Buffer>, name: Buffer): void {
  db.remove(record(MARK.value, name));
  db.remove(record(MARK.end, name));
}

function endBytes(expiresAt: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(expiresAt);
  return bytes;
}

async function checkFormat(db: RootDatabase<Buffer, Buffer>, path: string, key: string): Promise<void> {
  const found = db.getBinary(ABOUT);
  if (found?.equals(FORMAT) === true) return;
  const isEmpty = found === undefined && db.getKeysCount({ limit: 1 }) === 0;
  if (isEmpty) {
    await db.put(ABOUT, FORMAT);
    return;
  }
  throw new RrtsError('ERR_STORE', `${path} is an LMDB file of another program or another version of rrts`, {
    place: key,
    cure: 'Name another file.',
  });
}

async function load(key: string): Promise<typeof import('lmdb')> {
  try {
    return await import('lmdb');
  } catch (thrown) {
    throw new RrtsError('ERR_STORE', `the package lmdb, which ${key} needs, cannot be loaded: ${messageOf(thrown)}`, {
      place: key,
      cure: 'Run npm install lmdb.',
      cause: thrown,
    });
  }
}
