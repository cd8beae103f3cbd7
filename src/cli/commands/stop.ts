// rrts stop: ends the running server and waits until it is gone.

import { isRrtsError, RrtsError } from '../../core/errors.ts';
import { formatDuration } from '../../core/scalars.ts';
import type { StopAnswer } from '../../server/control/control-services.ts';
import { type ReachedServer, reachServer } from '../client/reach-server.ts';
import { askReport, QUICK_MS } from '../client/server-report.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { readPidFile } from '../pid-file.ts';
import { isServer, waitUntilGone } from '../running-process.ts';
import { count, formatSpan } from '../view/format.ts';

/** Beyond the grace period: what it takes to kill workers, write the log and end. */
const RESERVE_MS = 10_000;
/** A stop at once is done within this time, or not at all. */
const FORCED_MS = 10_000;
/** Where nobody tells the grace period: a server that is reached by its pid file. */
const UNKNOWN_GRACE_MS = 60_000;
/** Between the two signals of a stop at once; two of the same that come together are one. */
const BETWEEN_SIGNALS_MS = 200;
const PROGRESS_EVERY_MS = 2000;

/** Stops over the control socket, or by the pid file where there is none. `-f` stops at once. */
export async function stopServer(options: GlobalOptions): Promise<number> {
  const began = performance.now();
  const say = (text: string): void => {
    if (options.silent !== true) console.log(text);
  };
  const server = await reachServer(options, true).catch((thrown: unknown) => {
    if (isRrtsError(thrown) && thrown.code === 'ERR_CONTROL_NO_SERVER') return thrown;
    throw thrown;
  });
  const pid =
    server instanceof Error ? await stopBySignal(options, server, say) : await stopByCall(server, options, say);
  say(`${pid} has ended, after ${formatSpan(performance.now() - began)}`);
  return EXIT.ok;
}

type Say = (text: string) => void;

async function stopByCall(server: ReachedServer, options: GlobalOptions, say: Say): Promise<number> {
  const { client } = server;
  const force = options.force === true;
  const { pid, graceMs } = await client.call<StopAnswer>('control.Stop', force, QUICK_MS);
  const limit = force ? FORCED_MS : graceMs + RESERVE_MS;
  say(force ? `stopping ${pid} at once` : `stopping ${pid}; requests that run may take ${formatDuration(graceMs)}`);
  const progress = setInterval(() => void tellProgress(server, say), PROGRESS_EVERY_MS);
  try {
    if (await waitUntilGone(pid, limit)) return pid;
  } finally {
    clearInterval(progress);
    client.close();
  }
  throw stillThere(pid, limit);
}

/** What it still waits for. It may close its socket at any moment. */
async function tellProgress(server: ReachedServer, say: Say): Promise<void> {
  const view = await askReport(server, []).catch(() => undefined);
  const workers = view?.pools.flatMap((pool) => pool.workers) ?? [];
  const busy = workers.filter(({ state }) => state === 'working').length;
  if (view !== undefined) say(`  ${count(busy, 'worker')} of ${workers.length} busy`);
}

async function stopBySignal(options: GlobalOptions, unreached: RrtsError, say: Say): Promise<number> {
  const pid = readPidFile(options.pid);
  if (pid === undefined || !isServer(pid)) throw unreached;
  const force = options.force === true;
  say(force ? `stopping ${pid} at once` : `stopping ${pid}`);
  signal(pid);
  if (force && !(await waitUntilGone(pid, BETWEEN_SIGNALS_MS))) {
    signal(pid);
  }
  const limit = force ? FORCED_MS : UNKNOWN_GRACE_MS;
  if (await waitUntilGone(pid, limit)) return pid;
  throw stillThere(pid, limit);
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    throw new RrtsError('ERR_CONTROL_CALL', `${pid} cannot be stopped by this user (${code})`, { cause: thrown });
  }
}

function stillThere(pid: number, ms: number): RrtsError {
  const message = `${pid} has not ended within ${formatDuration(ms)}`;
  return new RrtsError('ERR_CONTROL_TIMEOUT', message, { cure: 'rrts stop -f ends it at once.' });
}
