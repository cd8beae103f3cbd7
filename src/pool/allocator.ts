// Starts workers for a pool and backs off when they do not boot.

import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { backOff } from './back-off.ts';
import type { Staffing } from './staffing.ts';

/** Boots in a row that somebody may kill before it counts: that tells nothing of the code, unless the system has no memory left. */
const KILLS_FORGIVEN = 10;
const AFTER_KILL_MS = 100;

/** What the allocator needs of its pool. */
export interface AllocatorOwner {
  /** Workers that are missing right now, those that are starting not counted. */
  missing(): number;
  /** Starts one worker. Rejects when its process cannot be started. */
  spawnWorker(): Promise<void>;
  /** It did: whether that calls for a back-off is the pool's to say. */
  spawnFailed(error: unknown): void;
}

/**
 * Keeps the number of workers up. After a failed boot it waits longer and longer and tries with a single worker, so
 * that broken code costs one process at a time and not a storm; the first that boots brings back the others at once.
 */
export class Allocator implements Staffing {
  readonly #owner: AllocatorOwner;
  readonly #logger: Logger;
  #failures = 0;
  #kills = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(owner: AllocatorOwner, logger: Logger) {
    this.#owner = owner;
    this.#logger = logger;
  }

  /** Boots that failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Starts what is missing, now or after the back-off that is running. */
  fill(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const count = Math.min(this.#owner.missing(), this.#failures > 0 ? 1 : Number.POSITIVE_INFINITY);
    for (let i = 0; i < count; i++) void this.spawn();
  }

  /** Starts what is missing, without waiting for the back-off to end: somebody asks for it. */
  fillNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.fill();
  }

  /** Starts one worker beyond what is missing: a replacement that shall be ready before its predecessor goes. */
  async spawn(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#owner.spawnWorker();
    } catch (error) {
      this.#owner.spawnFailed(error);
    }
  }

  /** A worker booted. */
  succeeded(): void {
    this.#failures = 0;
    this.#kills = 0;
    this.fill();
  }

  /** A worker did not boot, or died before it served anything; `killed` when somebody else did that to it. */
  failed(error: unknown, killed = false): void {
    if (this.#closed) return;
    const forgiven = killed && ++this.#kills <= KILLS_FORGIVEN;
    if (!forgiven) this.#failures++;
    const wait = forgiven ? AFTER_KILL_MS : backOff(this.#failures);
    this.#logger.error({ failures: this.#failures, retryInMs: wait }, `no worker: ${messageOf(error)}`);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.fill();
    }, wait);
  }

  /** Starts nothing more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
