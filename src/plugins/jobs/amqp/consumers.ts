// Has RabbitMQ send jobs while they are wanted: a few ahead of time, and many while they end quickly.

import { setImmediate as turn } from 'node:timers/promises';
import type { AsyncMessage } from 'rabbitmq-client';
import { BrokerError, bounded } from './broker.ts';
import type { Session } from './session.ts';

/** RabbitMQ's own largest prefetch. */
const MOST_PREFETCH = 65_535;
/** Jobs are quick when as many as may be taken ahead of time end within this. */
const QUICK_MS = 1000;
/** They are so no more when fewer than a quarter of that end between two looks. */
const LOOK_MS = 2000;
const SLOW_PART = 1 / 4;

/** Whose jobs they are. */
export interface ConsumersUser {
  readonly queue: string;
  /** Name of the consumers; each gets a number beside it. */
  readonly name: string;
  /** Jobs that are taken ahead of time however long they run: no other server runs them meanwhile. */
  readonly few: number;
  /** The same while they are quick: those would all be run within a second. Not less than `few`. */
  readonly many: number;
  /** The session that there is. */
  session(): Session | undefined;
  take(session: Session, message: AsyncMessage): void;
  /** The broker sends nothing more. */
  silent(): void;
}

/**
 * One consumer for a few jobs while the queue runs, and one more while its jobs are quick: the prefetch of a consumer cannot be changed,
 * and without any consumer RabbitMQ would remove a queue that has `queue_auto_delete`.
 */
export class Consumers {
  readonly #user: ConsumersUser;
  readonly #few: number;
  readonly #more: number;
  #running = false;
  #quick = false;
  /** Jobs that ended since then. */
  #ended = 0;
  #since = 0;
  #look: NodeJS.Timeout | undefined;
  /** What is open, and where: the consumer for a few first. */
  #open: { readonly session: Session; readonly tags: string[] } | undefined;
  #number = 0;
  #changing: Promise<void> = Promise.resolve();

  constructor(user: ConsumersUser) {
    this.#user = user;
    this.#few = Math.min(user.few, MOST_PREFETCH);
    this.#more = Math.min(user.many, MOST_PREFETCH) - this.#few;
  }

  /** Settles when the broker has been told all that was wanted so far. */
  get changed(): Promise<void> {
    return this.#changing;
  }

  /** Takes jobs from now on. */
  resume(): void {
    this.#running = true;
    this.#count();
    this.change();
  }

  /** Takes nothing more. */
  pause(): void {
    this.#running = false;
    this.#calm();
    this.change();
  }

  /** A job has ended. */
  jobEnded(): void {
    this.#ended++;
    if (this.#quick || this.#ended < this.#few + this.#more) return;
    const quick = performance.now() - this.#since <= QUICK_MS;
    this.#count();
    if (!quick || !this.#running || this.#more === 0) return;
    this.#quick = true;
    this.#look = setInterval(() => this.#lookAgain(), LOOK_MS);
    this.change();
  }

  /** Tells the broker what is wanted: there is another session, or something else is wanted. */
  change(): void {
    this.#changing = this.#changing.then(async () => {
      const session = this.#user.session();
      if (session === undefined) return;
      try {
        await this.#settle(session);
      } catch (thrown) {
        session.fail(BrokerError.of(thrown));
      }
    });
  }

  #lookAgain(): void {
    const slow = this.#ended < (this.#few + this.#more) * SLOW_PART;
    this.#count();
    if (!slow) return;
    this.#calm();
    this.change();
  }

  #calm(): void {
    this.#quick = false;
    clearInterval(this.#look);
    this.#look = undefined;
  }

  #count(): void {
    this.#ended = 0;
    this.#since = performance.now();
  }

  async #settle(session: Session): Promise<void> {
    if (this.#open?.session !== session) this.#open = { session, tags: [] };
    const { tags } = this.#open;
    const wanted = this.#running ? [this.#few, ...(this.#quick ? [this.#more] : [])] : [];
    const before = tags.length;
    for (const prefetch of wanted.slice(before)) tags.push(await this.#consume(session, prefetch));
    while (tags.length > wanted.length) await bounded(session.consume.basicCancel({ consumerTag: tags.pop() ?? '' }));
    session.acks.prefetch = wanted.reduce((sum, prefetch) => sum + prefetch, 0);
    if (wanted.length > 0 || before === 0) return;
    // What came before the answer is handed on by the package a turn later.
    await turn();
    this.#user.silent();
  }

  async #consume(session: Session, prefetchCount: number): Promise<string> {
    const { queue, name } = this.#user;
    const consumerTag = `${name}-${++this.#number}`;
    await bounded(session.consume.basicQos({ prefetchCount }));
    const take = session.consume.basicConsume({ queue, consumerTag }, (message) => this.#user.take(session, message));
    await bounded(take);
    return consumerTag;
  }
}
