// Locks that several servers share: those of the lock service, when they are in Redis.

import { randomUUID } from 'node:crypto';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { sleep } from './sleep.ts';

/** How long the store of the locks is asked again when it does not answer. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;
/** A server that dies holds the lock of its run so much longer. */
export const RUN_TTL_MS = 60_000;
const LOOK_EVERY_MS = 1000;
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

  /** Holds the lock of a run; undefined when another server runs the entry, and `waitMs` later too. */
  async hold(name: string, signal: AbortSignal, waitMs = 0): Promise<HeldLock | undefined> {
    const resource = `cron:${name}`;
    const end = performance.now() + waitMs;
    while (!(await this.acquire(resource, RUN_TTL_MS, signal))) {
      if (signal.aborted || performance.now() >= end) return undefined;
      await sleep(LOOK_EVERY_MS, signal);
    }
    const refresh = setInterval(() => void this.#refresh(resource), RUN_TTL_MS / 3);
    return {
      release: async () => {
        clearInterval(refresh);
        await this.release(resource);
      },
    };
  }

  /** Makes a lock ours. @returns false when another server has it. Rejects when the locks cannot be had for a minute. */
  acquire(resource: string, ttlMs: number, signal: AbortSignal): Promise<boolean> {
    // An attempt whose answer was lost may have been the one that got it.
    return this.#patiently(resource, signal, async (again) => {
      return (await this.tryAcquire(resource, ttlMs)) || (again && (await this.#ask('Exists', { resource })));
    });
  }

  /** As {@link acquire}, once. */
  tryAcquire(resource: string, ttlMs: number): Promise<boolean> {
    return this.#ask('Lock', { resource, ttl: ttlMs * MICROSECONDS, wait: 0 });
  }

  /** Whether anybody has a lock. Rejects when that cannot be told for a minute. */
  isHeld(resource: string, signal: AbortSignal): Promise<boolean> {
    return this.#patiently(resource, signal, () => this.#ask('Exists', { resource, id: '*' }));
  }

  /** Keeps a lock of ours so much longer, from now on. @returns false when it is not ours any more. */
  prolong(resource: string, ttlMs: number): Promise<boolean> {
    return this.#ask('UpdateTTL', { resource, ttl: ttlMs * MICROSECONDS });
  }

  /** Gives a lock back. One that cannot be given back ends by itself: that is told. */
  async release(resource: string): Promise<void> {
    await this.#ask('Release', { resource }).catch((error: unknown) => {
      this.#logger.warn({}, `the lock ${resource} cannot be released: ${messageOf(error)}`);
    });
  }

  async #patiently(
    resource: string,
    signal: AbortSignal,
    attempt: (again: boolean) => Promise<boolean>,
  ): Promise<boolean> {
    const end = performance.now() + PATIENCE_MS;
    let pause = FIRST_PAUSE_MS;
    for (let again = false; ; again = true) {
      try {
        return await attempt(again);
      } catch (error) {
        if (signal.aborted || performance.now() + pause > end) throw error;
        if (!again) this.#logger.warn({}, `the lock ${resource} is asked for again: ${messageOf(error)}`);
      }
      await sleep(pause, signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  async #refresh(resource: string): Promise<void> {
    const fault = await this.prolong(resource, RUN_TTL_MS).then((ok) => (ok ? undefined : 'it is gone'), messageOf);
    if (fault !== undefined) this.#logger.warn({}, `the lock ${resource} of a run cannot be kept: ${fault}`);
  }

  async #ask(method: string, request: object): Promise<boolean> {
    const answer = (await this.#call(`lock.${method}`, { id: this.#id, ...request })) as { readonly ok?: boolean };
    return answer.ok === true;
  }
}
