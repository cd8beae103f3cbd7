// Keeps a session with RabbitMQ open: connects again after a loss, for ever, and says so once.

import { RrtsError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import { BrokerError, CERTIFICATE, loadLibrary } from './broker.ts';
import { Session, type SessionOwner } from './session.ts';
import type { AmqpSettings } from './settings.ts';

/** Attempts after a loss: after 250 ms, 500 ms, 1 s, and then each 2 s, for ever. */
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 2000;
const CHANCE = 0.2;
/** A session that lived for so long was a good one: the next loss begins with short waits again. */
const GOOD_MS = 1000;
/** Reasons in the log for one outage. */
const MOST_REASONS = 5;

/** What to do about a broker that is away. */
const AWAY = 'Start that RabbitMQ, or correct its address; rrts goes on trying.';
/** What to do about what the broker refuses, by AMQP's code. */
const CURES: Readonly<Record<string, string>> = {
  PRECONDITION_FAILED:
    'Write in the configuration what is there, take another queue, or delete it in RabbitMQ: it is then made as written.',
  NO_TLS: 'Use a port that does, mostly 5671, or an amqp:// address without amqp.tls.',
  TLS: 'Check the files of amqp.tls: root_ca holds the certificate that signed that of the broker.',
};

/** Who uses the sessions. */
export interface LinkUser {
  readonly pipeline: string;
  /** Place of the settings in the configuration. */
  readonly key: string;
  readonly logger: Logger;
  /** A session begins. */
  up(session: Session): void;
}

/** The link of one pipeline. */
export class Link {
  readonly #settings: AmqpSettings;
  readonly #user: LinkUser;
  #owner: SessionOwner | undefined;
  #session: Session | undefined;
  /** Why there is none. */
  #fault: string | undefined;
  /** What the log has said in this outage. */
  readonly #said = new Set<string>();
  #attempt = 0;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(settings: AmqpSettings, user: LinkUser) {
    this.#settings = settings;
    this.#user = user;
  }

  /**
   * Connects. A broker that is not there is a warning, and attempts go on.
   * @throws RrtsError ERR_JOBS_STORE when the package is missing, or the broker refuses the connection or the queue.
   */
  async start(): Promise<void> {
    const { key, pipeline, logger } = this.#user;
    const library = await loadLibrary(key);
    const lost = (session: Session, error: BrokerError): void => this.#lost(session, error);
    this.#owner = { library, settings: this.#settings, pipeline, logger, lost };
    try {
      await this.#open(this.#owner);
    } catch (thrown) {
      const error = thrown as BrokerError;
      if (error.refused) throw this.#refused(error);
      this.#down(error);
    }
  }

  /** The session, if there is one. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** @throws RrtsError ERR_JOBS_STORE when there is none. */
  need(): Session {
    if (this.#session !== undefined) return this.#session;
    throw this.error(this.#fault ?? 'it is not connected', undefined, AWAY);
  }

  /** An error that names pipeline and broker. */
  error(reason: string, cause?: unknown, cure?: string): RrtsError {
    const { key, pipeline } = this.#user;
    const message = `the pipeline ${pipeline}: RabbitMQ at ${this.#settings.place}: ${reason}`;
    return new RrtsError('ERR_JOBS_STORE', message, { place: key, ...(cure === undefined ? {} : { cure }), cause });
  }

  /** Ends the session and all attempts. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#opening;
    await this.#session?.close();
    this.#session = undefined;
    this.#fault = 'the pipeline is stopped';
  }

  async #open(owner: SessionOwner): Promise<void> {
    const session = await Session.open(owner, this.#closing.signal);
    // Its end, told before it was the session of this link, was nobody's.
    if (!session.alive) throw new BrokerError('the connection was lost at once', 'CLOSED');
    this.#session = session;
    this.#since = performance.now();
    if (this.#fault !== undefined) this.#user.logger.info({}, `RabbitMQ at ${this.#settings.place} answers again`);
    this.#fault = undefined;
    this.#said.clear();
    this.#user.up(session);
  }

  #lost(session: Session, error: BrokerError): void {
    if (session !== this.#session) return;
    this.#session = undefined;
    if (performance.now() - this.#since > GOOD_MS) this.#attempt = 0;
    this.#down(error);
  }

  /** One line for a loss, and one more when what keeps it from coming back is a refusal. */
  #down(error: BrokerError): void {
    if (this.#closing.signal.aborted) return;
    const first = this.#fault === undefined;
    this.#fault = error.message;
    const { key, logger } = this.#user;
    const news = first || (error.refused && !this.#said.has(error.message) && this.#said.size < MOST_REASONS);
    if (news) {
      this.#said.add(error.message);
      const text = `RabbitMQ at ${this.#settings.place} (${key}) cannot be used: ${error.message}`;
      logger.warn({}, `${text}; attempts go on, until then every push fails`);
    }
    const wait = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#attempt++, 8), LONGEST_RETRY_MS);
    // A part of it is left to chance: other pipelines and servers have lost the broker at the same moment.
    this.#timer = setTimeout(() => this.#retry(), wait * (1 - Math.random() * CHANCE));
  }

  #retry(): void {
    const owner = this.#owner;
    if (owner === undefined || this.#closing.signal.aborted) return;
    this.#opening = this.#open(owner).catch((thrown) => this.#down(thrown as BrokerError));
  }

  #refused(error: BrokerError): RrtsError {
    const { key } = this.#user;
    const message = `RabbitMQ at ${this.#settings.place} refuses ${key}: ${error.message}`;
    const cure = CURES[error.code] ?? (CERTIFICATE.test(error.code) ? CURES['TLS'] : undefined);
    return new RrtsError('ERR_JOBS_STORE', message, {
      place: key,
      cure: cure ?? 'Check the user, the password, the virtual host and the rights in the address.',
      cause: error,
    });
  }
}
