// Gives disk space back: removes files of which nothing is needed, and empties old ones of which little is.
//
// Only the oldest file is ever removed. So the end of a job, which is always behind its last record, outlives every record of that job, and nothing
// comes back from the dead; and a job that moved is synced at its new place before its old file goes.

import { unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../../core/logger.ts';
import type { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import type { RecordReader } from './record-reader.ts';
import type { Segment } from './segment.ts';
import { type OpenFile, storeError, syncDirectory } from './store-error.ts';

/** Below so many files' worth of bytes waste does not matter. */
const SMALL_LOG = 0.5;
/** Many small files, one of each start, are gathered too. */
const MANY_FILES = 8;
/** Moved at once, so that pushes and acks need not wait for long. */
const STEP_BYTES = 256 * 1024;

/** What a reclaimer works on. */
export interface ReclaimerOptions {
  readonly segments: Segment[];
  readonly journal: Journal;
  readonly reader: RecordReader;
  readonly logger: Logger;
  readonly key: string;
  readonly segmentBytes: number;
  readonly open: OpenFile;
  /** The record of a waiting or reserved job cannot be read. */
  damaged(entry: Entry): void;
}

/** Works in the background, in small steps, when `check` finds a reason. */
export class Reclaimer {
  readonly #options: ReclaimerOptions;
  #running: Promise<void> | undefined;
  #stopped = false;
  #complaint: string | undefined;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  /** To be called after each round of the journal. */
  check(): void {
    if (this.#running !== undefined || this.#stopped || !this.#hasWork()) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  /** Settles when it does nothing any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  get #oldest(): Segment | undefined {
    const { segments, journal } = this.#options;
    const [oldest] = segments;
    return oldest === journal.head ? undefined : oldest;
  }

  #hasWork(): boolean {
    const oldest = this.#oldest;
    if (oldest === undefined) return false;
    return oldest.live.size === 0 || (this.#options.journal.fault === undefined && this.#isWasteful());
  }

  #isWasteful(): boolean {
    const { segments, segmentBytes } = this.#options;
    let total = 0;
    let live = 0;
    for (const { size, liveBytes } of segments) {
      total += size;
      live += liveBytes;
    }
    if (segments.length > MANY_FILES + 2 * Math.ceil(live / segmentBytes)) return true;
    return total > SMALL_LOG * segmentBytes && live * 2 < total;
  }

  async #work(): Promise<void> {
    try {
      while (!this.#stopped && this.#hasWork()) {
        const oldest = this.#oldest as Segment;
        if (oldest.live.size > 0) await this.#moveSome(oldest);
        else await this.#remove(oldest);
      }
      this.#complaint = undefined;
    } catch (thrown) {
      this.#complain(thrown);
    }
  }

  async #remove(segment: Segment): Promise<void> {
    await unlink(segment.path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOENT') throw storeError(segment.path, 'cannot be removed', thrown, this.#options.key);
    });
    // Names that were removed may come back after a loss of power, and not in their order: a job without its end would run again.
    await syncDirectory(dirname(segment.path), this.#options.open).catch((thrown) => {
      throw storeError(segment.path, 'cannot be removed for good', thrown, this.#options.key);
    });
    this.#options.segments.shift();
  }

  async #moveSome(segment: Segment): Promise<void> {
    const { journal } = this.#options;
    let bytes = 0;
    // Acks change the set while files are read.
    for (const entry of [...take(segment.live, STEP_BYTES)]) {
      if (this.#stopped || bytes > STEP_BYTES) break;
      bytes += entry.length;
      await this.#move(entry, segment);
    }
    await journal.round();
  }

  async #move(entry: Entry, segment: Segment): Promise<void> {
    const { journal, reader, damaged } = this.#options;
    if (reader.cached(entry) === undefined) await reader.load(entry);
    // It may have been acknowledged, or have come back with a newer record, meanwhile.
    if (entry.segment !== segment || journal.hasPut(entry)) return;
    const record = reader.cached(entry);
    if (record === 'damaged') damaged(entry);
    // A copy: the mark of the new file goes into it.
    else if (record !== undefined) journal.put(entry, [Buffer.from(record)]);
  }

  #complain(thrown: unknown): void {
    const text = (thrown as Error).message;
    if (text !== this.#complaint) this.#options.logger.error({ error: text }, 'the queue cannot give disk space back');
    this.#complaint = text;
  }
}

function* take(entries: Iterable<Entry>, most: number): Generator<Entry> {
  let bytes = 0;
  for (const entry of entries) {
    yield entry;
    bytes += entry.length;
    if (bytes > most) return;
  }
}
