// The way in: pushes, and the limit of a queue.

import { setImmediate as turn } from 'node:timers/promises';
import { RrtsError } from '../../../core/errors.ts';
import type { DriverContext, NewJob, PushResult } from '../driver.ts';
import type { Job } from '../job.ts';
import { encodeJob } from '../job-record.ts';
import type { Entry } from './entry.ts';
import type { HandOver } from './hand-over.ts';
import type { Journal } from './journal.ts';
import { encodePut, type LogRecord } from './record.ts';

/** A disk that hangs does not answer; then nobody knows whether the jobs are stored. */
const PUSH_MS = 30_000;
/** Jobs of an earlier process that are taken up in one turn of the event loop. */
const TAKE_UP_AT_ONCE = 10_000;

/** Jobs on their way to the disk. */
interface Batch {
  readonly entries: readonly Entry[];
  readonly jobs: readonly Job[];
  readonly records: readonly LogRecord[];
}

/** Takes jobs in. */
export class Intake {
  readonly #context: DriverContext;
  readonly #journal: Journal;
  readonly #handOver: HandOver;
  /** What ends the pushes under way. */
  readonly #pending = new Set<(error: RrtsError) => void>();
  /** Those whose unique keys others may meet. */
  readonly #storing = new Map<Entry, Promise<void>>();

  constructor(context: DriverContext, journal: Journal, handOver: HandOver) {
    this.#context = context;
    this.#journal = journal;
    this.#handOver = handOver;
  }

  /** Puts what an earlier process left in line. */
  async takeUp(entries: readonly Entry[]): Promise<void> {
    for (let from = 0; from < entries.length; from += TAKE_UP_AT_ONCE) {
      for (const entry of entries.slice(from, from + TAKE_UP_AT_ONCE)) this.#handOver.takeUp(entry);
      await turn();
    }
  }

  /** @throws RrtsError ERR_JOBS_FULL, ERR_JOBS_STORE */
  async push(jobs: readonly NewJob[]): Promise<readonly PushResult[]> {
    this.#refuseFull(jobs.length);
    const batch = { entries: [] as Entry[], jobs: [] as Job[], records: [] as LogRecord[] };
    const waits = new Set<Promise<void>>();
    const now = this.#context.now();
    const encoded = jobs.map(({ job }) => encodeJob(job));
    const results = jobs.map(({ job, delayMs }, index): PushResult => {
      const twin = this.#handOver.twinOf(job.options.unique);
      if (twin !== undefined) {
        // That there is one already is true only once it is on the disk.
        const stored = this.#storing.get(twin);
        if (stored !== undefined) waits.add(stored);
        return 'duplicate';
      }
      const entry = this.#handOver.admit(job, delayMs > 0 ? now + delayMs : 0);
      batch.entries.push(entry);
      batch.jobs.push(job);
      batch.records.push(encodePut(entry, encoded[index] as Buffer));
      return 'stored';
    });
    if (batch.entries.length > 0) waits.add(this.#store(batch));
    await Promise.all(waits);
    return results;
  }

  /** Rejects what is under way. */
  refuseAll(error: RrtsError): void {
    for (const end of [...this.#pending]) end(error);
  }

  #store({ entries, jobs, records }: Batch): Promise<void> {
    const stored = new Promise<void>((resolve, reject) => {
      const end = (error?: RrtsError): void => {
        clearTimeout(timer);
        this.#pending.delete(end);
        for (const entry of entries) if (entry.unique !== undefined) this.#storing.delete(entry);
        if (error === undefined) {
          this.#handOver.enter(entries, jobs);
          resolve();
          return;
        }
        for (const entry of entries) this.#handOver.withdraw(entry);
        reject(error);
      };
      const timer = setTimeout(() => end(this.#hangs()), PUSH_MS);
      this.#pending.add(end);
      const settle = (error?: RrtsError): void => {
        if (this.#pending.has(end)) end(error);
        // It was given up, and has been stored after all: nobody expects it to run.
        else if (error === undefined) for (const entry of entries) this.#journal.ack(entry);
      };
      this.#journal.push({ entries, records, settle });
    });
    for (const entry of entries) if (entry.unique !== undefined) this.#storing.set(entry, stored);
    return stored;
  }

  #refuseFull(more: number): void {
    const { maxWaiting, pipeline } = this.#context;
    if (this.#handOver.size + more <= maxWaiting) return;
    throw new RrtsError('ERR_JOBS_FULL', `the pipeline ${pipeline} is full: it may hold ${maxWaiting} jobs`, {
      cure: 'Run its jobs faster, or raise max_waiting.',
    });
  }

  #hangs(): RrtsError {
    const text = `the disk of the pipeline ${this.#context.pipeline} has not answered for ${PUSH_MS / 1000} s`;
    return new RrtsError('ERR_JOBS_STORE', text, {
      place: this.#context.key,
      cure: 'Look at the disk of its directory.',
    });
  }
}
