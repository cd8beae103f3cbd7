// What was handed over and is not settled. It outlives the session it came in: a job that is still running, or is done, is not run again.

import type { AsyncMessage } from 'rabbitmq-client';
import { messageOf } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import type { Delivery } from '../driver.ts';
import type { Job } from '../job.ts';
import { nameOf } from './message.ts';
import type { Session } from './session.ts';

/** A job that could not be put back is tried again after this. */
const RETRY_MS = 1000;
/** Names that are remembered, at least. */
const REMEMBERED = 1000;

/** What is to be told about a delivery: that it is done, or that it goes back changed. */
type Outcome = 'done' | { readonly job: Job; readonly delayMs: number };

interface Entry {
  /** Undefined: a message of somebody else's, which cannot be known again. */
  readonly name: string | undefined;
  readonly job: Job;
  session: Session;
  tag: number;
  outcome: Outcome | undefined;
  /** It is being put back. */
  busy: boolean;
  /** The log has said that this does not work. */
  warned: boolean;
  /** Sessions that began since its own ended. */
  age: number;
}

/** Who hands over. */
export interface DeliveriesUser {
  readonly prefetch: number;
  readonly logger: Logger;
  decode(message: AsyncMessage): Job;
  deliver(delivery: Delivery): void;
  /** Stores a job once more, safely. */
  pushBack(job: Job, delayMs: number): Promise<void>;
  /** One has been run. */
  ended(): void;
}

/** Deliveries of one queue. */
export class Deliveries {
  readonly #user: DeliveriesUser;
  readonly #entries = new Set<Entry>();
  readonly #named = new Map<string, Entry>();
  /** Names of messages that are done, the oldest first: their ack may not have arrived. */
  readonly #done = new Set<string>();
  /** Came while there was no room, or while it is paused. */
  #held: { session: Session; message: AsyncMessage }[] = [];
  #session: Session | undefined;
  #reserved = 0;
  #open = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(user: DeliveriesUser) {
    this.#user = user;
  }

  /** Handed over, and nothing said yet. */
  get reserved(): number {
    return this.#reserved;
  }

  /** Whether something is on its way back into the queue. */
  get busy(): boolean {
    for (const { busy } of this.#entries) if (busy) return true;
    return false;
  }

  /** Another session begins; what the one before it delivered comes again in this one, if nobody else gets it. */
  begin(session: Session): void {
    this.#session = session;
    this.#held = [];
    for (const entry of this.#entries) {
      entry.age++;
      // Nobody waits for it any more: another process has got it, or the session after the loss would have brought it.
      if (entry.outcome !== undefined && !entry.busy && (entry.age > 2 || entry.name === undefined))
        this.#remove(entry);
    }
  }

  /** Hands over from now on. */
  resume(): void {
    this.#open = true;
    this.#deliverHeld();
  }

  /** Hands over nothing more; what comes is held. */
  pause(): void {
    this.#open = false;
  }

  /** Gives back what is held, once the broker sends nothing more. */
  giveBack(): void {
    const held = this.#held;
    this.#held = [];
    for (const { session, message } of held) {
      tell(session, (acks) => acks.nack(message.deliveryTag));
    }
  }

  /** No more attempts to put something back. */
  stop(): void {
    this.#open = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#session = undefined;
  }

  /** A message has come. */
  take(session: Session, message: AsyncMessage): void {
    if (session !== this.#session || !session.alive) return;
    session.acks.arrived(message.deliveryTag);
    const name = message.redelivered ? nameOf(message) : undefined;
    if (name !== undefined && this.#knows(name, session, message)) return;
    if (!this.#open || this.#reserved >= this.#user.prefetch) this.#held.push({ session, message });
    else this.#hand(session, message);
  }

  /** True: it is the same message as one that was handed over before, and is not to be run again. */
  #knows(name: string, session: Session, message: AsyncMessage): boolean {
    const entry = this.#named.get(name);
    if (entry !== undefined && entry.session !== session) {
      entry.session = session;
      entry.tag = message.deliveryTag;
      entry.age = 0;
      this.#settle(entry);
      return true;
    }
    if (!this.#done.has(name)) return false;
    tell(session, (acks) => acks.ack(message.deliveryTag));
    return true;
  }

  #hand(session: Session, message: AsyncMessage): void {
    const entry: Entry = {
      name: nameOf(message),
      job: this.#user.decode(message),
      session,
      tag: message.deliveryTag,
      outcome: undefined,
      busy: false,
      warned: false,
      age: 0,
    };
    this.#reserved++;
    this.#entries.add(entry);
    if (entry.name !== undefined) this.#named.set(entry.name, entry);
    this.#user.deliver({
      job: entry.job,
      ack: () => this.#ack(entry),
      release: (job, delayMs) => this.#release(entry, job, delayMs),
    });
  }

  #ack(entry: Entry): void {
    this.#reserved--;
    entry.outcome = 'done';
    this.#settle(entry);
    this.#user.ended();
    this.#deliverHeld();
  }

  #release(entry: Entry, job: Job, delayMs: number): void {
    this.#reserved--;
    if (job === entry.job && delayMs === 0) {
      // Of a lost session the broker puts it back by itself.
      tell(entry.session, (acks) => acks.nack(entry.tag));
      this.#remove(entry);
    } else {
      entry.outcome = { job, delayMs };
      this.#settle(entry);
      this.#user.ended();
    }
    this.#deliverHeld();
  }

  /** Tells the broker, if it listens; else the message will come again, and then it is told. */
  #settle(entry: Entry): void {
    const { outcome, session, tag } = entry;
    if (outcome === undefined) return;
    if (outcome !== 'done') {
      this.#putBack(entry, outcome);
      return;
    }
    if (entry.name !== undefined) this.#remember(entry.name);
    tell(session, (acks) => acks.ack(tag));
    this.#remove(entry);
  }

  /** Stores the changed job first and acks the old one then: the other way round a crash between them would lose it. */
  #putBack(entry: Entry, { job, delayMs }: Exclude<Outcome, 'done'>): void {
    if (entry.busy || !entry.session.alive || this.#session === undefined) return;
    entry.busy = true;
    this.#user.pushBack(job, delayMs).then(
      () => {
        entry.busy = false;
        entry.outcome = 'done';
        this.#settle(entry);
      },
      (error) => {
        entry.busy = false;
        if (entry.session.alive && !entry.warned) {
          entry.warned = true;
          this.#user.logger.warn({}, `job ${job.id} cannot be put back yet: ${messageOf(error)}`);
        }
        this.#retryLater();
      },
    );
  }

  #retryLater(): void {
    if (this.#timer !== undefined || this.#session === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const entry of [...this.#entries]) this.#settle(entry);
    }, RETRY_MS);
  }

  #deliverHeld(): void {
    while (this.#open && this.#held.length > 0 && this.#reserved < this.#user.prefetch) {
      const next = this.#held.shift();
      if (next?.session.alive) this.#hand(next.session, next.message);
    }
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry);
    if (entry.name !== undefined && this.#named.get(entry.name) === entry) this.#named.delete(entry.name);
  }

  /** The broker sends at most `prefetch` messages without an ack, so more than a few times that many cannot come again. */
  #remember(name: string): void {
    this.#done.add(name);
    if (this.#done.size <= REMEMBERED + 4 * this.#user.prefetch) return;
    for (const oldest of this.#done) {
      this.#done.delete(oldest);
      return;
    }
  }
}

/** What a lost session delivered the broker has taken back already. */
function tell(session: Session, work: (acks: Session['acks']) => void): void {
  if (session.alive) work(session.acks);
}
