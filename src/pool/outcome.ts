// The one table that says what each outcome means for the worker, for the request and for the client.

import type { ErrorCode } from '../core/errors.ts';
import type { OutcomeKind } from '../worker/exchange.ts';

/** `keep`: back to ready. `retire`: stopped gently and replaced. `replace`: it is dead or dying; a new one is started. */
export type WorkerFate = 'keep' | 'retire' | 'replace';

/**
 * `done`: the client has its reply. `hand_on`: another worker gets it. `replay`: another worker gets it if it may run twice and
 * this was its first death, else it fails. `fail`: the client is told.
 */
export type RequestFate = 'done' | 'hand_on' | 'replay' | 'fail';

/** Fate of worker and request for every way an exchange can end. */
export const OUTCOMES = {
  reply: { worker: 'keep', request: 'done' },
  error_frame: { worker: 'keep', request: 'fail' },
  stop_wish: { worker: 'retire', request: 'hand_on' },
  not_begun: { worker: 'replace', request: 'hand_on' },
  crash: { worker: 'replace', request: 'replay' },
  cut: { worker: 'replace', request: 'fail' },
  malformed_reply: { worker: 'replace', request: 'fail' },
  memory_limit: { worker: 'replace', request: 'fail' },
  exec_ttl: { worker: 'replace', request: 'fail' },
  stream_timeout: { worker: 'replace', request: 'fail' },
} as const satisfies Record<OutcomeKind, { worker: WorkerFate; request: RequestFate }>;

const STATUS: Partial<Record<ErrorCode, number>> = {
  // A request learns of these only with pool.debug, where a worker is started for it.
  ERR_WORKER_SPAWN: 500,
  ERR_WORKER_BOOT: 500,
  ERR_WORKER_BOOT_TIMEOUT: 500,
  ERR_WORKER_VERSION: 500,
  ERR_WORKER_ERROR: 500,
  ERR_WORKER_DIED: 502,
  ERR_WORKER_CUT: 502,
  ERR_WORKER_MALFORMED_REPLY: 502,
  ERR_WORKER_MEMORY: 502,
  ERR_WORKER_EXEC_TTL: 504,
  ERR_WORKER_STREAM_TIMEOUT: 504,
  ERR_POOL_QUEUE_FULL: 503,
  ERR_POOL_QUEUE_TIMEOUT: 503,
  ERR_POOL_CRASH_LOOP: 503,
  ERR_POOL_STOPPED: 503,
};

/** HTTP status of a failed request. 500 for a code that has no row. */
export function outcomeStatus(code: ErrorCode): number {
  return STATUS[code] ?? 500;
}

/** Seconds for `Retry-After`, for the codes that mean "not now"; undefined for the others. */
export function retryAfterSeconds(code: ErrorCode): number | undefined {
  return outcomeStatus(code) === 503 ? 1 : undefined;
}
