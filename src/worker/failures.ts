// The errors of a worker's life, each with its facts.

import { RrtsError } from '../core/errors.ts';
import type { WorkerExit } from './owner.ts';

/** `with code 255` or `by SIGKILL`. */
export function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `with code ${code}` : `by ${signal}`;
}

/** `ended by SIGSEGV; it printed last: ...`, for a log line. */
export function describeDeath(exit: WorkerExit): string {
  const said = exit.tail.length === 0 ? '' : `; it printed last: ${exit.tail.join(' | ')}`;
  return `ended ${howItEnded(exit.code, exit.signal)}${said}`;
}

/** It ended before the handshake. `printed` is {@link whatItPrinted}. */
export function endedAtBoot(script: string, how: string, printed: string, facts: object): RrtsError {
  const message = `${script} ended ${how} before it was ready${printed}`;
  return new RrtsError('ERR_WORKER_BOOT', message, { facts: { ...facts } });
}

/** It said nothing in time. */
export function bootTimedOut(script: string, timeoutMs: number, printed: string): RrtsError {
  const message = `${script} did not say that it is ready within ${timeoutMs} ms${printed}`;
  return new RrtsError('ERR_WORKER_BOOT_TIMEOUT', message, {
    place: 'http.pool.allocate_timeout',
    cure: 'The script must start a worker loop (rrts/php-client or a RoadRunner package). A debugger that waits for its IDE also does this.',
  });
}

/** What it said at the handshake is no handshake. A version error says enough as it is. */
export function brokeHandshake(script: string, cause: RrtsError): RrtsError {
  if (cause.code === 'ERR_WORKER_VERSION') return cause;
  return new RrtsError('ERR_WORKER_BOOT', `${script} broke the protocol at its start: ${cause.message}`, { cause });
}

/** It ended during an exchange; `cut` when bytes of the reply had gone out. */
export function endedInExchange(pid: number, how: string, cut: boolean, facts: object): RrtsError {
  const code = cut ? 'ERR_WORKER_CUT' : 'ERR_WORKER_DIED';
  return new RrtsError(code, `worker ${pid} ended ${how}`, { facts: { ...facts } });
}

/** It ran longer than exec_ttl. */
export function ranTooLong(limitMs: number, facts: object): RrtsError {
  const message = `the request ran longer than exec_ttl (${limitMs} ms)`;
  return new RrtsError('ERR_WORKER_EXEC_TTL', message, { facts: { ...facts } });
}

/** Its resident set passed `limit` bytes. */
export function usedTooMuchMemory(limit: number, facts: object): RrtsError {
  const message = `the worker used more than max_worker_memory_hard (${Math.round(limit / 1024 ** 2)} MB)`;
  return new RrtsError('ERR_WORKER_MEMORY', message, { facts: { ...facts } });
}

/** What it sent is no reply. */
export function brokeReply(cause: RrtsError, facts: object): RrtsError {
  return new RrtsError('ERR_WORKER_MALFORMED_REPLY', cause.message, { cause, facts: { ...facts } });
}

/** It went on with a stream that nobody wants any more. */
export function streamNotEnded(pid: number, limitMs: number): RrtsError {
  return new RrtsError(
    'ERR_WORKER_STREAM_TIMEOUT',
    `worker ${pid} did not end a cancelled stream within ${limitMs} ms`,
  );
}

/** The last lines of a worker, as the end of a sentence: in one line for the log, or each in its own for a page. */
export function whatItPrinted(tail: readonly string[], asPage: boolean): string {
  if (tail.length === 0) return '; it printed nothing';
  return asPage ? `; it printed:\n${tail.join('\n')}` : `; it printed: ${tail.join(' | ')}`;
}
