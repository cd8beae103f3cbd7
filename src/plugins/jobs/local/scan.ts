// Reads a log file from its first record to its last, and finds its way again behind damage.

import type { FileHandle } from 'node:fs/promises';
import { isIntact, RECORD_HEAD, recordLength } from './record.ts';
import { SEGMENT_HEAD } from './segment.ts';

/** Read at once. Between two readings the event loop turns. */
const WINDOW = 1024 * 1024;

/** Bytes of a file that are no records. */
export interface BadRange {
  readonly from: number;
  readonly to: number;
}

/** Calls `visit` for each intact record, which is a view that is good for the call only, and gives what lies between them. */
export async function scanRecords(
  file: FileHandle,
  mark: number,
  size: number,
  visit: (record: Buffer, offset: number) => void,
): Promise<BadRange[]> {
  const window = new Window(file, size);
  const bad: BadRange[] = [];
  const pattern = Buffer.alloc(4);
  pattern.writeUInt32LE(mark);
  let offset = SEGMENT_HEAD;
  while (offset < size) {
    const record = window.record(offset, mark) ?? (await window.loadRecord(offset, mark));
    if (record !== undefined) {
      visit(record, offset);
      offset += record.length;
      continue;
    }
    const from = offset;
    offset = await nextRecord(window, pattern, mark, offset + 1);
    bad.push({ from, to: offset });
  }
  return bad;
}

/** Where the next intact record begins; the end of the file when there is none. */
async function nextRecord(window: Window, pattern: Buffer, mark: number, from: number): Promise<number> {
  for (let at = from; ; at++) {
    at = await window.find(pattern, at);
    if (at === window.size || (await window.loadRecord(at, mark)) !== undefined) return at;
  }
}

/** A part of the file in memory. */
class Window {
  readonly size: number;
  readonly #file: FileHandle;
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** The intact record at `offset`, when all of it is in memory. */
  record(offset: number, mark: number): Buffer | undefined {
    const head = this.#view(offset, RECORD_HEAD);
    const length = head === undefined ? undefined : recordLength(head, mark);
    const record = length === undefined ? undefined : this.#view(offset, length);
    return record !== undefined && isIntact(record, mark) ? record : undefined;
  }

  /** The intact record at `offset`, if there is one. */
  async loadRecord(offset: number, mark: number): Promise<Buffer | undefined> {
    const head = this.#view(offset, RECORD_HEAD) ?? (await this.#load(offset, RECORD_HEAD));
    const length = head === undefined ? undefined : recordLength(head, mark);
    if (length === undefined || offset + length > this.size) return undefined;
    const record = this.#view(offset, length) ?? (await this.#load(offset, length));
    return record !== undefined && isIntact(record, mark) ? record : undefined;
  }

  /** Where `pattern` is next, from `offset` on; the end of the file when it is not. */
  async find(pattern: Buffer, offset: number): Promise<number> {
    for (let from = offset; from + pattern.length <= this.size; ) {
      const view = this.#rest(from) ?? (await this.#load(from, pattern.length));
      if (view === undefined) break;
      const rest = this.#rest(from) ?? view;
      const found = rest.indexOf(pattern);
      if (found !== -1) return from + found;
      from += Math.max(1, rest.length - pattern.length + 1);
    }
    return this.size;
  }

  #view(offset: number, length: number): Buffer | undefined {
    const at = offset - this.#from;
    return at >= 0 && at + length <= this.#bytes.length ? this.#bytes.subarray(at, at + length) : undefined;
  }

  /** All of it that is in memory from `offset` on, when that is enough for a pattern. */
  #rest(offset: number): Buffer | undefined {
    const length = this.#from + this.#bytes.length - offset;
    return length >= 4 ? this.#view(offset, length) : undefined;
  }

  async #load(offset: number, length: number): Promise<Buffer | undefined> {
    if (offset + length > this.size) return undefined;
    const bytes = Buffer.allocUnsafe(Math.min(Math.max(length, WINDOW), this.size - offset));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.#file.read(bytes, filled, bytes.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#bytes = bytes.subarray(0, filled);
    this.#from = offset;
    return this.#view(offset, length);
  }
}
