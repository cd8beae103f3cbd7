// Many workers behind one door: requests come in, are given to workers, and get their answers.

import { RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Exchange, Outcome } from '../worker/exchange.ts';
import type { ExitReason } from '../worker/exit-reason.ts';
import type { WorkerExit } from '../worker/owner.ts';
import type { Worker } from '../worker/worker.ts';
import { Crew, type CrewOwner } from './crew.ts';
import { DebugStaffing, type DebugStaffingOwner } from './debug-staffing.ts';
import { Dispatcher } from './dispatcher.ts';
import { limitsOf } from './limits.ts';
import type { PoolOptions, PoolSettings } from './options.ts';
import { OUTCOMES } from './outcome.ts';
import type { PoolRequest } from './request.ts';
import { Scaler } from './scaler.ts';
import type { PoolStats } from './stats.ts';
import { Watch, type WatchOwner } from './watch.ts';

/** A request that worker after worker gives back unhandled would otherwise go round for ever, and take all of them with it. */
const MOST_HAND_ONS = 10;

/** A pool of workers. `boot` starts it; `stop` ends it, also when the boot failed. */
export class Pool implements CrewOwner, DebugStaffingOwner, WatchOwner {
  readonly name: string;
  readonly #logger: Logger;
  /** The staffing of pool.debug. */
  readonly #debug: DebugStaffing | undefined;
  readonly #crew: Crew;
  readonly #dispatcher: Dispatcher;
  readonly #watch: Watch;
  #emptied: (() => void) | undefined;
  #whenEmptied: Promise<void> | undefined;

