// A connection to Redis, for every plugin that keeps something there: opened once, mended by itself, with errors that say what to do.

import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { type Address, formatAddress } from '../../core/scalars.ts';

/** Which Redis, and how long to wait for it. */
export interface RedisOptions {
  /** The key of the configuration that says so: `kv.cache.config`. Errors name it. */
  readonly key: string;
  readonly address: Address;
  readonly username: string;
  readonly password: string;
  readonly db: number;
  /** Milliseconds until an attempt to connect is given up. */
  readonly dialTimeoutMs: number;
  /** Milliseconds until a command that has no answer fails. */
  readonly commandTimeoutMs: number;
  /** Wait before the first attempt after a lost connection; it doubles. Default: 50. */
  readonly firstRetryMs?: number;
  /** A connection that leaves a command unanswered for so many milliseconds counts as lost. Default: it does not. */
  readonly silenceMs?: number;
  /** Commands of one turn of the event loop share one write, and wait for the answers of the turn before. Default: true. */
  readonly pipelining?: boolean;
}

/** Attempts after a lost connection: 50 ms, 100 ms, 200 ms ... and then each 2 s, for ever. */
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2000;
/** A server that is not there has been given up by then. */
const READY_MARGIN_MS = 250;

const CLOSED = 'the connection was closed';

