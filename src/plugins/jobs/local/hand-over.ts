// The way out: jobs in their order to whoever runs them, and what becomes of them there.

import { messageOf } from '../../../core/errors.ts';
import type { Delivery, DriverContext, DriverStats } from '../driver.ts';
import type { Job } from '../job.ts';
import { decodeJob, encodeJob } from '../job-record.ts';
import { copyAside } from './aside.ts';
import { Entry } from './entry.ts';
import type { Journal } from './journal.ts';
import { encodePut, jobBytes } from './record.ts';
import type { RecordReader } from './record-reader.ts';
import type { OpenFile } from './store-error.ts';
import { WaitingLine } from './waiting-line.ts';

/** Jobs handed over in one turn of the event loop. */
const AT_ONCE = 256;
/** Jobs that are kept in memory though they are on the disk, because they are likely to be next: bytes of them all. */
const KEPT_BYTES = 1024 * 1024;
const JOB_BYTES = 512;
/** Records that the disk does not take; beyond it no more jobs are run, as they too might come back. */
const HELD_BYTES = 16 * 1024 * 1024;
/** Longest time between two looks at the clock, which somebody may have set. */
const LOOK_MS = 5000;
/** A disk that cannot be read is tried again after so long, with another job; the one that was tried comes later each time, at most so much. */
const READ_RETRY_MS = 1000;
const LONGEST_PUT_OFF_MS = 60_000;

/** What it works with. */
export interface HandOverOptions {
  readonly context: DriverContext;
  readonly journal: Journal;
  readonly reader: RecordReader;
  readonly open: OpenFile;
  readonly nextSequence: number;
}

