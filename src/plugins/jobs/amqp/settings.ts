// The keys of the driver amqp, RoadRunner's, and what follows from them: which queue, which exchange, which broker.

import { z } from 'zod';
import { RrtsError } from '../../../core/errors.ts';

const LOCAL = 'amqp://guest:guest@127.0.0.1:5672/';
/** RoadRunner's default, where its configuration means an exchange. */
const EXCHANGE = 'amqp.default';
/** Priorities of a queue that this driver makes. Each costs the broker a little. */
const PRIORITIES = 10;
const PRIORITY = 10;

const argumentsSchema = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .describe('amqp: further arguments of the queue, such as x-queue-type.');

const addr = () =>
  z
    .string()
    .refine(isUrl, 'must be an address such as amqp://user:password@127.0.0.1:5672/vhost, or amqps://...')
    .optional();

const exchangeType = z.enum(['direct', 'fanout', 'topic', 'headers']);

/** Keys of `config` of a pipeline. */
export const amqpShape = {
  addr: addr().describe('amqp: address of the broker. Default: amqp.addr.'),
  exchange: z
    .string()
    .max(200)
    .optional()
    .describe('amqp: exchange that pushes go to. Default: none, they go into the queue itself.'),
  exchange_type: exchangeType.optional().describe('amqp: its type: direct, fanout, topic or headers. Default: direct.'),
  exchange_durable: z
    .boolean()
    .optional()
    .describe('amqp: whether it survives a restart of the broker. Default: true.'),
  exchange_auto_delete: z
    .boolean()
    .optional()
    .describe('amqp: whether it ends with the last queue that is bound to it. Default: false.'),
  routing_key: z
    .string()
    .max(200)
    .optional()
    .describe('amqp: key of pushes, and of the binding between exchange and queue. Default: name of the queue.'),
  durable: z.boolean().optional().describe('amqp: whether the queue survives a restart of the broker. Default: true.'),
  exclusive: z
    .boolean()
    .optional()
    .describe('amqp: whether the queue belongs to this connection, and ends with it. Default: false.'),
  queue_auto_delete: z
    .boolean()
    .optional()
    .describe('amqp: whether the queue ends with its last consumer. Default: false.'),
  queue_headers: z
    .union([argumentsSchema, z.string().transform(parseArguments)])
    .optional()
    .describe('amqp: further arguments of the queue, such as x-queue-type. Default: x-max-priority: 10.'),
  delete_queue_on_stop: z
    .boolean()
    .optional()
    .describe('amqp: whether a stop removes the queue, once nobody else takes from it. Default: false.'),
  consumer_id: z
    .string()
    .max(200)
    .optional()
    .describe('amqp: name of the consumer, as the broker lists it. Default: rrts-pid.'),
};

/** The section `amqp` of the configuration's root. */
export const amqpSection = z.strictObject({
  addr: addr().describe(`Address of the broker. Default: ${LOCAL}`),
  tls: z
    .strictObject({
      key: z.string().optional().describe('PEM file with the key of the client.'),
      cert: z.string().optional().describe('PEM file with the certificate of the client.'),
      root_ca: z.string().optional().describe('PEM file with the certificates that the broker is checked against.'),
      client_auth_type: z.string().optional().describe("RoadRunner's; a client has no use for it."),
    })
    .optional()
    .describe('Certificates, for an amqps:// address or to make an amqp:// one safe.'),
});

const settingsSchema = z.object({
  queue: z.string().optional(),
  priority: z.number().optional(),
  prefetch: z.number().optional(),
  addr: z.string().optional(),
  exchange: z.string().optional(),
  exchangeType: exchangeType.optional(),
  exchangeDurable: z.boolean().optional(),
  exchangeAutoDelete: z.boolean().optional(),
  routingKey: z.string().optional(),
  durable: z.boolean().optional(),
  exclusive: z.boolean().optional(),
  queueAutoDelete: z.boolean().optional(),
  queueHeaders: argumentsSchema.optional(),
  deleteQueueOnStop: z.boolean().optional(),
  consumerId: z.string().optional(),
});

