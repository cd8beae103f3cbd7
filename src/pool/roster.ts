// Who is who among the workers of a pool: idle ones in turn, and those that have to make way.

import { Fifo } from '../core/fifo.ts';
import type { ExitReason } from '../worker/exit-reason.ts';
import type { Worker } from '../worker/worker.ts';
import type { WorkerStats } from './stats.ts';

/** Why a worker goes that is not replaced. */
export const SURPLUS = 'surplus';

/** Counts by state. */
export interface RosterCounts {
  readonly starting: number;
  readonly ready: number;
  readonly working: number;
  readonly stopping: number;
}

/** All workers of one pool. Starting and idle workers are two sets; dispatch sees only the idle ones. */
export class Roster {
  readonly #all = new Set<Worker>();
  /** Round robin: the worker that was idle longest is first. */
  readonly #idle = new Fifo<Worker>();
  /** Workers that shall be replaced, and why. They go on serving until a successor is ready: capacity does not dip. */
  readonly #leaving = new Map<Worker, ExitReason>();
  /** Workers whose successor is ready: they stop as soon as they are idle. */
  readonly #spent = new Set<Worker>();

  get size(): number {
    return this.#all.size;
  }

  add(worker: Worker): void {
    this.#all.add(worker);
  }

  /** A worker is gone. */
  remove(worker: Worker): void {
    this.#all.delete(worker);
    this.makesWay(worker);
  }

  /** A worker is being stopped: it counts as missing from now on. */
  makesWay(worker: Worker): void {
    this.#idle.remove(worker);
    this.#leaving.delete(worker);
    this.#spent.delete(worker);
  }

  /** Puts an idle worker at the end of the ring. */
  idle(worker: Worker): void {
    this.#idle.push(worker);
  }

  /** Takes the worker that was idle longest. One that closed its channel is on its way out and is passed over. */
  takeIdle(): Worker | undefined {
    let worker = this.#idle.shift();
    while (worker !== undefined && worker.state !== 'ready') worker = this.#idle.shift();
    return worker;
  }

  /** Marks a worker for replacement. False when it was marked before. */
  markLeaving(worker: Worker, reason: ExitReason): boolean {
    if (this.#leaving.has(worker)) return false;
    this.#leaving.set(worker, reason);
    return true;
  }

  /** A worker that leaves gets no further request, whether its successor is ready or not. */
  spend(worker: Worker): void {
    if (this.#leaving.has(worker)) this.#spent.add(worker);
  }

  /** Why a worker leaves. */
  reasonOf(worker: Worker): ExitReason {
    return this.#leaving.get(worker) ?? 'max_jobs';
  }

  /** Workers that were marked for this reason, and still serve, stay after all. */
  takeBack(reason: ExitReason): void {
    for (const [worker, why] of this.#leaving) {
      if (why === reason && !this.#spent.has(worker)) this.#leaving.delete(worker);
    }
  }

  /**
   * Lets one worker go when more than `target` are to stay: one that does not serve yet, else an idle one; they are returned. Of
   * busy ones the last started gets no further request. Undefined when there is nothing to stop.
   */
  tooMany(target: number): Worker | undefined {
    if (this.staying() <= target) return undefined;
    const rank = { starting: 0, ready: 1, working: 2, stopping: 3, dead: 3 };
    let choice: Worker | undefined;
    for (const worker of this.#all) {
      if (this.#leaving.has(worker) || rank[worker.state] === 3) continue;
      if (choice === undefined || rank[worker.state] <= rank[choice.state]) choice = worker;
    }
    if (choice?.state !== 'working') return choice;
    this.#leaving.set(choice, SURPLUS);
    this.#spent.add(choice);
    return this.tooMany(target);
  }

  /** True while the worker is given requests. */
  takesRequests(worker: Worker): boolean {
    return this.#all.has(worker) && (worker.state === 'ready' || worker.state === 'working') && !this.isSpent(worker);
  }

  /** Workers that have booted and are not on their way out. */
  serving(): number {
    const { ready, working } = this.counts();
    return ready + working;
  }

  /** True when the worker must not get another request. */
  isSpent(worker: Worker): boolean {
    // max_jobs: 1 asks for a process per request, so there the limit is strict.
    return this.#spent.has(worker) || (worker.maxJobs === 1 && worker.execs === 1);
  }

  /** Marked workers that are not needed any more, as far as more than `target` can serve. The idle ones are returned; the busy ones are spent. */
  superfluous(target: number): Worker[] {
    let surplus = this.serving() - this.#spent.size - target;
    const idle: Worker[] = [];
    for (const worker of this.#leaving.keys()) {
      if (surplus <= 0) break;
      if (this.#spent.has(worker)) continue;
      surplus--;
      if (worker.state === 'ready') idle.push(worker);
      else this.#spent.add(worker);
    }
    return idle;
  }

  /** Workers that count towards the target: neither stopping nor marked for replacement. */
  staying(): number {
    let count = 0;
    for (const worker of this.#all) if (worker.state !== 'stopping' && !this.#leaving.has(worker)) count++;
    return count;
  }

  counts(): RosterCounts {
    const counts = { starting: 0, ready: 0, working: 0, stopping: 0, dead: 0 };
    for (const { state } of this.#all) counts[state]++;
    return counts;
  }

  snapshot(): WorkerStats[] {
    const now = performance.now();
    return [...this.#all].map((worker) => ({
      pid: worker.pid,
      state: worker.state,
      execs: worker.execs,
      held: worker.held,
      startedAt: worker.startedAt,
      codec: worker.codec,
      phpVersion: worker.phpVersion,
      activity: worker.activity,
      busyMs: worker.busyMs(now),
      leaving: this.#leaving.get(worker),
    }));
  }

  [Symbol.iterator](): Iterator<Worker> {
    return this.#all[Symbol.iterator]();
  }
}