/** All jobs of the queue, and their order. */
export class HandOver {
  readonly #options: HandOverOptions;
  readonly #context: DriverContext;
  readonly #journal: Journal;
  readonly #line = new WaitingLine();
  readonly #unique = new Map<string, Entry>();
  #sequence: number;
  #size = 0;
  /** What is handed over, and as what: the disk may turn out not to have it any more. */
  readonly #out = new Map<Entry, Job>();
  /** How often a record could not be read. */
  readonly #unreadable = new WeakMap<Entry, number>();
  #keptBytes = 0;
  #isOn = false;
  #isStopped = false;
  #isPumping = false;
  #isLoading = false;
  #nextTurn: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #readTimer: NodeJS.Timeout | undefined;
  /** What was complained about, once. */
  #complaint: string | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#journal = options.journal;
    this.#sequence = options.nextSequence;
  }

  /** Jobs in the queue: on their way to the disk, waiting, delayed, handed over. */
  get size(): number {
    return this.#size;
  }

  /** The job that has this key. */
  twinOf(unique: string | undefined): Entry | undefined {
    return unique === undefined ? undefined : this.#unique.get(unique);
  }

  /** Takes a place in line, and the key, for a job that is not stored yet. */
  admit(job: Job, runAt: number): Entry {
    const sequence = this.#sequence++;
    const entry = new Entry({ sequence, order: sequence, runAt, priority: job.priority, unique: job.options.unique });
    this.#count(entry);
    return entry;
  }

  /** Gives back what `admit` took. */
  withdraw(entry: Entry): void {
    if (entry.state !== 'gone') this.#forget(entry);
  }

  /** A job that was in the log at the start. */
  takeUp(entry: Entry): void {
    this.#count(entry);
    entry.state = 'waiting';
    this.#line.add(entry, this.#context.now());
  }

  /** Jobs that were admitted are stored. */
  enter(entries: readonly Entry[], jobs: readonly Job[]): void {
    const now = this.#context.now();
    entries.forEach((entry, index) => {
      entry.state = 'waiting';
      const job = jobs[index];
      // The next ones need not be read from the disk, where the last ones were just written.
      if (this.#isOn && entry.runAt === 0 && job !== undefined) this.#keep(entry, job, KEPT_BYTES);
      this.#line.add(entry, now);
    });
    this.#arm();
    this.pump();
  }

  resume(): void {
    if (this.#isStopped) return;
    this.#isOn = true;
    this.#arm();
    this.pump();
  }

  pause(): void {
    this.#isOn = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Ends timers; what was handed over cannot be settled any more. */
  stop(): void {
    this.pause();
    this.#isStopped = true;
    clearTimeout(this.#readTimer);
    clearImmediate(this.#nextTurn);
    this.#line.clear();
  }

  stats(): DriverStats {
    this.#line.ripen(this.#context.now());
    return { waiting: this.#line.ready, delayed: this.#line.delayed, reserved: this.#out.size };
  }

  /** A newer record of a job that came back is on the disk: it need not stay in memory. */
  moved(entry: Entry): void {
    if (entry.state === 'waiting' && !this.#journal.hasPut(entry)) this.#drop(entry);
  }

  /** Hands over what can be handed over. */
  pump(): void {
    // What is handed over may be settled before `deliver` returns: the loop sees that by itself.
    if (this.#isPumping || !this.#isOn) return;
    this.#isPumping = true;
    let isDone = this.#line.ripen(this.#context.now());
    let left = AT_ONCE;
    while (this.#isOn && this.#out.size < this.#context.prefetch && this.#journal.heldBytes < HELD_BYTES) {
      const entry = this.#line.first;
      if (entry === undefined) break;
      if (left-- === 0) {
        isDone = false;
        break;
      }
      if (!this.#give(entry)) break;
    }
    this.#isPumping = false;
    if (!isDone) this.#pumpNextTurn();
  }

  /** The record of a job is not what was written: it is written again, if memory has the job, or set aside, and the queue goes on without it. */
  lose(entry: Entry): void {
    const { segment, offset, length } = entry;
    if (segment === undefined || entry.state === 'gone') return;
    const facts = { pipeline: this.#context.pipeline, file: segment.path, offset, bytes: length };
    const job = entry.job ?? this.#out.get(entry);
    if (job !== undefined) {
      this.#context.logger.warn(facts, 'a job of the queue is damaged on the disk, and is written again from memory');
      this.#write(entry, job);
      return;
    }
    this.#context.logger.error(
      facts,
      'a job of the queue is damaged on the disk and is lost; its bytes are moved to a file beside it',
    );
    this.#forget(entry);
    void this.#setAside(segment.path, offset, offset + length).finally(() => this.#journal.ack(entry));
  }

  /** A delivery is done. */
  acknowledged(entry: Entry): void {
    if (entry.state !== 'reserved' || this.#isStopped) return;
    this.#out.delete(entry);
    this.#forget(entry);
    this.#journal.ack(entry);
    this.pump();
  }

  /** A delivery comes back. */
  released(entry: Entry, before: Job, job: Job, delayMs: number): void {
    if (entry.state !== 'reserved' || this.#isStopped) return;
    this.#out.delete(entry);
    entry.state = 'waiting';
    const now = this.#context.now();
    if (job === before && delayMs <= 0) {
      this.#keep(entry, job, this.#journal.hasPut(entry) ? Number.POSITIVE_INFINITY : KEPT_BYTES);
    } else {
      entry.order = this.#sequence++;
      entry.runAt = delayMs > 0 ? now + delayMs : 0;
      // The disk has the job as it was: until it has the new one, memory must.
      this.#keep(entry, job, Number.POSITIVE_INFINITY);
      this.#write(entry, job);
    }
    this.#line.add(entry, now);
    this.#arm();
    this.pump();
  }

  #write(entry: Entry, job: Job): void {
    try {
      this.#journal.put(entry, encodePut(entry, encodeJob(job)));
    } catch (thrown) {
      this.#complain(`the new state of the job ${job.id} cannot be stored: ${messageOf(thrown)}`);
    }
  }

  /** False when it cannot be handed over now. */
  #give(entry: Entry): boolean {
    const now = this.#context.now();
    if (entry.runAt > now) {
      // It was put off.
      this.#line.shift();
      this.#line.add(entry, now);
      this.#arm();
      return true;
    }
    // Lost while it waited.
    const job = entry.state === 'waiting' ? (entry.job ?? this.#read(entry)) : undefined;
    if (job === 'loading') return false;
    this.#line.shift();
    if (job === undefined) return true;
    this.#drop(entry);
    entry.state = 'reserved';
    this.#out.set(entry, job);
    this.#context.deliver(new LocalDelivery(this, entry, job));
    return true;
  }

  /** Undefined when there is no job to hand over. */
  #read(entry: Entry): Job | 'loading' | undefined {
    const record = this.#options.reader.cached(entry);
    if (record === undefined) {
      void this.#load(entry);
      return 'loading';
    }
    if (record === 'damaged') {
      this.lose(entry);
      return undefined;
    }
    try {
      return decodeJob(jobBytes(record));
    } catch (thrown) {
      // Written by a newer version, most likely. It stays in the log, for a version that can read it.
      this.#complain(`a job is kept and not run: ${messageOf(thrown)}`);
      return undefined;
    }
  }

  async #load(entry: Entry): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      await this.#options.reader.load(entry);
      this.#isLoading = false;
      this.pump();
    } catch (thrown) {
      this.#complain(messageOf(thrown));
      this.#putOff(entry);
      this.#readTimer = setTimeout(() => {
        this.#isLoading = false;
        this.pump();
      }, READ_RETRY_MS);
    }
  }

  /** One bad place of a disk must not hold up all that is behind it. */
  #putOff(entry: Entry): void {
    const times = (this.#unreadable.get(entry) ?? 0) + 1;
    this.#unreadable.set(entry, times);
    entry.runAt = this.#context.now() + Math.min(READ_RETRY_MS * 2 ** times, LONGEST_PUT_OFF_MS);
  }

  async #setAside(path: string, from: number, to: number): Promise<void> {
    try {
      const file = await this.#options.open(path, 'r');
      await copyAside(path, file, { from, to }, this.#options.open).finally(() => file.close());
    } catch (thrown) {
      this.#complain(`damaged bytes cannot be kept: ${messageOf(thrown)}`);
    }
  }

  #complain(error: string): void {
    if (error === this.#complaint) return;
    this.#complaint = error;
    this.#context.logger.error({ pipeline: this.#context.pipeline, error }, 'a job of the queue cannot be read');
  }

  #count(entry: Entry): void {
    this.#size++;
    if (entry.unique !== undefined) this.#unique.set(entry.unique, entry);
  }

  #forget(entry: Entry): void {
    entry.state = 'gone';
    this.#size--;
    this.#drop(entry);
    if (entry.unique !== undefined && this.#unique.get(entry.unique) === entry) this.#unique.delete(entry.unique);
  }

  #keep(entry: Entry, job: Job, most: number): void {
    this.#drop(entry);
    if (this.#keptBytes + weightOf(job) > most) return;
    entry.job = job;
    this.#keptBytes += weightOf(job);
  }

  #drop(entry: Entry): void {
    if (entry.job === undefined) return;
    this.#keptBytes -= weightOf(entry.job);
    entry.job = undefined;
  }

  #pumpNextTurn(): void {
    this.#nextTurn ??= setImmediate(() => {
      this.#nextTurn = undefined;
      this.pump();
    });
  }

  /** Sets the timer for the first delayed job. */
  #arm(): void {
    const due = this.#line.nextDue;
    if (!this.#isOn || due === undefined) return;
    const wait = Math.min(Math.max(due - this.#context.now(), 0), LOOK_MS);
    const at = performance.now() + wait;
    if (this.#timer !== undefined && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pump();
      this.#arm();
    }, wait);
  }
}

/** What a job takes in memory, about. */
function weightOf(job: Job): number {
  return job.payload.length + JOB_BYTES;
}

class LocalDelivery implements Delivery {
  readonly job: Job;
  readonly #handOver: HandOver;
  readonly #entry: Entry;

  constructor(handOver: HandOver, entry: Entry, job: Job) {
    this.#handOver = handOver;
    this.#entry = entry;
    this.job = job;
  }

  ack(): void {
    this.#handOver.acknowledged(this.#entry);
  }

  release(job: Job, delayMs: number): void {
    this.#handOver.released(this.#entry, this.job, job, delayMs);
  }
}
