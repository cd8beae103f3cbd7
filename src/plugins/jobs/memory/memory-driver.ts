// The driver memory: jobs in this process, gone at a restart.

import { RrtsError } from '../../../core/errors.ts';
import { Heap } from '../../../core/heap.ts';
import { size } from '../../../core/scalars.ts';
import type { Delivery, Driver, DriverContext, DriverStats, DriverType, NewJob, PushResult } from '../driver.ts';
import type { Job } from '../job.ts';

const MAX_MEMORY = 256 * 1024 ** 2;
/** What a job takes beside its payload, about. */
const JOB_BYTES = 512;
/** A timer cannot be set for longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  readonly job: Job;
  /** Its place in line. */
  readonly sequence: number;
  /** When it may be handed over; 0 for at once. */
  readonly runAt: number;
}

/** Its own keys, as parsed. */
interface MemorySettings {
  readonly maxMemory?: number;
}

/** The driver; see {@link Driver}. */
export class MemoryDriver implements Driver {
  readonly #context: DriverContext;
  readonly #maxMemory: number;
  readonly #ready = new Heap<Entry>((a, b) =>
    a.job.priority === b.job.priority ? a.sequence < b.sequence : a.job.priority < b.job.priority,
  );
  readonly #delayed = new Heap<Entry>((a, b) => (a.runAt === b.runAt ? a.sequence < b.sequence : a.runAt < b.runAt));
  readonly #keys = new Set<string>();
  #sequence = 0;
  #reserved = 0;
  #bytes = 0;
  #paused = true;
  #delivering = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: DriverContext, maxMemory: number) {
    this.#context = context;
    this.#maxMemory = maxMemory;
  }

  async start(): Promise<void> {}

  async push(jobs: readonly NewJob[]): Promise<PushResult[]> {
    this.#refuseFull(jobs);
    const now = this.#context.now();
    const results = jobs.map(({ job, delayMs }): PushResult => {
      const { unique } = job.options;
      if (unique !== undefined) {
        if (this.#keys.has(unique)) return 'duplicate';
        this.#keys.add(unique);
      }
      this.#bytes += weightOf(job);
      this.#store({ job, sequence: this.#sequence++, runAt: delayMs > 0 ? now + delayMs : 0 });
      return 'stored';
    });
    this.#deliver();
    return results;
  }

  resume(): void {
    this.#paused = false;
    this.#arm();
    this.#deliver();
  }

  pause(): void {
    this.#paused = true;
    clearTimeout(this.#timer);
  }

  async stats(): Promise<DriverStats> {
    this.#ripen();
    return { waiting: this.#ready.size, delayed: this.#delayed.size, reserved: this.#reserved };
  }

  async destroy(): Promise<void> {
    this.pause();
    this.#ready.removeAll(() => true);
    this.#delayed.removeAll(() => true);
    this.#keys.clear();
    this.#bytes = 0;
  }

  async stop(): Promise<void> {
    this.pause();
  }

  /** A delivery is done. */
  acknowledged(entry: Entry): void {
    this.#reserved--;
    this.#bytes -= weightOf(entry.job);
    if (entry.job.options.unique !== undefined) this.#keys.delete(entry.job.options.unique);
    this.#deliver();
  }

  /** A delivery comes back. */
  released(entry: Entry, job: Job, delayMs: number): void {
    this.#reserved--;
    this.#bytes += weightOf(job) - weightOf(entry.job);
    const sequence = job === entry.job && delayMs === 0 ? entry.sequence : this.#sequence++;
    this.#store({ job, sequence, runAt: delayMs > 0 ? this.#context.now() + delayMs : 0 });
    this.#deliver();
  }

  #store(entry: Entry): void {
    if (entry.runAt === 0) {
      this.#ready.push(entry);
      return;
    }
    this.#delayed.push(entry);
    if (this.#delayed.first === entry && !this.#paused) this.#arm();
  }

  #refuseFull(jobs: readonly NewJob[]): void {
    const { maxWaiting, pipeline } = this.#context;
    const count = this.#ready.size + this.#delayed.size + this.#reserved + jobs.length;
    const bytes = jobs.reduce((sum, { job }) => sum + weightOf(job), this.#bytes);
    if (count <= maxWaiting && bytes <= this.#maxMemory) return;
    const what = count > maxWaiting ? `${maxWaiting} jobs` : `${Math.round(this.#maxMemory / 1024 ** 2)} MB of jobs`;
    throw new RrtsError('ERR_JOBS_FULL', `the pipeline ${pipeline} is full: it may hold ${what}`, {
      cure: 'Run its jobs faster, or raise max_waiting or config.max_memory.',
    });
  }

  #deliver(): void {
    // What is handed over may be settled, or push, before `deliver` returns: the loop sees that by itself.
    if (this.#delivering) return;
    this.#delivering = true;
    this.#ripen();
    while (!this.#paused && this.#reserved < this.#context.prefetch) {
      const entry = this.#ready.shift();
      if (entry === undefined) break;
      this.#reserved++;
      this.#context.deliver(new MemoryDelivery(this, entry));
    }
    this.#delivering = false;
  }

  /** Delayed jobs whose time has come are ready. */
  #ripen(): void {
    const now = this.#context.now();
    for (let first = this.#delayed.first; first !== undefined && first.runAt <= now; first = this.#delayed.first) {
      this.#delayed.shift();
      this.#ready.push(first);
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const first = this.#delayed.first;
    if (first === undefined) return;
    const wait = Math.min(Math.max(first.runAt - this.#context.now(), 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#deliver();
      this.#arm();
    }, wait);
  }
}

class MemoryDelivery implements Delivery {
  readonly #driver: MemoryDriver;
  readonly #entry: Entry;

  constructor(driver: MemoryDriver, entry: Entry) {
    this.#driver = driver;
    this.#entry = entry;
  }

  get job(): Job {
    return this.#entry.job;
  }

  ack(): void {
    this.#driver.acknowledged(this.#entry);
  }

  release(job: Job, delayMs: number): void {
    this.#driver.released(this.#entry, job, delayMs);
  }
}

function weightOf(job: Job): number {
  return job.payload.length + JOB_BYTES;
}

/** The driver `memory`. */
export const memoryDriverType: DriverType = {
  name: 'memory',
  prefetch: 1000,
  shape: {
    max_memory: size('mb')
      .optional()
      .describe('memory: most memory of all jobs together; further pushes are refused. Default: 256mb.'),
  },
  ignored: [],
  create: (settings: MemorySettings, _section, context) => new MemoryDriver(context, settings.maxMemory ?? MAX_MEMORY),
};
