// What is open while RabbitMQ is there: two connections and their channels. It ends as a whole, and is not mended: the next one takes its place.

import type { Channel, Connection, ReturnedMessage } from 'rabbitmq-client';
import type { Logger } from '../../../core/logger.ts';
import { Acks } from './acks.ts';
import { BrokerError, bounded, connect, type Library, openChannel } from './broker.ts';
import { keepBytes } from './raw-body.ts';
import type { AmqpSettings } from './settings.ts';
import { declare, type Topology } from './topology.ts';

const CLOSE_MS = 1500;
const OPEN_MS = 10_000;

/** Who opens it. */
export interface SessionOwner {
  readonly library: Library;
  readonly settings: AmqpSettings;
  readonly pipeline: string;
  readonly logger: Logger;
  /** It has ended by itself. At most once. */
  lost(session: Session, error: BrokerError): void;
}

/**
 * Jobs go in over one connection and come out over another: a broker that is short of memory or disk stops reading from those who publish, and acks,
 * which give it room, must get through.
 */
export class Session {
  /** Deliveries. */
  readonly consume: Channel;
  /** What became of them. */
  readonly acks: Acks;
  /** Confirms what is published. */
  readonly publish: Channel;
  readonly topology: Topology;
  /** Messages that no queue took, by name, with the broker's reason; whoever published takes them out. */
  readonly returned = new Map<string, string>();
  /** When waiting queues were declared, by name. */
  readonly declared = new Map<string, number>();
  /** Why the broker takes no messages now. */
  blocked: string | undefined;
  readonly #owner: SessionOwner;
  readonly #connections: readonly Connection[];
  #admin: Channel | undefined;
  #ended = false;

  private constructor(owner: SessionOwner, opened: Opened) {
    this.#owner = owner;
    this.consume = opened.consume;
    this.acks = new Acks(opened.consume);
    this.publish = opened.publish;
    this.topology = opened.topology;
    this.#connections = opened.connections;
    this.#watch(opened);
  }

  /** Takes at most 10 s; `signal` ends the attempt at once. @throws BrokerError; then nothing is left open. */
  static async open(owner: SessionOwner, signal: AbortSignal): Promise<Session> {
    const connections: Connection[] = [];
    const ended = AbortSignal.any([signal, AbortSignal.timeout(OPEN_MS)]);
    const destroy = (): void => {
      for (const connection of connections) connection.unsafeDestroy();
    };
    ended.addEventListener('abort', destroy);
    try {
      const session = new Session(owner, await open(owner, connections, ended));
      // It may have ended before it listened.
      if (!session.consume.active || !session.publish.active)
        throw new BrokerError('the connection was closed', 'CLOSED');
      return session;
    } catch (thrown) {
      destroy();
      throw BrokerError.of(thrown);
    } finally {
      ended.removeEventListener('abort', destroy);
    }
  }

  /** Whether it can be used. */
  get alive(): boolean {
    return !this.#ended;
  }

  /** For questions whose wrong answer ends their channel, such as one after a queue that is gone. Opened again after that. */
  async admin(): Promise<Channel> {
    if (this.#admin?.active !== true) this.#admin = await openChannel(this.#main, () => {});
    return this.#admin;
  }

  /** Tells what has been settled, then ends; or ends at once after 1.5 s. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.acks.close();
    const channels = [this.consume, this.publish, ...(this.#admin === undefined ? [] : [this.#admin])];
    const work = async (): Promise<void> => {
      await Promise.all(channels.map((channel) => channel.close()));
      await Promise.all(this.#connections.map((connection) => connection.close()));
    };
    await bounded(work(), CLOSE_MS).catch(() => {});
    for (const connection of this.#connections) connection.unsafeDestroy();
  }

  /** Ends it, as if the broker had: what it does no longer tells the truth. */
  fail(error: BrokerError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.acks.drop();
    for (const connection of this.#connections) connection.unsafeDestroy();
    this.#owner.lost(this, error);
  }

  get #main(): Connection {
    const [main] = this.#connections;
    if (main === undefined || this.#ended) throw new BrokerError('the connection was closed', 'CLOSED');
    return main;
  }

  #watch({ connections, channels, faults }: Opened): void {
    for (const connection of connections) connection.on('error', (error) => this.fail(BrokerError.of(error)));
    for (const channel of channels) {
      // Of a lost connection the channels end first: its own error, which says why, comes within the same turn.
      channel.on('close', () => {
        queueMicrotask(() =>
          this.fail(faults.get(channel) ?? new BrokerError('the broker closed a channel', 'CLOSED')),
        );
      });
    }
    this.consume.on('basic.cancel', () => this.fail(new BrokerError('the queue was removed', 'CANCELLED')));
    this.publish.on('basic.return', ({ messageId, replyText }: ReturnedMessage) => {
      if (messageId !== undefined) this.returned.set(messageId, replyText);
    });
    const [, publisher] = connections;
    publisher?.on('connection.blocked', (reason) => {
      this.blocked = reason;
    });
    publisher?.on('connection.unblocked', () => {
      this.blocked = undefined;
    });
  }
}

interface Opened {
  readonly connections: readonly Connection[];
  readonly channels: readonly Channel[];
  readonly consume: Channel;
  readonly publish: Channel;
  readonly topology: Topology;
  /** Errors of channels, which come before their end. */
  readonly faults: Map<Channel, BrokerError>;
}

async function open(owner: SessionOwner, connections: Connection[], signal: AbortSignal): Promise<Opened> {
  const { library, settings, pipeline, logger } = owner;
  const faults = new Map<Channel, BrokerError>();
  const add = async (purpose: string): Promise<Connection> => {
    const connection = await connect(library, settings, `rrts ${pipeline} ${purpose}`, signal);
    // Replaced by the session's own; without one an error would end the process.
    connection.on('error', () => {});
    connections.push(connection);
    return connection;
  };
  const channelOf = async (connection: Connection): Promise<Channel> => {
    const channel: Channel = await openChannel(connection, (error) => faults.set(channel, error));
    return channel;
  };
  const main = await add('consumer');
  const topology = await declare(main, settings, logger);
  const publisher = await add('publisher');
  const consume = await channelOf(main);
  keepBytes(consume);
  const publish = await channelOf(publisher);
  await publish.confirmSelect();
  return { connections, channels: [consume, publish], consume, publish, topology, faults };
}