const sectionSchema = z.object({
  addr: z.string().optional(),
  tls: z.object({ key: z.string().optional(), cert: z.string().optional(), rootCa: z.string().optional() }).optional(),
});

/** Arguments of a queue or an exchange, as AMQP has them. */
export type AmqpArguments = Readonly<Record<string, string | number | boolean>>;

/** PEM files for TLS. */
export interface TlsFiles {
  readonly key?: string | undefined;
  readonly cert?: string | undefined;
  readonly rootCa?: string | undefined;
}

/** All that the driver wants to know. */
export interface AmqpSettings {
  readonly url: string;
  /** The address for logs and errors, without user and password. */
  readonly place: string;
  readonly tls: TlsFiles | undefined;
  /** Empty: pushes only, to an exchange. */
  readonly queue: string;
  /** Empty: pushes go into the queue. */
  readonly exchange: string;
  readonly exchangeType: 'direct' | 'fanout' | 'topic' | 'headers';
  /** Undefined: nobody said, so true unless what is there already says otherwise. */
  readonly exchangeDurable: boolean | undefined;
  readonly exchangeAutoDelete: boolean;
  readonly routingKey: string;
  /** As `exchangeDurable`. */
  readonly durable: boolean | undefined;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly deleteOnStop: boolean;
  /** As the user wrote them. */
  readonly arguments: AmqpArguments;
  /** Ours beside them, where the broker has no others. */
  readonly defaultArguments: AmqpArguments;
  readonly consumerId: string | undefined;
  /** Priority of messages that say none. */
  readonly priority: number;
  /** As the user wrote it. */
  readonly prefetch: number | undefined;
}

/** @throws RrtsError ERR_CONFIG_INVALID */
export function amqpSettings(settings: unknown, section: unknown, pipeline: string, key: string): AmqpSettings {
  const own = read(settingsSchema, settings, key);
  const shared = read(sectionSchema, section ?? {}, 'amqp');
  const url = own.addr ?? shared.addr ?? LOCAL;
  const toExchange = own.exchange !== undefined || own.routingKey !== undefined;
  // RoadRunner's meaning of an exchange without a queue: pushes only. Whoever names neither has the queue of the pipeline's name.
  const queue = own.queue ?? (toExchange ? '' : pipeline);
  const asked = own.queueHeaders ?? {};
  const classic = (asked['x-queue-type'] ?? 'classic') === 'classic';
  return {
    url,
    place: placeOf(url),
    tls: shared.tls,
    queue,
    exchange: toExchange ? (own.exchange ?? EXCHANGE) : '',
    exchangeType: own.exchangeType ?? 'direct',
    exchangeDurable: own.exchangeDurable,
    exchangeAutoDelete: own.exchangeAutoDelete ?? false,
    routingKey: own.routingKey || queue,
    durable: own.durable,
    exclusive: own.exclusive ?? false,
    autoDelete: own.queueAutoDelete ?? false,
    deleteOnStop: own.deleteQueueOnStop ?? false,
    arguments: asked,
    defaultArguments: classic && asked['x-max-priority'] === undefined ? { 'x-max-priority': PRIORITIES } : {},
    consumerId: own.consumerId,
    priority: own.priority ?? PRIORITY,
    prefetch: own.prefetch,
  };
}

function read<T extends z.ZodType>(schema: T, value: unknown, place: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [place, ...(issue?.path ?? [])].join('.');
  throw new RrtsError('ERR_CONFIG_INVALID', `${where}: ${issue?.message ?? 'wrong value'}`, { place });
}

function isUrl(text: string): boolean {
  return URL.canParse(text) && /^amqps?:$/.test(new URL(text).protocol);
}

function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** RoadRunner's clients send this map as JSON. */
function parseArguments(text: string, context: z.RefinementCtx): AmqpArguments {
  try {
    if (text.trim() === '') return {};
    return argumentsSchema.parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a map of names to values' });
    return z.NEVER;
  }
}
