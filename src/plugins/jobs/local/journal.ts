// What is to be written to the log, gathered: all that comes while the disk is busy goes out together, with one sync.

import type { RrtsError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import type { Entry } from './entry.ts';
import { type AppendResult, LogHead, type LogOptions } from './log-head.ts';
import { encodeAcks, type LogRecord, lengthOf } from './record.ts';
import type { Segment } from './segment.ts';
import { storeError } from './store-error.ts';

/** Pushes of one round; more wait for the next. One push is never divided. */
const ROUND_BYTES = 8 * 1024 * 1024;
/** How often what could not be written is tried again. */
const RETRY_MS = 1000;
/** What has been written without a sync is synced after so long: a loss of power repeats no more than that. */
const SYNC_MS = 1000;
/** Acknowledgements wait so long for company. */
const GATHER_MS = 1;

const NONE: ReadonlyMap<Entry, LogRecord> = new Map();

/** Jobs that were pushed together: all are stored, or none is. */
export interface Push {
  readonly entries: readonly Entry[];
  /** The records of the entries, in the same order. */
  readonly records: readonly LogRecord[];
  /** They are on the disk, or, with an error, are not stored. Must not throw. */
  settle(error?: RrtsError): void;
}

/** What the journal is told. */
export interface JournalOptions extends LogOptions {
  readonly pipeline: string;
  readonly key: string;
  readonly logger: Logger;
  /** A new record of the entry is on the disk. */
  moved(entry: Entry): void;
  /** A round has ended. */
  rounded(): void;
}

interface Round {
  readonly pushes: readonly Push[];
  readonly puts: ReadonlyMap<Entry, LogRecord>;
  readonly acks: readonly number[];
}

/** The one writer of the log. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #head: LogHead;
  #pushes: Push[] = [];
  /** New records of jobs that are stored already. */
  #puts = new Map<Entry, LogRecord>();
  /** Those of them that a round under way writes. */
  #writing: ReadonlyMap<Entry, LogRecord> = NONE;
  #acks: number[] = [];
  #putBytes = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #gather: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  /** What went wrong last; undefined while all is well. */
  #fault: RrtsError | undefined;
  /** Nothing but a push, the timer or the end makes another attempt. */
  #resting = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncWanted = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(options: JournalOptions, segments: Segment[]) {
    this.#options = options;
    this.#head = new LogHead(options, segments);
  }

  /** The file that is written to. */
  get head(): Segment | undefined {
    return this.#head.segment;
  }

  /** What went wrong last; undefined while all is well. */
  get fault(): RrtsError | undefined {
    return this.#fault;
  }

  /** Bytes of records of jobs that came back, and which exist in memory only. */
  get heldBytes(): number {
    return this.#putBytes;
  }

  /** Stores new jobs. */
  push(push: Push): void {
    this.#pushes.push(push);
    this.#resting = false;
    this.#schedule();
  }

  /** Stores a new record of a job; the one before it counts until this one is on the disk. */
  put(entry: Entry, record: LogRecord): void {
    this.#dropPut(entry);
    this.#puts.set(entry, record);
    this.#putBytes += lengthOf(record);
    this.#schedule();
  }

  /** Whether a record of the entry is to be written, or just being written. */
  hasPut(entry: Entry): boolean {
    return this.#puts.has(entry) || this.#writing.has(entry);
  }

  /** The job is done. It is gone from the log when this is written, or when its last record is removed. */
  ack(entry: Entry): void {
    this.#dropPut(entry);
    entry.leave();
    this.#acks.push(entry.sequence);
    this.#schedule();
  }

  /** Settles when a round that begins after this call has ended, well or not. */
  async round(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#waiters.push(resolve);
      this.#schedule();
    });
  }

  /** Writes what is to be written, as far as it can be, and closes the file. */
  async close(): Promise<void> {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#syncTimer);
    this.#resting = false;
    this.#syncWanted = true;
    // A run may have looked for work for the last time before this call.
    await this.#running;
    await (this.#running ?? this.#run());
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    await this.#head.close();
  }

  #dropPut(entry: Entry): void {
    const record = this.#puts.get(entry);
    if (record === undefined) return;
    this.#puts.delete(entry);
    this.#putBytes -= lengthOf(record);
  }

  /** In the next turn, so that all that this turn brings goes out together. Nobody waits for acknowledgements: those of a millisecond share a write. */
  #schedule(): void {
    if (this.#running !== undefined || this.#scheduled !== undefined || this.#closed) return;
    if (this.#hasOnlyAcks) this.#gather ??= setTimeout(() => void this.#run(), GATHER_MS);
    else this.#scheduled = setImmediate(() => void this.#run());
  }

  get #hasOnlyAcks(): boolean {
    return this.#pushes.length === 0 && this.#puts.size === 0 && this.#waiters.length === 0 && !this.#syncWanted;
  }

  #run(): Promise<void> {
    clearImmediate(this.#scheduled);
    clearTimeout(this.#gather);
    this.#scheduled = undefined;
    this.#gather = undefined;
    this.#running = this.#rounds().finally(() => {
      this.#running = undefined;
      if (this.#hasWork() || this.#waiters.length > 0) this.#schedule();
    });
    return this.#running;
  }

  async #rounds(): Promise<void> {
    do {
      const waiters = this.#waiters;
      this.#waiters = [];
      if (this.#hasWork()) await this.#one();
      for (const wake of waiters) wake();
      this.#options.rounded();
    } while (this.#hasWork() && !this.#hasOnlyAcks);
  }

  #hasWork(): boolean {
    if (this.#closed) return false;
    if (this.#pushes.length > 0) return true;
    return !this.#resting && (this.#puts.size > 0 || this.#acks.length > 0 || this.#syncWanted);
  }

  async #one(): Promise<void> {
    const round = this.#take();
    const mustSync = round.pushes.length > 0 || round.puts.size > 0 || this.#syncWanted;
    this.#syncWanted = false;
    const records = [
      ...round.pushes.flatMap((push) => push.records),
      ...round.puts.values(),
      ...encodeAcks(round.acks),
    ];
    if (records.length > 0) {
      const result = await this.#head.append(records, mustSync);
      if (result.ok) this.#stored(round, result.segment, result.offset, mustSync);
      else this.#failed(round, result);
      return;
    }
    const path = this.#head.segment?.path ?? this.#options.directory;
    const cause = await this.#head.sync();
    if (cause !== undefined) this.#failed(round, { path, cause, kept: false });
    else this.#worked();
  }

  #take(): Round {
    const pushes = this.#takePushes();
    const round: Round = { pushes, puts: this.#puts, acks: this.#acks };
    this.#writing = this.#puts;
    this.#puts = new Map();
    this.#acks = [];
    return round;
  }

  #takePushes(): readonly Push[] {
    // After an error what is owed goes first and alone: a push that is too large for the room there is must not hold up acks for ever.
    if (this.#fault !== undefined && (this.#puts.size > 0 || this.#acks.length > 0)) return [];
    let bytes = 0;
    let count = 0;
    for (const { records } of this.#pushes) {
      if (bytes > ROUND_BYTES) break;
      bytes += records.reduce((sum, record) => sum + lengthOf(record), 0);
      count++;
    }
    return this.#pushes.splice(0, count);
  }

  #stored(round: Round, segment: Segment, from: number, isSynced: boolean): void {
    this.#writing = NONE;
    let offset = from;
    for (const { entries, records } of round.pushes) {
      entries.forEach((entry, index) => {
        const length = lengthOf(records[index] ?? []);
        entry.moveTo(segment, offset, length);
        offset += length;
      });
    }
    for (const [entry, record] of round.puts) {
      const length = lengthOf(record);
      this.#putBytes -= length;
      // One that was acknowledged meanwhile has its ack in the next round.
      if (entry.state !== 'gone') {
        entry.moveTo(segment, offset, length);
        this.#options.moved(entry);
      }
      offset += length;
    }
    this.#worked();
    if (!isSynced) this.#syncSoon();
    for (const push of round.pushes) push.settle();
  }

  /** Jobs that were pushed are refused; what is owed is kept, and written when the disk takes it. */
  #failed(round: Round, { path, cause, kept }: Omit<Extract<AppendResult, { ok: false }>, 'ok'>): void {
    this.#writing = NONE;
    const fault = storeError(path, 'cannot be written', cause, this.#options.key);
    if (this.#fault?.message !== fault.message) {
      const facts = { pipeline: this.#options.pipeline, error: fault.message, cure: fault.cure };
      this.#options.logger.error(
        facts,
        'the queue cannot be written: pushes are refused, and what has been done is told to the disk later',
      );
    }
    this.#fault = fault;
    for (const [entry, record] of round.puts) {
      if (entry.state === 'gone' || this.#puts.has(entry)) this.#putBytes -= lengthOf(record);
      else this.#puts.set(entry, record);
    }
    this.#acks = round.acks.concat(this.#acks);
    // They might come back at a restart, though they were refused.
    if (kept) for (const { entries } of round.pushes) for (const { sequence } of entries) this.#acks.push(sequence);
    const refused = [...round.pushes, ...this.#pushes];
    this.#pushes = [];
    this.#resting = this.#puts.size > 0 || this.#acks.length > 0;
    if (this.#resting) this.#retryLater();
    for (const push of refused) push.settle(fault);
  }

  #worked(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.#resting = false;
    this.#options.logger.info({ pipeline: this.#options.pipeline }, 'the queue can be written again');
  }

  #retryLater(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#resting = false;
      this.#schedule();
    }, RETRY_MS);
  }

  #syncSoon(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#syncWanted = true;
      this.#schedule();
    }, SYNC_MS);
  }
}
