// Takes jobs from Redis, prolongs their leases while they run, and tells Redis what became of them: one thing after the other.

import { messageOf } from '../../../core/errors.ts';
import type { Delivery, DriverContext } from '../driver.ts';
import type { Job } from '../job.ts';
import { decodeJob, encodeJob } from '../job-record.ts';
import type { QueueStore, Settlement, Take, Taken } from './queue-store.ts';

/** Covers wake-ups that were not heard, leases that ended, and what failed. */
const LOOK_EVERY_MS = 1000;
/** Settlements wait so long for company, as long as there is work for the workers; few free places, for longer. */
const GATHER_MS = 2;
const GATHER_ROOM_MS = 6;
/** Most jobs of one take, and most settlements of one call: Redis serves nobody else meanwhile. */
const BATCH = 500;
/** A lease is prolonged when this part of it is over. */
const PROLONG_AT = 1 / 3;

/** What the consumer needs of its driver's context. */
export type ConsumerContext = Pick<DriverContext, 'pipeline' | 'key' | 'logger' | 'prefetch' | 'deliver'>;

/** A round is: prolong leases, settle, take. Only one is under way; what happens meanwhile is the work of the next. */
export class Consumer {
  readonly #store: QueueStore;
  readonly #context: ConsumerContext;
  readonly #leaseMs: number;
  /** From how many free places on it does not pay to wait. */
  readonly #pressing: number;
  /** Handed over, and not settled by the core. */
  readonly #held = new Set<RedisDelivery>();
  /** Settled by the core; Redis does not know yet. */
  #settled: Settlement[] = [];
  #paused = true;
  #closing = false;
  #closed = false;
  /** There may be jobs: none was looked for since the last sign of one. */
  #hopeful = true;
  #prolongedAt = performance.now();
  /** Jobs of one call now: fewer after one that failed, as large ones may be too much for the time of an answer. */
  #batch = BATCH;
  #takes = 0;
  #tookAt = 0;
  #firstLost: number | undefined;
  /** The last round failed, and whether that was said. */
  #fault: { readonly logged: boolean } | undefined;
  #round: Promise<void> | undefined;
  #soon: NodeJS.Immediate | undefined;
  #gather: NodeJS.Timeout | undefined;
  #due: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;

  constructor(store: QueueStore, leaseMs: number, context: ConsumerContext) {
    this.#store = store;
    this.#leaseMs = leaseMs;
    this.#context = context;
    this.#pressing = Math.max(1, Math.floor(context.prefetch / 2));
  }

  /** Deliveries that are not settled. */
  get held(): number {
    return this.#held.size;
  }

  /** Begins the regular looks. `also` is called with each. */
  start(also: () => void): void {
    const look = (): void => {
      this.retry();
      also();
    };
    this.#look = setInterval(look, Math.min(LOOK_EVERY_MS, this.#leaseMs * PROLONG_AT));
  }

  resume(): void {
    this.#paused = false;
    this.wake();
  }

