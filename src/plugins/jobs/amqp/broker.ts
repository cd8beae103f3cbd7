// One connection to RabbitMQ: the package that speaks AMQP, the options, and errors that say what was refused.

import { readFileSync } from 'node:fs';
import type { Channel, Connection } from 'rabbitmq-client';
import { messageOf, RrtsError } from '../../../core/errors.ts';
import type { AmqpSettings, TlsFiles } from './settings.ts';

/** Longest time for a connection, and for an answer. */
export const ANSWER_MS = 5000;

/** Of half of it nothing comes: the connection is dead. In seconds. */
const HEARTBEAT_S = 10;
/** RabbitMQ's own size; the package would take 8 KB. */
const FRAME_BYTES = 131_072;

/** What a later attempt does not mend. */
const REFUSALS = new Set([
  'ACCESS_REFUSED',
  'NOT_ALLOWED',
  'PRECONDITION_FAILED',
  'COMMAND_INVALID',
  'VERSION_MISMATCH',
]);
/** Codes of certificates that are not believed, and of speech that is no TLS. */
export const CERTIFICATE = /CERT|SSL|TLS|EPROTO|UNABLE_TO_VERIFY|INVALID_CA|INVALID_PURPOSE/;

/** What is used of the package. */
export type Library = Pick<typeof import('rabbitmq-client'), 'Connection'>;

/** RabbitMQ, or the way to it, does not do what was asked. */
export class BrokerError extends Error {
  /** Asking again will not help: wrong credentials, wrong arguments. */
  readonly refused: boolean;
  /** AMQP's name for it, where it has one. */
  readonly code: string;

  constructor(message: string, code: string, options: { refused?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'BrokerError';
    this.code = code;
    this.refused = options.refused ?? (REFUSALS.has(code) || CERTIFICATE.test(code));
  }

  static of(thrown: unknown): BrokerError {
    if (thrown instanceof BrokerError) return thrown;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    // OpenSSL's words for it hold a thread and a line of its source.
    if (/wrong version number/.test(messageOf(thrown)))
      return new BrokerError('it speaks no TLS on this port', 'NO_TLS', { cause: thrown });
    // The package begins with the method that failed and AMQP's name again: "QueueDeclare: PRECONDITION_FAILED - inequivalent arg ...".
    const message =
      messageOf(thrown)
        .trim()
        .replace(/^\w+: (?=[A-Z_]+ - )/, '') ||
      code ||
      'no connection';
    return new BrokerError(message, code, { cause: thrown });
  }
}

/** @throws RrtsError ERR_JOBS_STORE when the package is not installed. */
export async function loadLibrary(key: string): Promise<Library> {
  try {
    const { Connection } = await import('rabbitmq-client');
    return { Connection };
  } catch (cause) {
    const message = `the package rabbitmq-client, which ${key} needs, cannot be loaded: ${messageOf(cause)}`;
    throw new RrtsError('ERR_JOBS_STORE', message, { place: key, cure: 'Run npm install rabbitmq-client.', cause });
  }
}

/**
 * Connects once. The package would connect again by itself, without a word on why it fails; so whoever gets an `error` of the connection
 * destroys it and calls this again. `signal` ends the attempt.
 * @throws BrokerError
 */
export async function connect(
  library: Library,
  settings: AmqpSettings,
  name: string,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const connection = new library.Connection({
    url: settings.url,
    connectionName: name,
    acquireTimeout: ANSWER_MS,
    connectionTimeout: ANSWER_MS,
    heartbeat: HEARTBEAT_S,
    frameMax: FRAME_BYTES,
    noDelay: true,
    ...tlsOptions(settings.tls, settings.url),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', abort);
      connection.unsafeDestroy();
      reject(BrokerError.of(error));
    };
    const abort = (): void => fail(signal.reason);
    signal.addEventListener('abort', abort);
    connection.once('error', fail);
    connection.once('connection', () => {
      signal.removeEventListener('abort', abort);
      connection.off('error', fail);
      resolve(connection);
    });
  });
}

/** A channel whose errors come to it. The owner listens to `close`, which follows each error. */
export async function openChannel(connection: Connection, onError: (error: BrokerError) => void): Promise<Channel> {
  const channel = await connection.acquire({ emitErrorsFromChannel: true });
  channel.on('error', (error) => onError(BrokerError.of(error)));
  return channel;
}

/** What `work` gives, or a BrokerError after `ms`: a broker that is there and does not answer. */
export async function bounded<T>(work: Promise<T>, ms = ANSWER_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new BrokerError(`no answer within ${ms / 1000} s`, 'TIMEOUT')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } catch (thrown) {
    throw thrown instanceof RrtsError ? thrown : BrokerError.of(thrown);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

function tlsOptions(files: TlsFiles | undefined, url: string): { tls?: Record<string, Buffer> } {
  if (files === undefined) return {};
  const pem = (name: string, path: string | undefined): Record<string, Buffer> => {
    if (path === undefined) return {};
    try {
      return { [name]: readFileSync(path) };
    } catch (cause) {
      throw new BrokerError(`amqp.tls: ${messageOf(cause)}`, 'TLS', { refused: true, cause });
    }
  };
  const tls = { ...pem('key', files.key), ...pem('cert', files.cert), ...pem('ca', files.rootCa) };
  return Object.keys(tls).length === 0 && url.startsWith('amqp:') ? {} : { tls };
}
