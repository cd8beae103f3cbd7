// Which worker gets which request: idle ones in turn, quick busy ones ahead of time, or the queue.

import type { RrtsError } from '../core/errors.ts';
import type { Worker } from '../worker/worker.ts';
import type { Limits } from './limits.ts';
import { Pace } from './pace.ts';
import type { PoolRequest } from './request.ts';
import type { Roster } from './roster.ts';
import { WaitQueue } from './wait-queue.ts';

/** Period of the look for requests that are stuck behind a slow one. */
const STALL_TICK_MS = 5;

/** Hands requests to workers. All times are `performance.now()`. */
export class Dispatcher {
  readonly #roster: Roster;
  readonly #limits: Limits;
  readonly #queue: WaitQueue;
  /** Told before a worker gets the last request that its max_jobs allows. */
  readonly #onLastJob: (worker: Worker) => void;
  readonly #pace = new Pace();
  /** All requests of a pool are of one kind. */
  #stallMs = 0;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(roster: Roster, limits: Limits, onLastJob: (worker: Worker) => void) {
    this.#roster = roster;
    this.#limits = limits;
    this.#queue = new WaitQueue(limits);
    this.#onLastJob = onLastJob;
  }

  /** Requests that wait for a worker; those sent ahead are not among them. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Milliseconds that the request at the head of the queue has waited; 0 when none waits. */
  longestWait(now: number): number {
    const first = this.#queue.first;
    return first === undefined ? 0 : now - first.queuedAt;
  }

  /** Runs, sends ahead or queues a new request. False when the queue is full. */
  accept(request: PoolRequest, now: number): boolean {
    request.queuedAt = now;
    const worker = this.#roster.takeIdle();
    if (worker !== undefined) {
      this.run(worker, request, now);
      return true;
    }
    // Who came first is served first: while others wait nobody passes them by.
    return (this.#queue.size === 0 && this.#sendAhead(request, now)) || this.#queue.push(request);
  }

  /** Gives an idle worker a request. */
  run(worker: Worker, request: PoolRequest, now: number): void {
    request.startedAt = now;
    request.worker = worker;
    if (worker.maxJobs > 0 && worker.execs + 1 >= worker.maxJobs) this.#onLastJob(worker);
    worker.exec(request, now);
  }

  /** Gives an idle worker the next waiting request. False when none waits. */
  serve(worker: Worker): boolean {
    const request = this.#queue.shift();
    if (request === undefined) return false;
    this.run(worker, request, performance.now());
    return true;
  }

  /** A worker has ended a request. */
  ended(worker: Worker): void {
    this.#pace.note(worker.tookMs);
  }

  /** A worker has begun a request: it gets the next ones from the queue ahead of time. */
  topUp(worker: Worker): void {
    let request = this.#queue.first;
    if (request === undefined || !this.#pace.isEven) return;
    const now = performance.now();
    while (request?.mayBeSentAhead === true && this.#mayHold(worker, now)) {
      this.#queue.shift();
      this.#prefetch(worker, request, now);
      request = this.#queue.first;
    }
  }

  /** Puts requests, in order, before all that wait, and gives them to idle workers if there are any. */
  giveBack(requests: readonly PoolRequest[]): void {
    for (let i = requests.length - 1; i >= 0; i--) {
      const request = requests[i] as PoolRequest;
      request.worker = undefined;
      if (!request.cancelled) this.#queue.giveBack(request);
    }
    while (this.#queue.size > 0) {
      const worker = this.#roster.takeIdle();
      if (worker === undefined) return;
      this.serve(worker);
    }
  }

  /** Takes out a request whose client left. False when it does not wait here. */
  remove(request: PoolRequest): boolean {
    return this.#queue.remove(request);
  }

  /** Takes the next request that has waited too long. */
  shiftExpired(now: number): PoolRequest | undefined {
    return this.#queue.shiftExpired(now);
  }

  /** Takes the next waiting request, whatever its age. */
  shift(): PoolRequest | undefined {
    return this.#queue.shift();
  }

  /** Fails all that wait: nobody will serve them. */
  failWaiting(error: RrtsError): void {
    for (;;) {
      const request = this.#queue.shift();
      if (request === undefined) return;
      request.onFailure(error);
    }
  }

  /** Ends the look for stalls. */
  close(): void {
    clearInterval(this.#stallTimer);
  }

  /** Sends a request to the busy worker with the fewest others, if one may have it. Only what `mayBeSentAhead` says. */
  #sendAhead(request: PoolRequest, now: number): boolean {
    if (this.#limits.prefetch === 0 || !request.mayBeSentAhead || !this.#pace.isEven) return false;
    let best: Worker | undefined;
    for (const worker of this.#roster) {
      if ((best === undefined || worker.held < best.held) && this.#mayHold(worker, now)) best = worker;
    }
    if (best === undefined) return false;
    this.#prefetch(best, request, now);
    return true;
  }

  #mayHold(worker: Worker, now: number): boolean {
    // A worker near its limit, or past it, gets no more than it has.
    if (worker.maxJobs > 0 && worker.execs + 1 >= worker.maxJobs) return false;
    // Nor does one that is to stop as soon as it is idle: it never would be.
    if (this.#roster.isSpent(worker)) return false;
    return worker.mayHold(this.#limits.prefetch, now);
  }

  #prefetch(worker: Worker, request: PoolRequest, now: number): void {
    request.startedAt = now;
    request.worker = worker;
    this.#stallMs = request.stallMs;
    // Timers come before input in a turn of the event loop: what workers have answered meanwhile is read first.
    this.#stallTimer ??= setInterval(() => setImmediate(() => this.#lookForStalls()), STALL_TICK_MS);
    worker.prefetch(request);
  }

  /** Takes requests back from behind one that takes its time. The timer runs only while there are any. */
  #lookForStalls(): void {
    const now = performance.now();
    let held = 0;
    for (const worker of this.#roster) {
      worker.takeBackIfStalled(now, this.#stallMs);
      held += worker.held;
    }
    if (held > 0) return;
    clearInterval(this.#stallTimer);
    this.#stallTimer = undefined;
  }
}
