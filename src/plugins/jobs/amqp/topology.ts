// Declares the queue and its exchange, and takes one that is there already as it is, unless the configuration asks for something else.

import type { Connection } from 'rabbitmq-client';
import type { Logger } from '../../../core/logger.ts';
import { BrokerError, openChannel } from './broker.ts';
import type { AmqpArguments, AmqpSettings } from './settings.ts';

/** RabbitMQ's sentence about a queue or an exchange that exists with other properties. */
const DIFFERENT = /inequivalent arg '([^']+)' for (?:queue|exchange) .*: received (.+?) but current is (.+?)$/;
const VALUE = /^(?:the value )?'(.*?)'(?: of type '(\w+)')?$/;
/** As many differences as a queue can have. */
const MOST_DIFFERENCES = 10;

interface Wish {
  durable: boolean;
  arguments: AmqpArguments;
}

/** What is there, once it is declared. */
export interface Topology {
  readonly queueDurable: boolean;
  /** Undefined: the queue has no priorities. */
  readonly maxPriority: number | undefined;
}

/**
 * Makes exchange, queue and binding, as far as they are not there.
 * @throws BrokerError which says what differs from what the configuration asks for.
 */
export async function declare(connection: Connection, settings: AmqpSettings, logger: Logger): Promise<Topology> {
  if (settings.exchange !== '') await declareExchange(connection, settings);
  if (settings.queue === '') return { queueDurable: true, maxPriority: undefined };
  const wish = await declareQueue(connection, settings);
  if (settings.exchange !== '') {
    const { queue, exchange, routingKey } = settings;
    await withChannel(connection, (channel) => channel.queueBind({ queue, exchange, routingKey }));
  }
  if (!wish.durable && settings.durable === undefined) {
    logger.warn(
      {},
      `the queue ${settings.queue} is there and not durable: its jobs do not survive a restart of the broker`,
    );
  }
  const priority = wish.arguments['x-max-priority'];
  return { queueDurable: wish.durable, maxPriority: typeof priority === 'number' ? priority : undefined };
}

async function declareExchange(connection: Connection, settings: AmqpSettings): Promise<void> {
  const { exchange, exchangeType: type, exchangeAutoDelete: autoDelete } = settings;
  await settle(
    { durable: settings.exchangeDurable ?? true, arguments: {} },
    async ({ durable }) => {
      await withChannel(connection, (channel) => channel.exchangeDeclare({ exchange, type, durable, autoDelete }));
    },
    (name) => name === 'durable' && settings.exchangeDurable === undefined,
    `the exchange ${exchange}`,
  );
}

async function declareQueue(connection: Connection, settings: AmqpSettings): Promise<Wish> {
  const { queue, exclusive, autoDelete } = settings;
  const first = {
    durable: settings.durable ?? true,
    arguments: { ...settings.defaultArguments, ...settings.arguments },
  };
  const free = (name: string): boolean =>
    name === 'durable'
      ? settings.durable === undefined
      : name.startsWith('x-') && settings.arguments[name] === undefined;
  return settle(
    first,
    async (wish) => {
      await withChannel(connection, (channel) => channel.queueDeclare({ queue, exclusive, autoDelete, ...wish }));
    },
    free,
    `the queue ${queue}`,
  );
}

/** Tries again with what is there instead of what nobody asked for. */
async function settle(
  first: Wish,
  attempt: (wish: Wish) => Promise<void>,
  free: (name: string) => boolean,
  what: string,
): Promise<Wish> {
  let wish = first;
  for (let round = 0; ; round++) {
    try {
      await attempt(wish);
      return wish;
    } catch (thrown) {
      const error = BrokerError.of(thrown);
      const [, name = '', asked = '', current = ''] = DIFFERENT.exec(error.message) ?? [];
      if (name === '') throw error;
      if (!free(name) || round === MOST_DIFFERENCES) throw different(what, name, asked, current, error);
      wish = changed(wish, name, current);
    }
  }
}

function changed(wish: Wish, name: string, current: string): Wish {
  const [, text, type] = VALUE.exec(current) ?? [];
  if (name === 'durable') return { ...wish, durable: text === 'true' };
  const { [name]: _, ...rest } = wish.arguments;
  if (text === undefined) return { ...wish, arguments: rest };
  return {
    ...wish,
    arguments: { ...rest, [name]: type === 'longstr' ? text : type === 'bool' ? text === 'true' : Number(text) },
  };
}

function different(what: string, name: string, asked: string, current: string, cause: BrokerError): BrokerError {
  const value = (text: string): string => (text === 'none' ? 'nothing' : (VALUE.exec(text)?.[1] ?? text));
  const text = `${what} is there with ${name} = ${value(current)}, and the configuration asks for ${value(asked)}`;
  return new BrokerError(text, cause.code, { refused: true, cause });
}

/** An error of a declaration ends its channel, so each has its own. */
async function withChannel(
  connection: Connection,
  work: (channel: Awaited<ReturnType<typeof openChannel>>) => Promise<unknown>,
): Promise<void> {
  const channel = await openChannel(connection, () => {});
  try {
    await work(channel);
  } finally {
    await channel.close();
  }
}
