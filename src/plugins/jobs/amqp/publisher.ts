// Publishes jobs: all at once, and settled when the broker has confirmed each of them.

import { setImmediate as turn } from 'node:timers/promises';
import type { Envelope } from 'rabbitmq-client';
import { RrtsError } from '../../../core/errors.ts';
import type { NewJob } from '../driver.ts';
import type { Job } from '../job.ts';
import { BrokerError, bounded } from './broker.ts';
import { DECLARED_MS, type Target, type WaitingQueue, waitingQueue } from './delay-steps.ts';
import type { Link } from './link.ts';
import { encodeMessage, ROUTING_KEY_HEADER } from './message.ts';
import type { Session } from './session.ts';
import type { AmqpSettings } from './settings.ts';

/** So much is under way at a time; each such window has 5 s. */
const WINDOW_JOBS = 1000;
const WINDOW_BYTES = 8 * 1024 ** 2;
/** Of a key the protocol has a byte for the length. */
const LONGEST_KEY = 255;

/** A waiting queue that is in use. */
interface Waiting {
  /** When its last message, as far as this process knows, has moved. */
  readonly until: number;
}

/** Puts jobs into one queue. */
export class Publisher {
  readonly #link: Link;
  readonly #settings: AmqpSettings;
  readonly #pipeline: string;
  /** By name. Queues that another process, or an earlier one, filled are not known. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(link: Link, settings: AmqpSettings, pipeline: string) {
    this.#link = link;
    this.#settings = settings;
    this.#pipeline = pipeline;
  }

  /**
   * From outside, by way of the exchange.
   * @throws RrtsError ERR_JOBS_STORE, ERR_JOBS_FULL, ERR_JOBS_INVALID when not all are known to be stored.
   */
  async push(jobs: readonly NewJob[]): Promise<void> {
    const ready = jobs.map(({ job, delayMs }) => this.#routed(job, delayMs));
    for (let first = 0; first < ready.length; ) {
      let bytes = 0;
      let next = first;
      while (next < ready.length && next - first < WINDOW_JOBS && bytes < WINDOW_BYTES) {
        bytes += ready[next++]?.job.payload.length ?? 0;
      }
      await this.#window(ready.slice(first, next));
      first = next;
    }
  }

  /** Back into the queue it came from, whatever the exchange would do with it. @throws RrtsError as {@link push} */
  async pushBack(job: Job, delayMs: number): Promise<void> {
    const target = { exchange: '', routingKey: this.#settings.queue };
    await this.#window([{ job, delayMs, target }]);
  }

  /** Names of the waiting queues that may hold something. */
  waitingQueues(now: number): string[] {
    for (const [name, { until }] of this.#waiting) if (until < now) this.#waiting.delete(name);
    return [...this.#waiting.keys()];
  }

  /** It is gone. */
  forget(name: string): void {
    this.#waiting.delete(name);
  }

  #routed(job: Job, delayMs: number): Routed {
    const { exchange, routingKey } = this.#settings;
    const { [ROUTING_KEY_HEADER]: wish, ...headers } = job.headers;
    if (exchange === '' || wish?.length !== 1 || !wish[0]) return { job, delayMs, target: { exchange, routingKey } };
    if (Buffer.byteLength(wish[0]) > LONGEST_KEY) {
      throw new RrtsError(
        'ERR_JOBS_INVALID',
        `the header ${ROUTING_KEY_HEADER} of a job is longer than ${LONGEST_KEY} bytes`,
      );
    }
    return { job: { ...job, headers }, delayMs, target: { exchange, routingKey: wish[0] } };
  }

  async #window(jobs: readonly Routed[]): Promise<void> {
    const session = this.#link.need();
    if (session.blocked !== undefined) {
      const cure = 'Give RabbitMQ memory or room on its disk; pushes then work again by themselves.';
      throw this.#link.error(`it takes no messages now (${session.blocked})`, undefined, cure);
    }
    try {
      await bounded(this.#publish(session, jobs));
    } catch (thrown) {
      if (thrown instanceof RrtsError) throw thrown;
      throw this.#failure(BrokerError.of(thrown), jobs.length);
    }
  }

  async #publish(session: Session, jobs: readonly Routed[]): Promise<void> {
    const names: string[] = [];
    const confirms: Promise<void>[] = [];
    // All queues first: nothing comes between the messages, which go out in the order of their push.
    const targets: Target[] = [];
    for (const { delayMs, target } of jobs) {
      targets.push(delayMs > 0 ? await this.#wait(session, waitingQueue(delayMs, target)) : target);
    }
    jobs.forEach(({ job, delayMs }, index) => {
      const { properties, body } = encodeMessage(job, this.#pipeline, delayMs);
      names.push(properties.messageId);
      const envelope = { ...properties, ...targets[index], mandatory: true, ...priorityOf(job, session) };
      confirms.push(session.publish.basicPublish(envelope as Envelope, body));
    });
    const results = await Promise.allSettled(confirms);
    // The broker's "no queue takes it" comes before its confirm, and the package tells it a turn later.
    await turn();
    const reasons = names.map((name) => session.returned.get(name)).filter((reason) => reason !== undefined);
    for (const name of names) session.returned.delete(name);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (reasons[0] !== undefined) this.#unroutable(session, reasons[0], reasons.length, names.length);
  }

  /** Makes the queue if need be. Its own expiry is put off by that. */
  async #wait(session: Session, queue: WaitingQueue): Promise<Target> {
    const { name, delayMs } = queue;
    const now = performance.now();
    const declared = session.declared.get(name);
    if (declared === undefined || now - declared > DECLARED_MS) {
      await session.publish.queueDeclare({ queue: name, durable: true, arguments: queue.arguments });
      session.declared.set(name, now);
    }
    this.#waiting.set(name, { until: now + delayMs + DECLARED_MS });
    return { exchange: '', routingKey: name };
  }

  #unroutable(session: Session, reason: string, count: number, of: number): never {
    const { exchange, queue, routingKey } = this.#settings;
    // Whatever was removed is made again by the next session.
    if (exchange === '') session.fail(new BrokerError(`the queue ${queue} is gone (${reason})`, 'NO_ROUTE'));
    session.declared.clear();
    const way =
      exchange === '' ? `the queue ${queue}` : `a queue behind exchange ${exchange}, routing key ${routingKey}`;
    throw this.#link.error(`${count} of ${of} jobs were not stored: there is no such thing as ${way} (${reason})`);
  }

  #failure(error: BrokerError, count: number): RrtsError {
    if (
      error.code === 'NACK' &&
      ('x-max-length' in this.#settings.arguments || 'x-max-length-bytes' in this.#settings.arguments)
    ) {
      return new RrtsError('ERR_JOBS_FULL', `the queue ${this.#settings.queue} is full: RabbitMQ takes no more jobs`, {
        cure: 'Run its jobs faster, or raise x-max-length.',
        cause: error,
      });
    }
    const what = count === 1 ? 'the job is' : `all ${count} jobs are`;
    return this.#link.error(`it is not known whether ${what} stored: ${error.message}`, error);
  }
}

interface Routed {
  readonly job: Job;
  readonly delayMs: number;
  readonly target: Target;
}

/** RabbitMQ serves the highest first, a pipeline the lowest: priority 0 is the queue's highest, and from the highest number on all are equal. */
function priorityOf(job: Job, session: Session): { priority?: number } {
  const most = session.topology.maxPriority;
  return most === undefined ? {} : { priority: Math.max(0, Math.min(most, most - Math.round(job.priority))) };
}
