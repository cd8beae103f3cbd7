// Looks at a pool ten times a second: requests that run or wait too long, workers that are worn.

import { RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { ExitReason } from '../worker/exit-reason.ts';
import type { Worker } from '../worker/worker.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Limits } from './limits.ts';
import type { Roster } from './roster.ts';
import type { Scaler } from './scaler.ts';

/** Period of the one timer that looks for overdue requests, in milliseconds. */
const TICK_MS = 100;
/** A worker over max_worker_memory serves until its successor is ready, unless it grows beyond the limit by this factor. */
const OVERDRAFT = 1.25;

/** What the watch needs of its pool. */
export interface WatchOwner {
  /** Boots a successor of an idle worker. */
  replace(worker: Worker, reason: ExitReason): void;
  /** Boots that failed in a row. */
  bootFailures(): number;
}

/** The limits that time alone makes count. */
export class Watch {
  readonly #roster: Roster;
  readonly #dispatcher: Dispatcher;
  readonly #limits: Limits;
  readonly #logger: Logger;
  readonly #owner: WatchOwner;
  readonly #scaler: Scaler | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #judging: NodeJS.Immediate | undefined;

  /** @param scaler - undefined when the number of workers does not follow the load. */
  constructor(
    roster: Roster,
    dispatcher: Dispatcher,
    limits: Limits,
    logger: Logger,
    owner: WatchOwner,
    scaler: Scaler | undefined,
  ) {
    this.#roster = roster;
    this.#dispatcher = dispatcher;
    this.#limits = limits;
    this.#logger = logger;
    this.#owner = owner;
    this.#scaler = scaler;
  }

  start(): void {
    // Timers come before input in a turn of the event loop: after a long turn the answers of workers that kept their time are
    // still unread. They are read first.
    this.#ticker = setInterval(() => {
      this.#judging = setImmediate(() => this.#tick());
    }, TICK_MS);
  }

  /** A worker has answered: is it too big to go on? */
  weigh(worker: Worker): void {
    const limit = this.#limits.maxWorkerMemory;
    if (limit === 0) return;
    const bytes = worker.memoryBytes;
    if (bytes <= limit) return;
    this.#owner.replace(worker, 'max_worker_memory');
    if (bytes > limit * OVERDRAFT) this.#roster.spend(worker);
  }

  stop(): void {
    clearInterval(this.#ticker);
    clearImmediate(this.#judging);
  }

  #tick(): void {
    const now = performance.now();
    for (const worker of this.#roster) {
      if (worker.state === 'ready') this.#replaceIfWorn(worker, now);
      this.#killIfTooBig(worker);
      if (worker.deadline === 0 || now < worker.deadline) continue;
      this.#logger.warn({ pid: worker.pid }, 'worker stopped, and will be restarted');
      worker.overtime();
    }
    this.#scaler?.tick(now);
    for (;;) {
      const late = this.#dispatcher.shiftExpired(now);
      if (late === undefined) return;
      late.onFailure(this.#waitedTooLong(now - late.queuedAt));
    }
  }

  /** ttl and idle_ttl are soft: an idle worker is replaced, a busy one is looked at again when it is idle. */
  #replaceIfWorn(worker: Worker, now: number): void {
    const { ttl, idleTtl } = this.#limits;
    if (ttl > 0 && Date.now() - worker.startedAt > ttl) this.#owner.replace(worker, 'ttl');
    else if (idleTtl > 0 && worker.execs > 0 && now - worker.idleSince > idleTtl) {
      this.#owner.replace(worker, 'idle_ttl');
    }
  }

  #killIfTooBig(worker: Worker): void {
    const limit = this.#limits.maxWorkerMemoryHard;
    if (limit === 0 || worker.state === 'stopping' || worker.memoryBytes <= limit) return;
    this.#logger.warn({ pid: worker.pid }, 'worker uses more than max_worker_memory_hard, and is killed');
    worker.overweight(limit);
  }

  #waitedTooLong(waited: number): RrtsError {
    const failures = this.#owner.bootFailures();
    const { ready, working } = this.#roster.counts();
    if (failures > 0 && ready + working === 0) {
      return new RrtsError('ERR_POOL_CRASH_LOOP', `no worker can boot (${failures} failures in a row)`);
    }
    return new RrtsError('ERR_POOL_QUEUE_TIMEOUT', `no worker became free within ${Math.round(waited)} ms`);
  }
}
