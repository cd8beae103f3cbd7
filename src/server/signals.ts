// What signals and unforeseen errors do to a running server, and which exit code comes of it.

import { Debounce } from '../core/debounce.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { settlesWithin } from './deadline.ts';
import type { Server } from './server.ts';

/** Signals that ask for an orderly stop, with the number that makes the exit code of a second one. */
const STOP_SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGQUIT: 3 } as const;

type StopSignal = keyof typeof STOP_SIGNALS;
const SIGNAL_NAMES = Object.keys(STOP_SIGNALS) as StopSignal[];

const RELOAD_SIGNALS: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGUSR2'];

/** Somebody who sends one signal after the other gets one reload when he is done, or every ten seconds. */
const RELOAD_PACE = { quietMs: 300, longestMs: 10_000 };

/** Longest drain after an error that nobody caught. */
const FAULT_GRACE_MS = 5000;
/** Longest wait for killed workers to be gone. */
const CUT_TIMEOUT_MS = 2000;

/** Why a server ended. */
export type Ending =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'cut'; readonly signal: StopSignal; readonly signalNumber: number }
  | { readonly kind: 'fault' };

/**
 * A watch over process-wide events. First SIGINT, SIGTERM or SIGQUIT: drain and stop. Second: kill the workers and end at
 * once. SIGHUP or SIGUSR2: reload, once for all that come in one burst; a closed terminal does not end a server. An error that nobody caught, unless a plugin says whose it is: log, drain for at
 * most five seconds, end.
 */
export class ProcessWatch {
  /** Settles when the server was stopped by a signal or a fault. */
  readonly ended: Promise<Ending>;
  readonly #server: Server;
  readonly #logger: Logger;
  readonly #reload = new Debounce({
    ...RELOAD_PACE,
    action: async () => {
      await this.#server.reload().catch(() => undefined); // it has logged why
    },
  });
  #end: (ending: Ending) => void = () => undefined;
  #asked = false;

  constructor(server: Server, logger: Logger) {
    this.#server = server;
    this.#logger = logger;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    for (const signal of SIGNAL_NAMES) process.on(signal, this.#onStop);
    for (const signal of RELOAD_SIGNALS) process.on(signal, this.#onReload);
    process.on('uncaughtException', this.#onFault);
    process.on('unhandledRejection', this.#onFault);
    // Not taken off again by `close`: whatever the reason of the end, no worker outlives this process.
    process.on('exit', () => killGroups(server.pids));
  }

  /** True from the first signal or fault on. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Stops watching. */
  close(): void {
    for (const signal of SIGNAL_NAMES) process.off(signal, this.#onStop);
    for (const signal of RELOAD_SIGNALS) process.off(signal, this.#onReload);
    this.#reload.close();
    process.off('uncaughtException', this.#onFault);
    process.off('unhandledRejection', this.#onFault);
  }

  /** Does what a signal does, for a command. With `force` what the second signal does. */
  stop(force: boolean): void {
    if (force) this.#cut('SIGTERM', 'asked to stop at once');
    else if (!this.#asked) this.#drain({}, 'asked to stop');
  }

  readonly #onStop = (name: NodeJS.Signals): void => {
    const signal = name as StopSignal;
    if (this.#asked) this.#cut(signal, 'second signal: stopping at once');
    else this.#drain({ signal }, 'stopping; another signal stops at once');
  };

  #drain(facts: object, message: string): void {
    this.#asked = true;
    this.#logger.info(facts, message);
    void this.#server.stop().then(() => this.#end({ kind: 'stopped' }));
  }

  #cut(signal: StopSignal, message: string): void {
    this.#asked = true;
    this.#logger.warn({ signal }, message);
    const cut = settlesWithin(this.#server.cut(), CUT_TIMEOUT_MS).catch(() => false);
    void cut.then(() => this.#end({ kind: 'cut', signal, signalNumber: STOP_SIGNALS[signal] }));
  }

  readonly #onReload = (signal: NodeJS.Signals): void => {
    if (this.#asked) return;
    this.#logger.debug({ signal }, `${signal}: the configuration will be reloaded`);
    this.#reload.wish();
  };

  readonly #onFault = (thrown: unknown): void => {
    if (this.#server.claimsFault(thrown)) return;
    this.#asked = true;
    this.#logger.error({ err: thrown }, `unforeseen error, stopping: ${messageOf(thrown)}`);
    const stopped = settlesWithin(this.#server.stop(FAULT_GRACE_MS), FAULT_GRACE_MS).catch(() => false);
    void stopped.then(() => this.#end({ kind: 'fault' }));
  };
}

function killGroups(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}
