// Reads the records of waiting jobs shortly before they are handed over; neighbours come with them, as a queue is mostly read in order.

import type { FileHandle } from 'node:fs/promises';
import type { Entry } from './entry.ts';
import { isIntact } from './record.ts';
import type { Segment } from './segment.ts';
import { type OpenFile, storeError } from './store-error.ts';

const CHUNK_BYTES = 256 * 1024;
/** Several, because jobs of several priorities, and those that came back, lie in several places. */
const CHUNKS = 4;

interface Chunk {
  readonly segment: Segment;
  readonly from: number;
  readonly bytes: Buffer;
}

/** Keeps the last parts of files that were read. */
export class RecordReader {
  readonly #open: OpenFile;
  readonly #key: string;
  #chunks: Chunk[] = [];

  constructor(open: OpenFile, key: string) {
    this.#open = open;
    this.#key = key;
  }

  /** The record of the entry: a view, undefined when it must be loaded first, `damaged` when it is not what was written. */
  cached(entry: Entry): Buffer | 'damaged' | undefined {
    const { segment, offset, length } = entry;
    for (const chunk of this.#chunks) {
      const at = offset - chunk.from;
      if (chunk.segment !== segment || at < 0 || at + length > chunk.bytes.length) continue;
      const record = chunk.bytes.subarray(at, at + length);
      return isIntact(record, segment.mark) ? record : 'damaged';
    }
    return undefined;
  }

  /** Reads it, so that `cached` has it next. A record that the file has no longer is there as zeros. @throws RrtsError ERR_JOBS_STORE */
  async load(entry: Entry): Promise<void> {
    const { segment, offset, length } = entry;
    if (segment === undefined) return;
    try {
      const handle = await this.#open(segment.path, 'r');
      let bytes = Buffer.alloc(Math.max(length, Math.min(CHUNK_BYTES, segment.size - offset)));
      try {
        await readAll(handle, bytes, offset).catch(async () => {
          // What cannot be read may be a neighbour only.
          bytes = bytes.subarray(0, length);
          await readAll(handle, bytes, offset);
        });
      } finally {
        await handle.close();
      }
      this.#chunks = [{ segment, from: offset, bytes }, ...this.#chunks.slice(0, CHUNKS - 1)];
    } catch (thrown) {
      throw storeError(segment.path, 'cannot be read', thrown, this.#key);
    }
  }

  /** Forgets what was read. */
  clear(): void {
    this.#chunks = [];
  }
}

/** A disk may give less at once than was asked for; at the end of the file it gives nothing. */
async function readAll(handle: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled);
    if (bytesRead === 0) return;
    filled += bytesRead;
  }
}