  pause(): void {
    this.#paused = true;
    clearTimeout(this.#due);
  }

  /** There may be a job. */
  wake(): void {
    this.#hopeful = true;
    // What fails is tried again each second, not for each message.
    if (this.#fault === undefined) this.#hurry();
  }

  /** The connection is back, or it is time to look. */
  retry(): void {
    this.#hopeful = true;
    this.#hurry();
  }

  /** A delivery has got its end. */
  settle(delivery: RedisDelivery, settlement: Settlement): void {
    if (!this.#held.delete(delivery) || this.#closed) return;
    this.#settled.push(settlement);
    if (this.#fault === undefined && this.#round === undefined) this.#next();
  }

  /** Ends all timers; `tell`: Redis is told what it does not know, as long as it answers. Takes nothing more. */
  async close(tell: boolean): Promise<void> {
    this.pause();
    this.#closing = true;
    clearInterval(this.#look);
    this.#quiet();
    await this.#round;
    try {
      while (tell && this.#settled.length > 0) await this.#settleBatch();
    } finally {
      this.#closed = true;
      this.#held.clear();
    }
  }

  get #room(): number {
    return this.#paused ? 0 : this.#context.prefetch - this.#held.size;
  }

  #quiet(): void {
    clearImmediate(this.#soon);
    clearTimeout(this.#gather);
    this.#soon = undefined;
    this.#gather = undefined;
  }

  /** After what this turn of the event loop brings as well. */
  #hurry(): void {
    if (this.#closing || this.#round !== undefined) return;
    this.#soon ??= setImmediate(() => this.#begin());
  }

  #begin(): void {
    this.#quiet();
    if (this.#closing || this.#round !== undefined) return;
    this.#round = this.#rounds().finally(() => {
      this.#round = undefined;
      // What came between the last look at it and here.
      if (this.#fault === undefined && this.#hasWork) this.#next();
    });
  }

  /** A round, soon. While the workers have enough to do, what comes within a millisecond shares its calls. */
  #next(): void {
    if (this.#closing) return;
    if (this.#room >= this.#pressing || this.#settled.length >= BATCH) this.#hurry();
    else this.#gather ??= setTimeout(() => this.#begin(), GATHER_MS);
  }

  get #hasWork(): boolean {
    return this.#settled.length > 0 || (this.#hopeful && this.#room > 0);
  }

  /** Says once that it fails, and once that it does not any more. The connection says itself when it is lost. */
  async #rounds(): Promise<void> {
    const { logger, pipeline } = this.#context;
    try {
      // A lease that has ended and was not given to another is still ours, as long as it is prolonged before anybody takes.
      await this.#prolong();
      // What comes back may be the next one in line. Both on their way at once would not do: a server that knows one script only runs that first.
      if (this.#fault !== undefined || this.#settled.some(({ kind }) => kind !== 'done')) await this.#settleBatch();
      const both = await Promise.allSettled([this.#settleBatch(), this.#take()]);
      for (const one of both) if (one.status === 'rejected') throw one.reason;
      if (this.#fault?.logged === true) logger.info({}, `the pipeline ${pipeline} goes on`);
      this.#fault = undefined;
      this.#batch = Math.min(BATCH, this.#batch * 2);
    } catch (thrown) {
      this.#batch = Math.ceil(Math.min(this.#batch, this.#context.prefetch) / 4);
      this.#hopeful = true;
      const logged = this.#fault?.logged === true || this.#store.up;
      if (this.#fault?.logged !== true && logged && !this.#closing) {
        logger.warn({}, `${messageOf(thrown)}; its jobs wait until that is mended`);
      }
      this.#fault = { logged };
    }
  }

  async #prolong(): Promise<void> {
    const now = performance.now();
    if (this.#held.size === 0 && this.#settled.length === 0) this.#prolongedAt = now;
    if (this.#fault === undefined && now - this.#prolongedAt <= this.#leaseMs * PROLONG_AT) return;
    const held = new Map([...this.#held].map((delivery) => [delivery.holding, delivery]));
    // What is done and not told yet must not be taken by anybody either, ourselves included.
    const untold = this.#settled.map(({ holding }) => holding);
    const lost = await this.#store.extend([...held.keys(), ...untold], this.#leaseMs);
    this.#prolongedAt = now;
    // What was settled meanwhile is none of this.
    const disowned = lost.filter((holding) => {
      const delivery = held.get(holding);
      return delivery !== undefined && this.#held.has(delivery) && delivery.disown();
    });
    if (disowned.length === 0) return;
    const { logger, pipeline } = this.#context;
    const text = `${disowned.length} jobs of the pipeline ${pipeline} that run here have lost their lease`;
    logger.warn({ jobs: disowned.length }, `${text}: another master may run them as well`);
  }

  async #settleBatch(): Promise<void> {
    const batch = this.#settled.slice(0, this.#batch);
    if (batch.length === 0) return;
    this.#settled = this.#settled.slice(batch.length);
    try {
      await this.#store.settle(batch);
    } catch (thrown) {
      this.#settled = [...batch, ...this.#settled];
      throw thrown;
    }
  }

  async #take(): Promise<void> {
    const room = Math.min(this.#room, this.#batch);
    if (!this.#hopeful || room <= 0) return;
    const now = performance.now();
    if (this.#room < this.#pressing && now - this.#tookAt < GATHER_ROOM_MS) return;
    this.#tookAt = now;
    this.#hopeful = false;
    const number = ++this.#takes;
    const firstLost = this.#firstLost;
    this.#firstLost ??= number;
    const take = await this.#store.take(room, this.#leaseMs, number, firstLost);
    this.#firstLost = undefined;
    if (take.left > 0 || take.dueInMs === 0) this.#hopeful = true;
    this.#tell(take);
    this.#arm(take.dueInMs);
    for (const taken of take.jobs) this.#deliver(taken);
  }

  #deliver(taken: Taken): void {
    let job: Job;
    try {
      job = decodeJob(taken.record);
    } catch (thrown) {
      const { logger, pipeline, key } = this.#context;
      const text = `${key}: the pipeline ${pipeline} has a job that cannot be read: ${messageOf(thrown)}`;
      logger.error({ holding: taken.holding }, `${text}; it is put aside under the key that ends in :unreadable`);
      this.#settled.push({ kind: 'unreadable', holding: taken.holding, record: taken.record });
      return;
    }
    const delivery = new RedisDelivery(this, taken.holding, job);
    this.#held.add(delivery);
    this.#context.deliver(delivery);
  }

  #tell({ ended, missing }: Take): void {
    const { logger, pipeline } = this.#context;
    if (ended > 0) {
      const text = `${ended} jobs of the pipeline ${pipeline} are handed over again`;
      logger.warn({ jobs: ended }, `${text}: the master that had them gave no sign of life for the length of a lease`);
    }
    if (missing > 0) {
      logger.error(
        { jobs: missing },
        `${missing} jobs of the pipeline ${pipeline} are lost: somebody deleted their records`,
      );
    }
  }

  #arm(dueInMs: number | undefined): void {
    clearTimeout(this.#due);
    if (dueInMs === undefined || dueInMs > LOOK_EVERY_MS || this.#paused) return;
    this.#due = setTimeout(() => this.wake(), dueInMs);
  }
}

/** A job that was handed over. */
export class RedisDelivery implements Delivery {
  readonly job: Job;
  readonly holding: string;
  readonly #consumer: Consumer;
  #lost = false;

  constructor(consumer: Consumer, holding: string, job: Job) {
    this.#consumer = consumer;
    this.holding = holding;
    this.job = job;
  }

  ack(): void {
    this.#consumer.settle(this, { kind: 'done', holding: this.holding, unique: this.job.options.unique ?? '' });
  }

  release(job: Job, delayMs: number): void {
    const { holding } = this;
    if (job === this.job && delayMs === 0) {
      this.#consumer.settle(this, { kind: 'unused', holding });
      return;
    }
    const unique = job.options.unique ?? '';
    const record = encodeJob(job);
    this.#consumer.settle(this, { kind: 'back', holding, unique, priority: job.priority, delayMs, record });
  }

  /** Its lease is another's. False when that was known. */
  disown(): boolean {
    const first = !this.#lost;
    this.#lost = true;
    return first;
  }
}
