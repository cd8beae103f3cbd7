// A queue and the PHP processes that empty it: what one row of the case "jobs" is made of.

import type { PeerId } from '../cases.ts';
import type { Workspace } from '../workspace.ts';

/** One row, between its begin and its end. */
export interface Queue {
  /** Puts so many jobs into the queue; nobody takes them yet. */
  fill(count: number): Promise<void>;
  /** Lets the processes take them. */
  consume(): Promise<void>;
  /** Lets them rest, once the queue is empty. */
  rest(): Promise<void>;
  /** All processes that take part, brokers included, without their children. */
  pids(): number[];
  stop(): Promise<void>;
}

/** What makes one. */
export interface QueuePlace {
  readonly workspace: Workspace;
  readonly signal: AbortSignal;
  /** The handler leaves one byte for each job in a file of its process here. */
  readonly counts: string;
  /** Port of the redis-server of the run. */
  readonly redisPort: number;
  /** `amqp://...` of the RabbitMQ of the run; undefined without one. */
  readonly amqpUrl: string | undefined;
}

/** PHP processes of each row. */
export const PROCESSES = 2;

/** opcache is on everywhere. */
export const PHP = ['php', '-d', 'opcache.enable_cli=1'];

/** A small order; the first six digits are its number. */
export const PAYLOAD = JSON.stringify({
  id: '000000',
  to: 'somebody@example.org',
  text: 'Your order has been sent and will arrive in the next days. '.repeat(2),
});

/** Rows of the case. */
export type QueueId = Extract<PeerId, 'messenger' | `jobs${string}`>;
