// New workers for old ones, without a pause: what a deployment asks for.

import { Rounds } from '../core/rounds.ts';
import type { ExitReason } from '../worker/exit-reason.ts';
import type { Worker } from '../worker/worker.ts';
import type { Milestones } from './milestones.ts';
import type { Roster } from './roster.ts';

/** Why a worker leaves; in the log, and what tells its mark from that of max_jobs. */
export const RESET = 'reset';

/** How many of so many workers are replaced at a time: a boot costs more processor time than a request. */
export function stepOf(workers: number): number {
  return Math.max(1, Math.floor(workers / 4));
}

/** What a reset needs of its pool. */
export interface ResetOwner {
  /** Stops a worker that has no request. */
  stopWorker(worker: Worker, reason: ExitReason): void;
  /** Starts what is missing now, whatever back-off is running: the code may have been mended. */
  fillNow(): void;
}

/**
 * Replaces all workers, some at a time. These serve on until as many new ones are ready, so capacity never dips. One new
 * worker that does not boot ends the reset, and the old ones that are left stay.
 */
export class Reset {
  readonly #roster: Roster;
  readonly #milestones: Milestones;
  readonly #owner: ResetOwner;
  readonly #rounds = new Rounds(() => this.#round());

  constructor(roster: Roster, milestones: Milestones, owner: ResetOwner) {
    this.#roster = roster;
    this.#milestones = milestones;
    this.#owner = owner;
  }

  /**
   * Settles when no worker that was there at the call takes requests any more. Calls during a reset share the one that follows
   * it: the workers of the running one may have read the code before it changed again.
   */
  run(): Promise<void> {
    return this.#rounds.run();
  }

  async #round(): Promise<void> {
    const old: Worker[] = [];
    for (const worker of [...this.#roster]) {
      // What starts serves nobody yet, and may have read the old code.
      if (worker.state === 'starting') this.#owner.stopWorker(worker, RESET);
      else if (worker.state === 'ready' || worker.state === 'working') old.push(worker);
    }
    this.#owner.fillNow();
    const step = stepOf(old.length);
    for (let i = 0; i < old.length; i += step) await this.#replace(old.slice(i, i + step));
    await this.#milestones.until(
      () => this.#roster.serving() > 0,
      () => undefined,
    );
  }

  /** A worker that runs its last request counts as gone: it may be the one whose request asked for this reset. */
  #replace(old: readonly Worker[]): Promise<void> {
    for (const worker of old) if (this.#roster.takesRequests(worker)) this.#roster.markLeaving(worker, RESET);
    this.#owner.fillNow();
    return this.#milestones.until(
      () => !old.some((worker) => this.#roster.takesRequests(worker)),
      () => this.#roster.takeBack(RESET),
    );
  }
}
