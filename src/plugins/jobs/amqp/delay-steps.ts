// Delays in RabbitMQ: a message waits in a queue of its delay, from which it moves when its time is over. These are those queues.

import { createHash } from 'node:crypto';
import { RrtsError } from '../../../core/errors.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long an unused queue stays beyond its delay. Far more than the {@link DECLARED_MS} for which it is taken to be there. */
const SPARE_MS = 10 * MINUTE;
/** For so long a declared queue is known to be there. */
export const DECLARED_MS = MINUTE;
/** RabbitMQ counts in 32 bits. */
const LONGEST_MS = 2 ** 32 - 1 - SPARE_MS;

/** Up to `below` delays are rounded up to whole `step`s: every delay a person writes is exact, and there are at most 360 queues below a day. */
const STEPS: readonly { below: number; step: number }[] = [
  { below: SECOND, step: 50 },
  { below: 10 * SECOND, step: 250 },
  { below: MINUTE, step: SECOND },
  { below: 10 * MINUTE, step: 10 * SECOND },
  { below: HOUR, step: MINUTE },
  { below: DAY, step: 10 * MINUTE },
  { below: 10 * DAY, step: HOUR },
  { below: Number.POSITIVE_INFINITY, step: DAY },
];

/** Where a message goes. */
export interface Target {
  readonly exchange: string;
  readonly routingKey: string;
}

/** The queue in which messages wait. */
export interface WaitingQueue {
  readonly name: string;
  readonly delayMs: number;
  readonly arguments: Readonly<Record<string, string | number>>;
}

/** The delay that is really waited: `delayMs`, or longer by at most 250 ms or a sixth. */
export function roundDelay(delayMs: number): number {
  const { step } = STEPS.find(({ below }) => delayMs <= below) ?? { step: DAY };
  return Math.ceil(delayMs / step) * step;
}

/** @throws RrtsError ERR_JOBS_INVALID for a delay that RabbitMQ cannot count. */
export function waitingQueue(delayMs: number, target: Target): WaitingQueue {
  const rounded = roundDelay(delayMs);
  if (rounded > LONGEST_MS) {
    const days = Math.floor(LONGEST_MS / DAY);
    throw new RrtsError('ERR_JOBS_INVALID', `a delay of ${Math.ceil(delayMs / DAY)} days is too long for RabbitMQ`, {
      cure: `Ask for at most ${days} days.`,
    });
  }
  const end = [target.exchange, target.routingKey].filter((part) => part !== '').join('.');
  const short = Buffer.byteLength(end) <= 200 ? end : createHash('sha256').update(end).digest('hex');
  return {
    name: `rrts-delayed-${rounded}.${short}`,
    delayMs: rounded,
    arguments: {
      'x-dead-letter-exchange': target.exchange,
      'x-dead-letter-routing-key': target.routingKey,
      'x-message-ttl': rounded,
      // It goes when nobody has declared it for so long: then its last message has moved long ago.
      'x-expires': rounded + SPARE_MS,
    },
  };
}