/** What follows from another error. */
const VAGUE = /^(the connection was closed|Connection is closed\.?|Stream isn't writeable.*)$/;

/** What a server says to each write once another one has taken its place. */
const READ_ONLY = /\bREADONLY\b/;

/** Errors that a later attempt does not mend. */
const REFUSED = /^(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password|NOPERM|ERR DB index)/;

/**
 * One connection. While it is down commands fail at once, and attempts go on in the background; the log has one line when it is lost
 * and one when it is back.
 */
export class RedisClient {
  readonly #options: RedisOptions;
  readonly #logger: Logger;
  readonly #redis: Redis;
  /** Why it is down; undefined while it is up. */
  #fault: string | undefined;
  #closed = false;
  /** The first attempt is under way: what went wrong is said once it is known whether that is a refusal. */
  #opening = true;
  /** The connection is made anew because its server takes no writes: nothing to tell but what the caller is told. */
  #moving = false;
  #movedAt = Number.NEGATIVE_INFINITY;
  #onUp: (() => void) | undefined;

  private constructor(redis: Redis, options: RedisOptions, logger: Logger) {
    this.#redis = redis;
    this.#options = options;
    this.#logger = logger;
    redis.on('ready', () => this.#up());
    redis.on('error', (error) => this.#down(error.message));
    redis.on('close', () => this.#down(CLOSED));
  }

  /** Whether the server answered last. */
  get up(): boolean {
    return this.#fault === undefined && !this.#closed;
  }

  /** `listener` is called each time the connection is back. One listener. */
  onUp(listener: () => void): void {
    this.#onUp = listener;
  }

  /**
   * Connects. A server that is not there is a warning, and attempts go on.
   * @throws RrtsError ERR_STORE when the package ioredis is missing, or the server refuses user, password or database.
   */
  static async open(options: RedisOptions, logger: Logger): Promise<RedisClient> {
    const RedisConnection = await load(options.key);
    const { firstRetryMs = FIRST_RETRY_MS, silenceMs } = options;
    let moves = (_: Error): boolean => false;
    const redis = new RedisConnection({
      ...connection(options.address),
      ...(options.username === '' ? {} : { username: options.username }),
      ...(options.password === '' ? {} : { password: options.password }),
      db: options.db,
      connectTimeout: options.dialTimeoutMs,
      commandTimeout: options.commandTimeoutMs,
      ...(silenceMs === undefined ? {} : { socketTimeout: silenceMs }),
      lazyConnect: true,
      enableAutoPipelining: options.pipelining ?? true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxLoadingRetryTime: LONGEST_RETRY_MS,
      // ioredis does not look at whether that succeeds; who subscribes does it again after `onUp`.
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(firstRetryMs * 2 ** (attempt - 1), LONGEST_RETRY_MS),
      reconnectOnError: (error) => moves(error),
    });
    const client = new RedisClient(redis, options, logger);
    moves = (error) => client.#mustMove(error);
    await client.#connect();
    return client;
  }

  /** Runs commands. @throws RrtsError ERR_STORE that names the server and what it said. */
  async run<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await work(this.#redis);
    } catch (thrown) {
      const reason = this.#fault ?? messageOf(thrown);
      throw new RrtsError('ERR_STORE', `Redis at ${formatAddress(this.#options.address)}: ${reason}`, {
        cause: thrown,
      });
    }
  }

  /**
   * Runs a script, which is sent as a whole only where the server does not know it yet. Strings of the answer are buffers.
   * @throws RrtsError ERR_STORE
   */
  script(script: RedisScript, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.run(async (redis) => {
      try {
        // A list, not words: a hundred thousand jobs are more than a function can be given.
        return await redis.callBuffer('EVALSHA', [script.sha, keys.length, ...keys, ...args]);
      } catch (thrown) {
        if (!messageOf(thrown).startsWith('NOSCRIPT')) throw thrown;
        return await redis.callBuffer('EVAL', [script.text, keys.length, ...keys, ...args]);
      }
    });
  }

  /** Ends the connection and all attempts, at once. */
  close(): void {
    this.#closed = true;
    this.#redis.disconnect();
  }

  async #connect(): Promise<void> {
    try {
      await this.#ready();
      // A wrong password would else be found out by the first caller, a wrong database by nobody: ioredis goes on with database 0.
      await this.#redis.select(this.#options.db);
    } catch (thrown) {
      const text = [this.#fault ?? '', messageOf(thrown)].find((one) => REFUSED.test(one));
      if (text !== undefined) {
        this.close();
        throw this.#refused(text, thrown);
      }
      this.#down(messageOf(thrown));
    }
    this.#opening = false;
    if (this.#fault !== undefined) this.#complain(this.#fault);
  }

  /** A server that loads its data is there and not ready, for minutes if there is much; whoever starts is not kept that long. */
  async #ready(): Promise<void> {
    const { dialTimeoutMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const text = `it is there, and not ready after ${dialTimeoutMs} ms: it may be loading its data`;
      timer = setTimeout(() => reject(new Error(text)), dialTimeoutMs + READY_MARGIN_MS);
    });
    try {
      await Promise.race([this.#redis.connect(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The address may lead to the new master by now, but a connection that is there stays with the old one. */
  #mustMove({ message }: Error): boolean {
    const now = performance.now();
    if (!READ_ONLY.test(message) || now - this.#movedAt < LONGEST_RETRY_MS) return false;
    this.#movedAt = now;
    this.#moving = true;
    this.#fault = message;
    return true;
  }

  #refused(text: string, cause: unknown): RrtsError {
    const { address, key } = this.#options;
    return new RrtsError('ERR_STORE', `Redis at ${formatAddress(address)} refuses the connection: ${text}`, {
      place: key,
      cure: `Check username, password and db of ${key}.`,
      cause,
    });
  }

  #up(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    if (this.#opening) return;
    const wasMoving = this.#moving;
    this.#moving = false;
    if (!wasMoving) this.#logger.info({}, `Redis at ${formatAddress(this.#options.address)} answers again`);
    this.#onUp?.();
  }

  #down(reason: string): void {
    if (this.#closed) return;
    const isVague = VAGUE.test(reason);
    const isNews = this.#fault === undefined || (this.#moving && !isVague);
    if (isNews) this.#moving = false;
    // The close that follows an error says less than the error did.
    if (this.#fault === undefined || !isVague) this.#fault = reason;
    if (isNews && !this.#opening) this.#complain(reason);
  }

  #complain(reason: string): void {
    const { address, key } = this.#options;
    const text = `Redis at ${formatAddress(address)} (${key}) cannot be reached: ${reason}`;
    this.#logger.warn({}, `${text}; attempts go on, until then every call fails`);
  }
}

/** A Lua script: Redis runs it in one step. */
export class RedisScript {
  readonly text: string;
  /** By which a server knows it that has seen it. */
  readonly sha: string;

  constructor(text: string) {
    this.text = text;
    this.sha = createHash('sha1').update(text).digest('hex');
  }
}

async function load(key: string): Promise<typeof import('ioredis').Redis> {
  try {
    return (await import('ioredis')).Redis;
  } catch (thrown) {
    throw new RrtsError(
      'ERR_STORE',
      `the package ioredis, which ${key} needs, cannot be loaded: ${messageOf(thrown)}`,
      {
        place: key,
        cure: 'Run npm install ioredis.',
        cause: thrown,
      },
    );
  }
}

function connection(address: Address): { path: string } | { host: string; port: number } {
  if (address.kind === 'unix') return { path: address.path };
  return { host: address.host === '' ? '127.0.0.1' : address.host, port: address.port };
}
