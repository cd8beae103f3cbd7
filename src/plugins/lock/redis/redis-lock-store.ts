// Locks in Redis: held across servers and restarts. Whoever waits asks again and again, so there is no order among them.

import { setTimeout as pause } from 'node:timers/promises';
import { RrtsError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import { RedisClient, type RedisOptions } from '../../redis-client/redis-client.ts';
import type { LockRequest, LockStore } from '../lock-store.ts';
import { EXISTS, FORCE_RELEASE, LOCK, LOCK_READ, RELEASE, UPDATE_TTL } from './scripts.ts';

/** What the store is told. */
export interface RedisLockOptions extends RedisOptions {
  /** In front of every key. */
  readonly prefix: string;
  /** Requests of this server that wait at the same time. */
  readonly maxWaiting: number;
}

/** Between two attempts: 2 ms at first, twice as long each time, a quarter of a second at most, and by chance up to half of it less. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 250;

/** One script of Redis for each method. */
export class RedisLockStore implements LockStore {
  readonly #options: RedisLockOptions;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  /** By resource: those of this server who wait, the first one first. A release here wakes one up. */
  readonly #sleepers = new Map<string, Set<AbortController>>();
  #client: RedisClient | undefined;
  #waiting = 0;

  constructor(options: RedisLockOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  get waiting(): number {
    return this.#waiting;
  }

  async start(): Promise<void> {
    this.#client = await RedisClient.open(this.#options, this.#logger);
  }

  async acquire(request: LockRequest): Promise<boolean> {
    const { resource, id, mode, ttlMs } = request;
    const script = mode === 'exclusive' ? LOCK : LOCK_READ;
    const attempt = (): Promise<boolean> => this.#run(script, resource, id, ttlMs);
    if (await attempt()) return true;
    if (this.#waiting >= this.#options.maxWaiting) {
      throw new RrtsError('ERR_STORE', `${this.#waiting} requests wait for locks already`);
    }
    this.#waiting++;
    try {
      return await this.#wait(request, attempt);
    } finally {
      this.#waiting--;
    }
  }

  async release(resource: string, id: string): Promise<boolean> {
    const released = await this.#run(RELEASE, resource, id);
    if (released) this.#wakeOne(resource);
    return released;
  }

  async forceRelease(resource: string): Promise<boolean> {
    const released = await this.#run(FORCE_RELEASE, resource);
    if (released) this.#wakeOne(resource);
    return released;
  }

  exists(resource: string, id: string): Promise<boolean> {
    return this.#run(EXISTS, resource, id);
  }

  updateTtl(resource: string, id: string, ttlMs: number): Promise<boolean> {
    return this.#run(UPDATE_TTL, resource, id, ttlMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#client?.close();
  }

  async #wait(request: LockRequest, attempt: () => Promise<boolean>): Promise<boolean> {
    const { resource, id, waitMs } = request;
    const signal = request.signal();
    const end = performance.now() + waitMs;
    let longest = FIRST_PAUSE_MS;
    while (performance.now() < end && !signal.aborted && !this.#stopping.signal.aborted) {
      const left = end - performance.now();
      await this.#sleep(resource, Math.min(left, longest * (1 - Math.random() / 2)), signal);
      longest = Math.min(longest * 2, LONGEST_PAUSE_MS);
      if (signal.aborted) return false;
      if (!(await attempt())) continue;
      if (!signal.aborted) return true;
      // The caller went while Redis was asked: nobody would ever release it.
      await this.release(resource, id);
      return false;
    }
    return false;
  }

  async #sleep(resource: string, milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const sleepers = this.#sleepers.get(resource) ?? new Set();
    this.#sleepers.set(resource, sleepers);
    sleepers.add(woken);
    try {
      const any = AbortSignal.any([woken.signal, signal, this.#stopping.signal]);
      await pause(Math.ceil(milliseconds), undefined, { signal: any }).catch(() => undefined);
    } finally {
      sleepers.delete(woken);
      if (sleepers.size === 0) this.#sleepers.delete(resource);
    }
  }

  #wakeOne(resource: string): void {
    const [first] = this.#sleepers.get(resource) ?? [];
    first?.abort();
  }

  async #run(script: string, resource: string, ...args: readonly (string | number)[]): Promise<boolean> {
    if (this.#client === undefined) throw new Error('the store is not started');
    // The braces keep both keys in one slot.
    const name = `${this.#options.prefix}{${resource}}`;
    const result = await this.#client.run((redis) =>
      redis.eval(script, 2, `${name}:writer`, `${name}:readers`, ...args),
    );
    return Number(result) > 0;
  }
}