  constructor(options: PoolOptions) {
    this.name = options.name;
    this.#logger = options.logger;
    const limits = limitsOf(options.config);
    this.#debug = options.config.debug ? new DebugStaffing(this) : undefined;
    this.#crew = new Crew(this, options, limits, this.#debug);
    const { roster } = this.#crew;
    this.#dispatcher = new Dispatcher(roster, limits, (worker) => this.replace(worker, 'max_jobs'));
    const scaler = options.config.debug ? undefined : new Scaler(roster, this.#dispatcher, limits, this.#crew);
    this.#watch = new Watch(roster, this.#dispatcher, limits, options.logger, this, scaler);
  }

  /** Starts the workers. Settles when all are ready, rejects with the first failure. With pool.debug it starts none. */
  async boot(): Promise<void> {
    this.#watch.start();
    await this.#crew.boot();
  }

  /** Takes a request: runs it, queues it or refuses it. Its outcome comes through its own methods. */
  submit(request: PoolRequest): void {
    if (this.#crew.stopping) {
      request.onFailure(new RrtsError('ERR_POOL_STOPPED', 'the pool is stopping'));
      return;
    }
    if (this.#dispatcher.accept(request, performance.now())) {
      this.#debug?.fill();
      return;
    }
    const message = `${this.#dispatcher.waiting} requests wait for a worker already`;
    request.onFailure(new RrtsError('ERR_POOL_QUEUE_FULL', message, { cure: 'Raise max_queue_size or num_workers.' }));
  }

  /** The client went away. A waiting request never reaches PHP; a running one ends unseen. */
  cancel(request: PoolRequest): void {
    if (request.cancelled) return;
    request.cancelled = true;
    if (this.#dispatcher.remove(request)) return;
    if (request.worker === undefined) this.#debug?.cancel(request);
    else request.worker.cancel(request, performance.now());
  }

  /** The client takes bytes again after `onReply` returned false. */
  resume(request: PoolRequest): void {
    if (!request.cancelled) request.worker?.resume(request, performance.now());
  }

  /** Wants one worker more. Settles when it is ready; rejects, and wants it no more, when it does not boot. */
  addWorker(): Promise<void> {
    return this.#crew.add();
  }

  /** Wants one worker less; an idle one goes at once, a busy one after its request. The last one stays. */
  removeWorker(): void {
    this.#crew.remove();
  }

  /**
   * Replaces all workers, without a pause: old ones go as new ones become ready. Settles when none of the old ones takes requests any
   * more. Rejects when a new one does not boot; then those old ones that have not gone yet stay.
   */
  reset(): Promise<void> {
    return this.#crew.reset();
  }

  /**
   * Takes new settings: limits at once, command, environment and codec with new workers, which replace the old ones as in
   * {@link reset}. Rejects when a new one does not boot; then the old settings and workers stay. `debug` and the relay cannot change.
   */
  reconfigure(next: PoolSettings): Promise<void> {
    return this.#crew.reconfigure(next);
  }

  /** Workers it shall have now, those for a rush and those that were added by hand included. */
  get target(): number {
    return this.#crew.target;
  }

  /** A snapshot. */
  stats(): PoolStats {
    return { ...this.#crew.stats(this.name), queueLength: this.#dispatcher.waiting };
  }

  /**
   * Takes no more requests, lets those it has finish for at most `graceMs`, then fails them; stops all workers.
   * Settles when no process is left.
   */
  async stop(graceMs: number): Promise<void> {
    this.#crew.drain();
    // Shared: an impatient second call must not leave the first one waiting.
    this.#whenEmptied ??= new Promise((resolve) => {
      this.#emptied = resolve;
    });
    const grace = setTimeout(() => this.#cut(), graceMs);
    for (const worker of this.#crew.roster) if (worker.state !== 'working') this.#stopIfDrained(worker);
    this.crewShrank();
    await this.#whenEmptied;
    clearTimeout(grace);
    this.#watch.stop();
    this.#dispatcher.close();
    await this.#crew.close();
  }

  room(): number {
    return this.#crew.room();
  }

  nextWaiting(): PoolRequest | undefined {
    return this.#dispatcher.shift();
  }

  spawnWorker(started: (worker: Worker) => void): Promise<void> {
    return this.#crew.spawnWorker(started);
  }

  workerReady(worker: Worker): void {
    const bootMs = Date.now() - worker.startedAt;
    this.#logger.debug({ pid: worker.pid, codec: worker.codec, bootMs }, 'worker is ready');
    if (this.#debug !== undefined) {
      const request = this.#debug.take(worker);
      if (request === undefined) this.#crew.stopWorker(worker, 'cancelled');
      else this.#dispatcher.run(worker, request, performance.now());
      return;
    }
    this.#release(worker);
    this.#crew.workerReady();
  }

  exchangeEnded(worker: Worker, exchange: Exchange | undefined, outcome: Outcome): void {
    const fate = OUTCOMES[outcome.kind];
    if (exchange !== undefined) {
      this.#dispatcher.ended(worker);
      const request = exchange as PoolRequest;
      request.worker = undefined;
      // The answer goes out first; what happens to the worker is not the client's concern.
      if (fate.request !== 'done') this.#settle(request, fate.request, outcome);
      else if (!request.cancelled) request.onDone();
    }
    this.#watch.weigh(worker);
    if (worker.state === 'working') this.#dispatcher.topUp(worker);
    else if (worker.state === 'ready' && fate.worker === 'retire') this.#crew.stopWorker(worker, 'stop_wish');
    else if (worker.state === 'ready') this.#release(worker);
  }

  takenBack(exchanges: Exchange[]): void {
    this.#dispatcher.giveBack(exchanges as PoolRequest[]);
  }

  workerExited(worker: Worker, exit: WorkerExit, booted: boolean): void {
    const request = this.#debug?.take(worker);
    request?.onFailure(worker.bootError ?? new RrtsError('ERR_WORKER_BOOT', 'it was stopped'));
    this.#crew.workerExited(worker, exit, booted, request !== undefined);
  }

  replace(worker: Worker, reason: ExitReason): void {
    this.#crew.replace(worker, reason);
  }

  bootFailures(): number {
    return this.#crew.bootFailures;
  }

  crewShrank(): void {
    if (!this.#crew.stopping || !this.#crew.gone) return;
    this.#dispatcher.failWaiting(new RrtsError('ERR_POOL_STOPPED', 'the pool has no worker left for this request'));
    this.#emptied?.();
  }

  /** A worker is free: the next waiting request, or the end of the ring. */
  #release(worker: Worker): void {
    const { roster } = this.#crew;
    if (roster.isSpent(worker)) {
      this.#crew.stopWorker(worker, roster.reasonOf(worker));
      return;
    }
    if (this.#dispatcher.serve(worker)) {
      this.#dispatcher.topUp(worker); // or it would wait for each of them until the queue has been empty once
      return;
    }
    if (this.#crew.stopping) this.#crew.stopWorker(worker, 'stop');
    else roster.idle(worker);
  }

  #settle(request: PoolRequest, fate: 'hand_on' | 'replay' | 'fail', outcome: Outcome): void {
    if (request.cancelled) return;
    // A developer wants to see a crash, not a second attempt.
    const replayable = request.replayable && request.attempt === 1 && this.#debug === undefined;
    const mostHandOns = Math.max(MOST_HAND_ONS, 2 * this.#crew.target); // all of a large pool may have been told to end
    const again = fate === 'hand_on' ? request.handedOn++ < mostHandOns : fate === 'replay' && replayable;
    if (!again) {
      request.onFailure(outcome.error ?? new RrtsError('ERR_WORKER_DIED', 'the worker ended'));
      return;
    }
    if (fate === 'replay') {
      request.attempt = 2;
      request.queuedAt += performance.now() - request.startedAt; // it has not waited while it ran
      this.#logger.warn({ error: outcome.error?.message }, 'the worker died; its request is given to another one');
    }
    this.#dispatcher.giveBack([request]);
  }

  #stopIfDrained(worker: Worker): void {
    if (this.#dispatcher.waiting > 0 && worker.state === 'ready') return;
    if (this.#debug?.expects(worker) === true) return;
    this.#crew.stopWorker(worker, 'stop');
  }

  /** The grace is over: everything that runs or waits fails, every process is killed. */
  #cut(): void {
    const error = new RrtsError('ERR_POOL_STOPPED', 'the pool was stopped before this request was done');
    for (const worker of this.#crew.roster) worker.kill('stop', 'cut', error);
    this.#dispatcher.failWaiting(error);
    this.#debug?.failAll(error);
  }
}
