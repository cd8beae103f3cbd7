// The end of the log, where records are appended: files are begun, left when they are full, and never trusted again after an error of the disk.

import { randomInt } from 'node:crypto';
import { type FileHandle, unlink } from 'node:fs/promises';
import { type LogRecord, writeMark } from './record.ts';
import { encodeSegmentHead, SEGMENT_HEAD, Segment } from './segment.ts';
import { type OpenFile, syncDirectory } from './store-error.ts';

/** What the log is told. */
export interface LogOptions {
  readonly directory: string;
  /** Rights of the files. */
  readonly mode: number;
  /** A file that is as large as this is left for a new one. */
  readonly segmentBytes: number;
  readonly open: OpenFile;
}

/** `kept`: some of it may be in the file nevertheless, because it could not be cut off again. */
export type AppendResult =
  | { readonly ok: true; readonly segment: Segment; readonly offset: number }
  | { readonly ok: false; readonly path: string; readonly cause: unknown; readonly kept: boolean };

/** Writes records one after the other. Its methods are never called while another one is under way. */
export class LogHead {
  readonly #options: LogOptions;
  readonly #segments: Segment[];
  #segment: Segment | undefined;
  #handle: FileHandle | undefined;
  #nextNumber: number;

  /** @param segments - all files, oldest first; new ones are added to it. */
  constructor(options: LogOptions, segments: Segment[]) {
    this.#options = options;
    this.#segments = segments;
    this.#nextNumber = (segments.at(-1)?.number ?? 0) + 1;
  }

  /** The file that is written to; undefined before the first record, and after an error. */
  get segment(): Segment | undefined {
    return this.#segment;
  }

  /** Appends records, and syncs the file if `sync`. They are all there, or none is, unless the result says otherwise. */
  async append(records: readonly LogRecord[], sync: boolean): Promise<AppendResult> {
    const { directory, segmentBytes } = this.#options;
    if (this.#segment !== undefined && this.#segment.size >= segmentBytes) {
      const cause = await this.sync();
      if (cause !== undefined) return { ok: false, path: directory, cause, kept: false };
      await this.#leave();
    }
    if (this.#segment === undefined) {
      const cause = await this.#begin();
      if (cause !== undefined) return { ok: false, path: directory, cause, kept: false };
    }
    return this.#write(this.#segment as unknown as Segment, records, sync);
  }

  /** Makes all that was appended safe. Gives the error when it failed; then the file is left as it is. */
  async sync(): Promise<unknown> {
    try {
      await this.#handle?.datasync();
      return undefined;
    } catch (thrown) {
      await this.#leave();
      return thrown;
    }
  }

  /** Closes the file. */
  close(): Promise<void> {
    return this.#leave();
  }

  async #write(segment: Segment, records: readonly LogRecord[], sync: boolean): Promise<AppendResult> {
    const handle = this.#handle as FileHandle;
    const offset = segment.size;
    for (const [first] of records) if (first !== undefined) writeMark(first, segment.mark);
    const bytes = records.flat();
    const length = bytes.reduce((sum, part) => sum + part.length, 0);
    let isWritten = false;
    try {
      await writeAll(handle, bytes, offset, length);
      isWritten = true;
      if (sync) await handle.datasync();
      segment.size = offset + length;
      return { ok: true, segment, offset };
    } catch (cause) {
      // After a sync that failed nobody knows what of the file is on the disk, the cut included, and a further sync would not tell: Linux reports an error once.
      const kept = !(await cut(handle, offset)) || isWritten;
      if (kept || this.#isSpent(segment)) await this.#leave();
      return { ok: false, path: segment.path, cause, kept };
    }
  }

  /** It fills the disk with nothing that is needed. Left behind it is removed at once, and makes the room that the next record needs. */
  #isSpent(segment: Segment): boolean {
    return segment === this.#segments[0] && segment.live.size === 0 && segment.size > SEGMENT_HEAD;
  }

  async #begin(): Promise<unknown> {
    const { directory, mode, open } = this.#options;
    const segment = new Segment(directory, this.#nextNumber, randomInt(1, 2 ** 32 - 1));
    let handle: FileHandle | undefined;
    try {
      handle = await open(segment.path, 'wx', mode);
      await handle.chmod(mode);
      await writeAll(handle, [encodeSegmentHead(segment.number)], 0, SEGMENT_HEAD);
      await handle.datasync();
      await syncDirectory(directory, open);
    } catch (thrown) {
      await handle?.close().catch(() => undefined);
      if (handle !== undefined) await unlink(segment.path).catch(() => undefined);
      return thrown;
    }
    this.#nextNumber++;
    this.#handle = handle;
    this.#segment = segment;
    this.#segments.push(segment);
    return undefined;
  }

  async #leave(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#segment = undefined;
    // What it would report has been reported by the sync before it, or does not matter any more.
    await handle?.close().catch(() => undefined);
  }
}

/** A write may be cut short where the disk is full; the next one then says why. */
async function writeAll(handle: FileHandle, bytes: readonly Buffer[], at: number, length: number): Promise<void> {
  let { bytesWritten } = await handle.writev(bytes, at);
  if (bytesWritten === length) return;
  const all = Buffer.concat(bytes);
  while (bytesWritten < length) {
    const more = await handle.write(all, bytesWritten, length - bytesWritten, at + bytesWritten);
    if (more.bytesWritten === 0) throw new Error('nothing more can be written');
    bytesWritten += more.bytesWritten;
  }
}

async function cut(handle: FileHandle, size: number): Promise<boolean> {
  try {
    await handle.truncate(size);
    return true;
  } catch {
    return false;
  }
}
