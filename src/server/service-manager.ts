// Tells systemd how the server is doing: ready, reloading, stopping, alive.
//
// Node has no unix datagram sockets, so systemd's own systemd-notify sends the messages. A unit needs NotifyAccess=all for that.

import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { settlesWithin } from './deadline.ts';

const PROGRAM = 'systemd-notify';
/** It waits until systemd has taken the message. */
const SEND_TIMEOUT_MS = 5000;
/** At the end; execa ends a program that is still busy then. */
const LAST_WORDS_MS = 1000;

/** What systemd asks for. */
export interface NotifyWish {
  readonly socket: string;
  /** Longest silence that systemd takes for life, in milliseconds; undefined when it does not watch this process. */
  readonly watchdogMs: number | undefined;
}

/**
 * Takes systemd's variables out of the environment, so that no worker gets them and speaks for the server.
 * Undefined when nobody wants to be told.
 */
export function takeNotifyWish(environment: NodeJS.ProcessEnv, pid: number): NotifyWish | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: period, WATCHDOG_PID: watched } = environment;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
  if (socket === undefined || socket === '') return undefined;
  const microseconds = watched === undefined || Number(watched) === pid ? Number(period) : Number.NaN;
  return { socket, watchdogMs: microseconds > 0 ? microseconds / 1000 : undefined };
}

/** The way to systemd. Messages go out one after the other; without a wish none does. `close` ends it. */
export class ServiceManager {
  readonly #wish: NotifyWish | undefined;
  readonly #logger: Logger;
  readonly #path: string;
  #sent: Promise<void> = Promise.resolve();
  #unsent = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #broken = false;

  /** @param path - PATH, where the program is looked for. */
  constructor(wish: NotifyWish | undefined, path: string, logger: Logger) {
    this.#wish = wish;
    this.#path = path;
    this.#logger = logger;
  }

  /** The server serves; from now on systemd hears that it lives. After {@link reloading}: it is done. */
  ready(status: string): void {
    this.#send('READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`);
    const period = this.#wish?.watchdogMs;
    if (period === undefined || this.#watchdog !== undefined) return;
    // A timer fires only while the event loop turns, which is what the watchdog asks about. Those of a slow system do not pile up.
    this.#watchdog = setInterval(() => this.#unsent === 0 && this.#send('WATCHDOG=1'), period / 2);
  }

  /** The configuration is read again. */
  reloading(): void {
    this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, 'STATUS=reloading');
  }

  /** The server stops. */
  stopping(): void {
    this.#send('STOPPING=1', 'STATUS=stopping: requests that run are finished');
  }

  /** Sends what waits, for a second at most, and then nothing more. */
  async close(): Promise<void> {
    clearInterval(this.#watchdog);
    await settlesWithin(this.#sent, LAST_WORDS_MS);
    this.#broken = true;
  }

  #send(...lines: string[]): void {
    const wish = this.#wish;
    if (wish === undefined) return;
    this.#unsent++;
    this.#sent = this.#sent.then(async () => {
      if (!this.#broken) await this.#run(wish.socket, lines);
      this.#unsent--;
    });
  }

  async #run(socket: string, lines: readonly string[]): Promise<void> {
    try {
      const { execa } = await import('execa');
      const env = { PATH: this.#path, NOTIFY_SOCKET: socket };
      await execa(PROGRAM, lines, { env, extendEnv: false, stdin: 'ignore', timeout: SEND_TIMEOUT_MS });
    } catch (thrown) {
      this.#broken = isMissing(thrown);
      const why = this.#broken ? `${PROGRAM} is not in PATH` : messageOf(thrown);
      const end = this.#broken ? '; it gets no further messages' : '';
      this.#logger.warn({}, `systemd could not be told ${lines[0]}: ${why}${end}`);
    }
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}
