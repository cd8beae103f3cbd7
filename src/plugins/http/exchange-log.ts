// What the log is told of requests that went wrong.

import type { ErrorCode, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { escapeControls } from '../../core/text.ts';
import { outcomeStatus } from '../../pool/outcome.ts';
import type { Worker } from '../../worker/worker.ts';

/** The request that a line is about. */
export interface LoggedRequest {
  readonly method: string;
  readonly target: string;
  readonly worker: Worker | undefined;
}

/** While requests are refused by the thousand, one line per code and this many milliseconds tells it. */
const QUIET_MS = 1000;

/** What is told at most once in that time. */
type Reason = ErrorCode | 'drop' | 'memory';

/** Log of failed requests. */
export class ExchangeLog {
  readonly #logger: Logger;
  readonly #refusals = new Map<Reason, { loggedAt: number; unlogged: number }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The pool could not answer. */
  failed(request: LoggedRequest, error: RrtsError): void {
    const facts = { ...factsOf(request), ...error.facts, code: error.code };
    if (outcomeStatus(error.code) !== 503) {
      this.#logger.error(facts, error.message);
      return;
    }
    const unlogged = this.#unloggedSince(error.code);
    if (unlogged === undefined) return;
    this.#logger.warn(unlogged === 0 ? facts : { ...facts, unlogged }, error.message);
  }

  /** A connection over the limit was closed. */
  dropped(limit: number): void {
    const unlogged = this.#unloggedSince('drop');
    if (unlogged === undefined) return;
    this.#logger.warn(
      unlogged === 0 ? { limit } : { limit, unlogged },
      `${limit} connections are open; one more was closed`,
    );
  }

  /** A request was refused because of http.limits.memory. */
  outOfMemory(): void {
    const unlogged = this.#unloggedSince('memory');
    if (unlogged === undefined) return;
    this.#logger.warn(unlogged === 0 ? {} : { unlogged }, 'http.limits.memory is used up; new requests get 503');
  }

  /** PHP sent headers that HTTP does not allow. */
  invalidHeaders(request: LoggedRequest, names: readonly string[]): void {
    const headers = names.slice(0, 10).map((name) => escapeControls(name.slice(0, 80)));
    this.#logger.warn(
      { ...factsOf(request), headers },
      'the worker sent headers that HTTP does not allow; they are dropped',
    );
  }

  /** PHP sent fewer bytes than its Content-Length. */
  short(request: LoggedRequest): void {
    this.#logger.error(factsOf(request), 'the worker sent fewer bytes than its Content-Length; the connection is cut');
  }

  /** PHP sent more bytes than its Content-Length. */
  overran(request: LoggedRequest): void {
    this.#logger.warn(factsOf(request), 'the worker sent more bytes than its Content-Length; the rest is dropped');
  }

  /** How many refusals with `code` were not logged since the last that was; undefined when this one is not to be logged either. */
  #unloggedSince(code: Reason): number | undefined {
    const now = performance.now();
    const last = this.#refusals.get(code);
    if (last !== undefined && now - last.loggedAt < QUIET_MS) {
      last.unlogged++;
      return undefined;
    }
    this.#refusals.set(code, { loggedAt: now, unlogged: 0 });
    return last?.unlogged ?? 0;
  }
}

function factsOf(request: LoggedRequest): { method: string; uri: string; pid: number | undefined } {
  return { method: request.method, uri: request.target, pid: request.worker?.pid };
}
