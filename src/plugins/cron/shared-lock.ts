// One run across several servers: locks of the lock service, when they are in Redis.

import { randomUUID } from 'node:crypto';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { sleep } from './sleep.ts';

/** Clocks of two servers may differ by so much, and one may be put back by it, without a second run. */
const SKEW_MS = 3_600_000;
/** How long the store of the locks is asked again when it does not answer. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;
/** A server that dies holds the lock of its run so much longer. */
const RUN_TTL_MS = 60_000;
const MICROSECONDS = 1000;

/** Calls a method of another plugin. */
export type CallRpc = (method: string, argument: unknown) => Promise<unknown>;

/** A lock that is held for as long as something runs. */
export interface HeldLock {
  release(): Promise<void>;
}

/** The locks of all entries. */
export class SharedLock {
  readonly #call: CallRpc;
  readonly #logger: Logger;
  /** Who we are, for all locks. */
  readonly #id = `cron-${randomUUID()}`;

  constructor(call: CallRpc, logger: Logger) {
    this.#call = call;
    this.#logger = logger;
  }

  /**
   * Makes an occurrence ours. The lock stays when the run is over: until a server whose clock is behind has passed the time too, and one that was
   * down until then looks for what it missed, which is the next occurrence at the latest.
   * @returns false when another server has it. Rejects when the locks cannot be had for a minute.
   */
  claim(name: string, occurrence: number, next: number, signal: AbortSignal): Promise<boolean> {
    const ttlMs = Math.max(next - occurrence, 0) + SKEW_MS;
    return this.#acquire(occurrenceLock(name, occurrence), ttlMs, signal);
  }

  /** Gives an occurrence back that came to nothing. */
  async unclaim(name: string, occurrence: number): Promise<void> {
    await this.#release(occurrenceLock(name, occurrence));
  }

  /** Holds the lock of a run; undefined when another server runs the entry. */
  async hold(name: string, signal: AbortSignal): Promise<HeldLock | undefined> {
    const resource = `cron:${name}`;
    if (!(await this.#acquire(resource, RUN_TTL_MS, signal))) return undefined;
    const refresh = setInterval(() => void this.#refresh(resource), RUN_TTL_MS / 3);
    return {
      release: async () => {
        clearInterval(refresh);
        await this.#release(resource);
      },
    };
  }

  async #acquire(resource: string, ttlMs: number, signal: AbortSignal): Promise<boolean> {
    const request = { resource, id: this.#id, ttl: ttlMs * MICROSECONDS, wait: 0 };
    const end = performance.now() + PATIENCE_MS;
    let pause = FIRST_PAUSE_MS;
    for (let failed = false; ; failed = true) {
      try {
        if (await this.#ask('Lock', request)) return true;
        // An attempt whose answer was lost may have been the one that got it.
        return failed && (await this.#ask('Exists', { resource, id: this.#id }));
      } catch (error) {
        if (signal.aborted || performance.now() + pause > end) throw error;
        if (!failed) this.#logger.warn({}, `the lock ${resource} is asked for again: ${messageOf(error)}`);
      }
      await sleep(pause, signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  async #refresh(resource: string): Promise<void> {
    const request = { resource, id: this.#id, ttl: RUN_TTL_MS * MICROSECONDS };
    const fault = await this.#ask('UpdateTTL', request).then((ok) => (ok ? undefined : 'it is gone'), messageOf);
    if (fault !== undefined) this.#logger.warn({}, `the lock ${resource} of a run cannot be kept: ${fault}`);
  }

  async #release(resource: string): Promise<void> {
    // One that cannot be released ends by itself.
    await this.#ask('Release', { resource, id: this.#id }).catch((error: unknown) => {
      this.#logger.warn({}, `the lock ${resource} cannot be released: ${messageOf(error)}`);
    });
  }

  async #ask(method: string, request: object): Promise<boolean> {
    const answer = (await this.#call(`lock.${method}`, request)) as { readonly ok?: boolean };
    return answer.ok === true;
  }
}

function occurrenceLock(name: string, occurrence: number): string {
  return `cron:${name}:${new Date(occurrence).toISOString()}`;
}
