// Looks at a data file before LMDB opens it: LMDB trusts the file, and one that is not its own would end this process.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, fchmodSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { messageOf, RrtsError } from '../../../core/errors.ts';

/** A data file that is this process's own until `close`. */
export interface DataFile {
  readonly path: string;
  /** Lets others have it. */
  close(): void;
}

/** Layout of a meta page: after the page header of 24 bytes come magic, version, an address, the map size, and two trees. */
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const PAGE_SIZE_AT = 48;
const ROOTS_AT = [88, 136] as const;
const TRANSACTION_AT = 152;
const META_BYTES = 160;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/**
 * Makes the file with its folder where there is none, gives it its rights, takes it for this process, and checks that it is LMDB's.
 * @param mode - rights of the file and of LMDB's lock file beside it
 * @throws RrtsError ERR_STORE for a file that cannot be written, that another server has, that is no LMDB file or a damaged one.
 */
export async function takeDataFile(path: string, mode: number, key: string): Promise<DataFile> {
  const handle = openOrMake(path, mode, key);
  let owner: Server | undefined;
  try {
    owner = await own(handle, path, key);
    const fault = faultOf(handle);
    if (fault === undefined) {
      closeSync(openOrMake(`${path}-lock`, mode, key));
      const taken = owner;
      return { path, close: () => void taken?.close() };
    }
    throw new RrtsError('ERR_STORE', `${path} ${fault}`, {
      place: key,
      cure: 'Name another file, or move this one away and start with an empty storage.',
    });
  } catch (error) {
    owner?.close();
    throw error;
  } finally {
    closeSync(handle);
  }
}

function openOrMake(path: string, mode: number, key: string): number {
  try {
    const folder = dirname(path);
    // One level: a longer path that is not there is more likely a mistake.
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    const handle = openSync(path, 'a+', mode);
    fchmodSync(handle, mode);
    return handle;
  } catch (thrown) {
    const cure = 'The folder must exist and be writable for the user who runs rrts.';
    throw new RrtsError('ERR_STORE', `${path} cannot be opened: ${messageOf(thrown)}`, {
      place: key,
      cure,
      cause: thrown,
    });
  }
}

/**
 * Two servers on one file would sweep and empty it under one another. A name in Linux's abstract socket namespace ends with its
 * process, however that ends; other systems have none, and there nothing watches.
 */
async function own(handle: number, path: string, key: string): Promise<Server | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { dev, ino } = fstatSync(handle, { bigint: true });
  const id = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const text = `${path} is in use by another server`;
      reject(new RrtsError('ERR_STORE', text, { place: key, cure: 'Give each server a file of its own.', cause }));
    });
    server.listen(`\0rrts-kv-${id}`, () => resolve(server));
  });
}

/** What is wrong with it; undefined for an empty file and a good one. Only the newer of the two meta pages counts, as in LMDB. */
function faultOf(handle: number): string | undefined {
  const { size } = fstatSync(handle);
  if (size === 0) return undefined;
  const first = readMeta(handle, 0);
  if (first === undefined) return 'is no file of this storage';
  const pageSize = first.readUInt32LE(PAGE_SIZE_AT);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0)
    return 'is damaged: its page size is wrong';
  const second = readMeta(handle, pageSize);
  if (second === undefined) return 'is damaged: its second page is missing or wrong';
  const newer = second.readBigUInt64LE(TRANSACTION_AT) > first.readBigUInt64LE(TRANSACTION_AT) ? second : first;
  const pages = BigInt(Math.floor(size / pageSize));
  const roots = ROOTS_AT.map((offset) => newer.readBigUInt64LE(offset));
  return roots.some((root) => root !== NO_PAGE && root >= pages) ? 'is damaged: its end is missing' : undefined;
}

function readMeta(handle: number, position: number): Buffer | undefined {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(handle, bytes, 0, META_BYTES, position) < META_BYTES) return undefined;
  const good = bytes.readUInt32LE(MAGIC_AT) === MAGIC && (bytes.readUInt32LE(MAGIC_AT + 4) & 0xffff) === FORMAT;
  return good ? bytes : undefined;
}
