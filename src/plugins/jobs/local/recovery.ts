// What an earlier process left: reads the log from its oldest record to its newest, and mends what a crash, or the disk, has broken.

import { type FileHandle, readdir, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RrtsError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import { copyAside } from './aside.ts';
import { Entry } from './entry.ts';
import { encodeSkipHead, RECORD_HEAD, RECORD_KIND, readAcks, readPut, recordKind, writeMark } from './record.ts';
import { type BadRange, scanRecords } from './scan.ts';
import { encodeSegmentHead, inspectSegmentHead, SEGMENT_HEAD, Segment } from './segment.ts';
import { type OpenFile, storeError, syncDirectory } from './store-error.ts';

/** What recovery is told. */
export interface RecoveryOptions {
  readonly directory: string;
  readonly pipeline: string;
  readonly key: string;
  readonly logger: Logger;
  readonly open: OpenFile;
}

/** What was found. */
export interface Recovered {
  /** Oldest first. */
  readonly segments: Segment[];
  /** Jobs that are not done, in no order. */
  readonly entries: readonly Entry[];
  /** Not used by any record. */
  readonly nextSequence: number;
}

/**
 * Reads the log of a directory. Bytes that are no records are moved to files beside it, never thrown away: a torn end, which is what a crash leaves, with a
 * warning; damage in the middle with an error.
 * @throws RrtsError ERR_JOBS_STORE for files that cannot be read or mended, and for those of a newer version or of another program, which stay as they are.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { directory, key, open } = options;
  try {
    const names = (await readdir(directory)).sort();
    const found = names.map((name) => Segment.named(directory, name)).filter((segment) => segment !== undefined);
    const recovery = new Recovery(options);
    for (const segment of found) await recovery.read(segment, segment === found.at(-1));
    if (found.length > 0) await syncDirectory(directory, open);
    return recovery.result();
  } catch (thrown) {
    if (thrown instanceof RrtsError) throw thrown;
    throw storeError(directory, 'cannot be read', thrown, key);
  }
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #segments: Segment[] = [];
  readonly #entries = new Map<number, Entry>();
  #highest = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  result(): Recovered {
    return { segments: this.#segments, entries: [...this.#entries.values()], nextSequence: this.#highest + 1 };
  }

  async read(segment: Segment, isLast: boolean): Promise<void> {
    const { open, key } = this.#options;
    const file = await open(segment.path, 'r+').catch((thrown) => {
      throw storeError(segment.path, 'cannot be opened', thrown, key);
    });
    try {
      const { size } = await file.stat();
      const head = Buffer.alloc(Math.min(size, SEGMENT_HEAD));
      await file.read(head, 0, head.length, 0);
      const finding = inspectSegmentHead(head);
      if (finding === 'newer') throw this.#refusal(segment, 'was written by a newer version of rrts');
      let records = 0;
      const bad = await scanRecords(file, segment.mark, size, (record, offset) => {
        records++;
        this.#take(segment, record, offset);
      });
      if (finding !== 'good' && records === 0) {
        await this.#setAsideWhole(segment, size, finding === 'damaged');
        return;
      }
      segment.size = size;
      this.#segments.push(segment);
      if (finding !== 'good') bad.unshift({ from: 0, to: SEGMENT_HEAD });
      await this.#mend(segment, file, bad, isLast);
      // A killed process may have left records that only the memory of the system has; from now on they are counted on.
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  #take(segment: Segment, record: Buffer, offset: number): void {
    const kind = recordKind(record);
    if (kind === RECORD_KIND.put) {
      const fields = readPut(record);
      this.#highest = Math.max(this.#highest, fields.sequence, fields.order);
      this.#entries.get(fields.sequence)?.leave();
      const entry = new Entry(fields);
      this.#entries.set(fields.sequence, entry);
      entry.moveTo(segment, offset, record.length);
    } else if (kind === RECORD_KIND.ack) {
      for (const sequence of readAcks(record)) {
        this.#highest = Math.max(this.#highest, sequence);
        this.#entries.get(sequence)?.leave();
        this.#entries.delete(sequence);
      }
    } else if (kind !== RECORD_KIND.skip) {
      throw this.#refusal(segment, 'was written by a newer version of rrts');
    }
  }

  async #mend(segment: Segment, file: FileHandle, bad: readonly BadRange[], isLast: boolean): Promise<void> {
    if (bad.length === 0) return;
    let bytes = 0;
    const asides: string[] = [];
    for (const range of bad) {
      bytes += range.to - range.from;
      asides.push(await copyAside(segment.path, file, range, this.#options.open));
    }
    const { pipeline, logger } = this.#options;
    const facts = { pipeline, file: segment.path, bytes, kept: asides };
    const isTornEnd = isLast && bad.length === 1 && bad[0]?.to === segment.size && bad[0].from > 0;
    for (const range of bad) await mendRange(segment, file, range);
    if (isTornEnd) {
      logger.warn(
        facts,
        `the end of the queue's file was not written completely: ${bytes} bytes were cut off and moved to a file beside it`,
      );
    } else {
      logger.error(
        facts,
        `the queue's file is damaged: ${bytes} bytes in ${bad.length} places cannot be read, the jobs in them are lost`,
      );
    }
  }

  /** A file without one record: begun when the machine went down, or not ours. */
  async #setAsideWhole(segment: Segment, size: number, isForeign: boolean): Promise<void> {
    if (isForeign) throw this.#refusal(segment, 'is no file of a queue');
    if (size === 0) {
      await unlink(segment.path);
      return;
    }
    const path = `${segment.path}.corrupt-0`;
    await rename(segment.path, path);
    const facts = { pipeline: this.#options.pipeline, file: segment.path, bytes: size, kept: [path] };
    this.#options.logger.warn(
      facts,
      `a file of the queue was begun and not written: its ${size} bytes were moved to a file beside it`,
    );
  }

  #refusal(segment: Segment, what: string): RrtsError {
    return new RrtsError('ERR_JOBS_STORE', `${segment.path} ${what}`, {
      place: this.#options.key,
      cure: `Name another directory, or move this file out of ${dirname(segment.path)}.`,
    });
  }
}

/** Makes a range something that later starts pass over without a word. */
async function mendRange(segment: Segment, file: FileHandle, { from, to }: BadRange): Promise<void> {
  if (from === 0) {
    await file.write(encodeSegmentHead(segment.number), 0, SEGMENT_HEAD, 0);
  } else if (to === segment.size) {
    await file.truncate(from);
    segment.size = from;
  } else if (to - from >= RECORD_HEAD) {
    const damage = Buffer.alloc(to - from - RECORD_HEAD);
    await file.read(damage, 0, damage.length, from + RECORD_HEAD);
    const head = encodeSkipHead(damage);
    writeMark(head, segment.mark);
    await file.write(head, 0, head.length, from);
  }
}
