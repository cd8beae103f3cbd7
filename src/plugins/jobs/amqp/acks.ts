// Tells RabbitMQ what is done: many deliveries in one message, and none later than the workers need, or a few milliseconds.

import type { Channel } from 'rabbitmq-client';

/** What is done waits so long for company while the workers have enough to do; twice that where what came before it is not done. */
const GATHER_MS = 2;
/** Stands for a delivery that is not done. */
const OPEN = 0;

/** The part of a channel that is used. */
export type AckChannel = Pick<Channel, 'active' | 'basicAck' | 'basicNack'>;

/**
 * The deliveries of one channel that the broker waits for. Tags mean nothing in another channel: so these acks end with theirs.
 *
 * One ack may stand for all deliveries up to its tag. Jobs end in nearly the order in which they came, so what is missing for that is mostly
 * done a moment later; what still waits for it in the round after is told by itself.
 */
export class Acks {
  /** Most deliveries that the broker sends without an ack. */
  prefetch = 1;
  readonly #channel: AckChannel;
  /** By tag, in their order: `OPEN`, or the round in which it was done. */
  readonly #waiting = new Map<number, number>();
  #done = 0;
  #round = 1;
  #soon: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(channel: AckChannel) {
    this.#channel = channel;
  }

  /** A delivery has come. Each is to be told, in their order. */
  arrived(tag: number): void {
    this.#waiting.set(tag, OPEN);
  }

  /** It is done; the broker is told soon. */
  ack(tag: number): void {
    this.#waiting.set(tag, this.#round);
    this.#done++;
    if (this.#hungry) this.#soon ??= setImmediate(() => this.#tell());
    else this.#timer ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  /** It goes back into the queue, at once. */
  nack(tag: number): void {
    this.#waiting.delete(tag);
    this.#send(() => this.#channel.basicNack({ deliveryTag: tag, requeue: true }));
  }

  /** Tells all that is done, and ends: what is not done comes again. */
  close(): void {
    this.#round++;
    this.#tell();
    this.drop();
  }

  /** The channel is gone: what was not told comes again. */
  drop(): void {
    this.#quiet();
    this.#waiting.clear();
    this.#done = 0;
  }

  /** The workers have no more than half of what they may have: the broker should send more. */
  get #hungry(): boolean {
    return this.#waiting.size - this.#done <= this.prefetch / 2;
  }

  #tell(): void {
    this.#quiet();
    this.#tellAll();
    if (this.#done > 0) this.#tellSome(this.#hungry && this.#done >= this.prefetch / 2);
    this.#round++;
    if (this.#done > 0) this.#timer = setTimeout(() => this.#tell(), GATHER_MS);
  }

  /** One ack for all, up to the first that is not done. */
  #tellAll(): void {
    let last = 0;
    let count = 0;
    for (const [tag, round] of this.#waiting) {
      if (round === OPEN) break;
      this.#waiting.delete(tag);
      last = tag;
      count++;
    }
    this.#done -= count;
    if (count > 0) this.#send(() => this.#channel.basicAck({ deliveryTag: last, multiple: count > 1 }));
  }

  /** One by one those that waited for a round; all of them when they keep the broker from sending more. */
  #tellSome(all: boolean): void {
    for (const [tag, round] of this.#waiting) {
      if (round === OPEN || (round === this.#round && !all)) continue;
      this.#waiting.delete(tag);
      this.#done--;
      this.#send(() => this.#channel.basicAck({ deliveryTag: tag }));
    }
  }

  #quiet(): void {
    clearImmediate(this.#soon);
    clearTimeout(this.#timer);
    this.#soon = undefined;
    this.#timer = undefined;
  }

  /** An ack over a lost connection is dropped: the broker has taken the message back already. */
  #send(work: () => void): void {
    if (!this.#channel.active) return;
    try {
      work();
    } catch {
      // The channel closed between the two looks: the same.
    }
  }
}
