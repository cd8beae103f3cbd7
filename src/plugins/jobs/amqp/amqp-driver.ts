// The driver amqp: jobs in a queue of RabbitMQ, which several servers may share, RoadRunner's among them.

import { setTimeout as pause } from 'node:timers/promises';
import { RrtsError } from '../../../core/errors.ts';
import type { Driver, DriverContext, DriverStats, DriverType, NewJob, PushResult } from '../driver.ts';
import { BrokerError, bounded } from './broker.ts';
import { Consumers } from './consumers.ts';
import { Deliveries } from './deliveries.ts';
import { Link } from './link.ts';
import { decodeMessage } from './message.ts';
import { Publisher } from './publisher.ts';
import type { Session } from './session.ts';
import { type AmqpSettings, amqpSection, amqpSettings, amqpShape } from './settings.ts';

/** For so long a count is good enough to compare with `max_waiting`. */
const COUNT_MS = 1000;
/** Of the 5 s of a stop, for jobs that are on their way back. */
const DRAIN_MS = 1500;
const STEP_MS = 1000;
const LOOK_EVERY_MS = 20;
/** Jobs that are taken ahead of time while they are slow, and nobody said how many: RoadRunner's. */
const FEW = 10;

/** The driver; see {@link Driver}. */
export class AmqpDriver implements Driver {
  readonly #settings: AmqpSettings;
  readonly #context: DriverContext;
  readonly #link: Link;
  readonly #publisher: Publisher;
  readonly #deliveries: Deliveries;
  readonly #consumers: Consumers;
  #stopped = false;
  #counted = { at: Number.NEGATIVE_INFINITY, jobs: 0 };

  constructor(settings: AmqpSettings, context: DriverContext) {
    const { pipeline, key, logger, prefetch } = context;
    this.#settings = settings;
    this.#context = context;
    this.#link = new Link(settings, { pipeline, key, logger, up: (session) => this.#begin(session) });
    this.#publisher = new Publisher(this.#link, settings, pipeline);
    this.#deliveries = new Deliveries({
      prefetch,
      logger,
      decode: (message) => decodeMessage(message, settings.priority, context.now()),
      deliver: (delivery) => context.deliver(delivery),
      pushBack: (job, delayMs) => this.#publisher.pushBack(job, delayMs),
      ended: () => this.#consumers.jobEnded(),
    });
    this.#consumers = new Consumers({
      queue: settings.queue,
      name: settings.consumerId ?? `rrts-${process.pid}`,
      few: settings.prefetch ?? Math.min(prefetch, FEW),
      many: settings.prefetch ?? prefetch,
      session: () => this.#link.session,
      take: (session, message) => this.#deliveries.take(session, message),
      silent: () => this.#deliveries.giveBack(),
    });
  }

  async start(): Promise<void> {
    await this.#link.start();
  }

  async push(jobs: readonly NewJob[]): Promise<PushResult[]> {
    if (jobs.some(({ job }) => job.options.unique !== undefined)) {
      throw new RrtsError(
        'ERR_JOBS_INVALID',
        `the pipeline ${this.#context.pipeline} has no unique jobs: its driver is amqp`,
        {
          place: this.#context.key,
          cure: 'Push without a unique key, or use the driver local, redis or memory.',
        },
      );
    }
    await this.#refuseFull(jobs.length);
    await this.#publisher.push(jobs);
    this.#counted.jobs += jobs.length;
    return jobs.map(() => 'stored');
  }

  resume(): void {
    if (this.#settings.queue === '') {
      const text = `${this.#context.key} names an exchange and no queue, so the pipeline only takes pushes`;
      this.#context.logger.error({}, `${text}; write config.queue to run its jobs`);
      return;
    }
    this.#deliveries.resume();
    this.#consumers.resume();
  }

  pause(): void {
    this.#deliveries.pause();
    this.#consumers.pause();
  }

  async stats(): Promise<DriverStats> {
    const { reserved } = this.#deliveries;
    const { queue } = this.#settings;
    const session = this.#link.need();
    if (queue === '') return { waiting: 0, delayed: 0, reserved };
    try {
      const waiting = await this.#count(session, queue);
      if (waiting === undefined) session.fail(new BrokerError(`the queue ${queue} is gone`, 'NOT_FOUND'));
      let delayed = 0;
      for (const name of this.#publisher.waitingQueues(performance.now())) {
        const count = await this.#count(session, name);
        if (count === undefined) this.#publisher.forget(name);
        delayed += count ?? 0;
      }
      return { waiting: waiting ?? 0, delayed, reserved };
    } catch (thrown) {
      throw this.#link.error(BrokerError.of(thrown).message, thrown);
    }
  }

  async destroy(): Promise<void> {
    this.pause();
    await this.#consumers.changed;
    const session = this.#link.need();
    const names = [this.#settings.queue, ...this.#publisher.waitingQueues(performance.now())];
    try {
      const channel = await bounded(session.admin());
      for (const queue of names) if (queue !== '') await bounded(channel.queueDelete({ queue }));
    } catch (thrown) {
      throw this.#link.error(
        `the queue ${this.#settings.queue} cannot be removed: ${BrokerError.of(thrown).message}`,
        thrown,
      );
    }
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.pause();
    await bounded(this.#consumers.changed, STEP_MS).catch(() => {});
    const end = performance.now() + DRAIN_MS;
    while (this.#deliveries.busy && performance.now() < end) await pause(LOOK_EVERY_MS);
    this.#deliveries.stop();
    await this.#deleteOnStop();
    await this.#link.close();
  }

  #begin(session: Session): void {
    this.#deliveries.begin(session);
    this.#consumers.change();
  }

  async #deleteOnStop(): Promise<void> {
    const { deleteOnStop, queue } = this.#settings;
    const session = this.#link.session;
    if (!deleteOnStop || queue === '' || session === undefined) return;
    try {
      const remove = session.admin().then((channel) => channel.queueDelete({ queue, ifUnused: true }));
      await bounded(remove, STEP_MS);
    } catch (thrown) {
      this.#context.logger.info({}, `the queue ${queue} stays: ${BrokerError.of(thrown).message}`);
    }
  }

  /** Messages that could be handed over; undefined when there is no such queue. */
  async #count(session: Session, queue: string): Promise<number | undefined> {
    try {
      const channel = await bounded(session.admin());
      return (await bounded(channel.queueDeclare({ queue, passive: true }))).messageCount;
    } catch (thrown) {
      if (BrokerError.of(thrown).code === 'NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  async #refuseFull(count: number): Promise<void> {
    const { maxWaiting, pipeline } = this.#context;
    const at = performance.now();
    if (at - this.#counted.at > COUNT_MS) {
      this.#counted.at = at;
      const { waiting, delayed, reserved } = await this.stats();
      this.#counted.jobs = waiting + delayed + reserved;
    }
    if (this.#counted.jobs + count <= maxWaiting) return;
    throw new RrtsError('ERR_JOBS_FULL', `the pipeline ${pipeline} is full: it may hold ${maxWaiting} jobs`, {
      cure: 'Run its jobs faster, or raise max_waiting.',
    });
  }
}

/** The driver `amqp`. */
export const amqpDriverType: DriverType = {
  name: 'amqp',
  roadRunnerName: 'amqp',
  prefetch: 100,
  shape: amqpShape,
  ignored: ['multiple_ack', 'requeue_on_fail', 'redial_timeout', 'consume_all'],
  section: amqpSection,
  create: (settings, section, context) =>
    new AmqpDriver(amqpSettings(settings, section, context.pipeline, context.key), context),
};
