// The second connection of a queue: on it the masters hear that there is work. It may fail; then a look each second is all there is.

import { messageOf } from '../../../core/errors.ts';
import { type Logger, silentLogger } from '../../../core/logger.ts';
import { RedisClient, type RedisOptions } from '../../redis-client/redis-client.ts';

/** One subscription, made again after each loss of the connection. */
export class WakeUps {
  readonly #options: RedisOptions;
  readonly #channel: string;
  readonly #logger: Logger;
  readonly #wake: () => void;
  #client: RedisClient | undefined;
  #heard = false;
  #closed = false;
  #refused = false;

  /** @param wake - called for each message, and when messages may have been missed. */
  constructor(options: RedisOptions, channel: string, logger: Logger, wake: () => void) {
    this.#options = options;
    this.#channel = channel;
    this.#logger = logger;
    this.#wake = wake;
  }

  /** Whether a message would be heard, as far as one can know. */
  get live(): boolean {
    return this.#heard && this.#client?.up === true;
  }

  /** Begins, in the background. */
  open(): void {
    void this.#open();
  }

  /** Asks the server for a sign of life, so that a connection that is dead and does not know it is ended. */
  check(): void {
    this.#client?.run((redis) => redis.ping()).catch(() => undefined);
  }

  /** At once. An attempt that is under way ends by itself. */
  close(): void {
    this.#closed = true;
    this.#client?.close();
  }

  async #open(): Promise<void> {
    try {
      // The main connection goes to the same server, and logs what is the matter with it.
      const client = await RedisClient.open(this.#options, silentLogger);
      this.#client = client;
      if (this.#closed) {
        client.close();
        return;
      }
      client.onUp(() => void this.#subscribe(client));
      await client.run(async (redis) => redis.on('message', this.#wake));
      if (client.up) await this.#subscribe(client);
    } catch (thrown) {
      this.#complain(thrown);
    }
  }

  async #subscribe(client: RedisClient): Promise<void> {
    this.#heard = false;
    try {
      await client.run((redis) => redis.subscribe(this.#channel));
      this.#heard = true;
    } catch (thrown) {
      if (client.up) this.#complain(thrown);
    }
    this.#wake();
  }

  #complain(thrown: unknown): void {
    if (this.#closed || this.#refused) return;
    this.#refused = true;
    const text = `${this.#options.key}: the channel ${this.#channel} cannot be heard: ${messageOf(thrown)}`;
    this.#logger.warn({}, `${text}; new jobs are looked for once a second`);
  }
}
