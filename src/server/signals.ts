// What signals and unforeseen errors do to a running server, and which exit code comes of it.

import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { settlesWithin } from './deadline.ts';
import type { Server } from './server.ts';

/** Signals that ask for an orderly stop, with the number that makes the exit code of a second one. */
const STOP_SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGQUIT: 3 } as const;

/** Longest drain after an error that nobody caught. */
const FAULT_GRACE_MS = 5000;
/** Longest wait for killed workers to be gone. */
const CUT_TIMEOUT_MS = 2000;

/** Why a server ended. */
export type Ending =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'cut'; readonly signal: keyof typeof STOP_SIGNALS; readonly signalNumber: number }
  | { readonly kind: 'fault' };

/** A watch over process-wide events. */
export interface Watch {
  /** Settles when the server was stopped by a signal or a fault. */
  readonly ended: Promise<Ending>;
  /** True from the first of them on. */
  readonly asked: boolean;
  /** Stops watching. */
  close(): void;
}

/**
 * First SIGINT, SIGTERM or SIGQUIT: drain and stop. Second: kill the workers and end at once. SIGHUP: ignored, so that a
 * closed terminal does not end a server. An error that nobody caught: log, drain for at most five seconds, end.
 */
export function watchProcess(server: Server, logger: Logger): Watch {
  const { promise, resolve } = deferred<Ending>();
  let asked = false;
  let cutting = false;
  const onStop = (signal: NodeJS.Signals): void => {
    const name = signal as keyof typeof STOP_SIGNALS;
    if (asked) {
      logger.warn({ signal }, 'second signal: stopping at once');
      cutting = true;
      const cut = settlesWithin(server.cut(), CUT_TIMEOUT_MS).catch(() => false);
      void cut.then(() => resolve({ kind: 'cut', signal: name, signalNumber: STOP_SIGNALS[name] }));
      return;
    }
    asked = true;
    logger.info({ signal }, 'stopping; another signal stops at once');
    void server.stop().then(() => {
      // With its workers killed the orderly stop is soon done too, but that is not how it ended.
      if (!cutting) resolve({ kind: 'stopped' });
    });
  };
  const onHangup = (): void => logger.info({ signal: 'SIGHUP' }, 'SIGHUP is ignored: there is no reload yet');
  const onFault = (thrown: unknown): void => {
    asked = true;
    logger.error({ err: thrown }, `unforeseen error, stopping: ${messageOf(thrown)}`);
    const stopped = settlesWithin(server.stop(FAULT_GRACE_MS), FAULT_GRACE_MS).catch(() => false);
    void stopped.then(() => resolve({ kind: 'fault' }));
  };
  const killAll = (): void => killGroups(server.pids);
  for (const signal of Object.keys(STOP_SIGNALS)) process.on(signal, onStop);
  process.on('SIGHUP', onHangup);
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  process.on('exit', killAll);
  return {
    ended: promise,
    get asked() {
      return asked;
    },
    close() {
      for (const signal of Object.keys(STOP_SIGNALS)) process.off(signal, onStop);
      process.off('SIGHUP', onHangup);
      process.off('uncaughtException', onFault);
      process.off('unhandledRejection', onFault);
    },
  };
}

/** The last thing this process does: whatever the reason of its end, no worker outlives it. */
function killGroups(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
