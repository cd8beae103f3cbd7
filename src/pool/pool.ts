// Many workers behind one door: queue, round-robin dispatch, limits, replacement.

import { messageOf, RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { scriptOf } from '../worker/command.ts';
import type { Exchange, Outcome } from '../worker/exchange.ts';
import { describeDeath } from '../worker/failures.ts';
import type { WorkerExit, WorkerOptions, WorkerOwner } from '../worker/owner.ts';
import { RelayListener } from '../worker/relay-listener.ts';
import { findSetpriv, type Setpriv, type SpawnOptions, spawnProcess } from '../worker/spawn.ts';
import { Worker } from '../worker/worker.ts';
import { Allocator, type AllocatorOwner } from './allocator.ts';
import { DebugStaffing, type DebugStaffingOwner } from './debug-staffing.ts';
import { Dispatcher } from './dispatcher.ts';
import { limitsOf, MAX_WORKERS, type PoolLimits } from './limits.ts';
import { Milestones } from './milestones.ts';
import { type PoolOptions, spawnOptionsOf } from './options.ts';
import { OUTCOMES } from './outcome.ts';
import type { PoolRequest } from './request.ts';
import { RESET, Reset, type ResetOwner } from './reset.ts';
import { Roster, SURPLUS } from './roster.ts';
import type { Staffing } from './staffing.ts';
import type { PoolStats } from './stats.ts';
import { Watch, type WatchOwner } from './watch.ts';

/** A pool of workers. `boot` starts it; `stop` ends it, also when the boot failed. */
export class Pool implements WorkerOwner, AllocatorOwner, DebugStaffingOwner, ResetOwner, WatchOwner {
  readonly name: string;
  readonly #limits: PoolLimits;
  readonly #logger: Logger;
  readonly #setpriv: Setpriv;
  readonly #spawnOptions: SpawnOptions;
  readonly #workerOptions: WorkerOptions;
  readonly #staffing: Staffing;
  /** The staffing, when it is that of pool.debug. */
  readonly #debug: DebugStaffing | undefined;
  readonly #relay: RelayListener | undefined;
  readonly #roster = new Roster();
  readonly #dispatcher: Dispatcher;
  readonly #milestones = new Milestones();
  readonly #watch: Watch;
  readonly #reset: Reset;
  /** Workers it shall have. */
  #target: number;
  #spawning = 0;
  #stopping = false;
  #booted: { resolve(): void; reject(error: unknown): void } | undefined;
  #emptied: (() => void) | undefined;
  #whenEmptied: Promise<void> | undefined;

  constructor(options: PoolOptions) {
    this.name = options.name;
    this.#limits = limitsOf(options.config);
    this.#logger = options.logger;
    this.#setpriv = findSetpriv();
    const { relay } = options.server;
    this.#relay = relay === 'pipes' ? undefined : new RelayListener(relay, options.logger);
    this.#spawnOptions = spawnOptionsOf(options);
    this.#workerOptions = {
      owner: this,
      logger: options.logger,
      sdkCodec: options.sdkCodec,
      sdkPrefetch: options.config.prefetchSdk,
      script: scriptOf(this.#spawnOptions.words),
      bootTimeout: this.#limits.bootTimeout,
      execTtl: this.#limits.execTtl,
      streamTimeout: this.#limits.streamTimeout,
      socketRelay: this.#relay !== undefined,
      debug: options.config.debug,
    };
    this.#dispatcher = new Dispatcher(this.#roster, this.#limits, (worker) => this.replace(worker, 'max_jobs'));
    this.#debug = options.config.debug ? new DebugStaffing(this) : undefined;
    this.#staffing = this.#debug ?? new Allocator(this, options.logger);
    this.#watch = new Watch(this.#roster, this.#dispatcher, this.#limits, options.logger, this);
    this.#reset = new Reset(this.#roster, this.#milestones, this);
    this.#target = this.#limits.numWorkers;
  }

  /** Starts the workers. Settles when all are ready, rejects with the first failure. With pool.debug it starts none. */
  async boot(): Promise<void> {
    await this.#relay?.listen();
    if (!this.#setpriv.deathSignal) {
      this.#logger.warn(
        {},
        'setpriv is not there: a busy worker may outlive this process when it is killed with SIGKILL',
      );
    }
    this.#watch.start();
    if (this.#debug !== undefined) {
      const what = 'every request starts a PHP process, and clients are shown what went wrong';
      this.#logger.warn({}, `pool.debug is for development: ${what}`);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      this.#booted = { resolve, reject };
      for (let i = 0; i < this.#target; i++) {
        this.spawnWorker().catch((error: unknown) => this.spawnFailed(error));
      }
    });
  }

  /** Takes a request: runs it, queues it or refuses it. Its outcome comes through its own methods. */
  submit(request: PoolRequest): void {
    if (this.#stopping) {
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
  async addWorker(): Promise<void> {
    this.#refuseWhenStopping();
    if (this.#debug !== undefined) return; // its workers come with the requests
    if (this.#target >= MAX_WORKERS) {
      throw new RrtsError('ERR_POOL_FULL', `the pool has ${this.#target} workers, and may not have more`);
    }
    const wanted = ++this.#target;
    this.#staffing.fillNow();
    await this.#milestones.until(
      () => this.#roster.serving() >= Math.min(wanted, this.#target),
      () => {
        this.#target = Math.max(1, this.#target - 1);
      },
    );
  }

  /** Wants one worker less; an idle one goes at once, a busy one after its request. The last one stays. */
  removeWorker(): void {
    if (this.#target <= 1 || this.#debug !== undefined) return;
    this.#target--;
    this.#trim();
    this.#milestones.look();
  }

  /**
   * Replaces all workers, without a pause: old ones go as new ones become ready. Settles when none of the old ones takes requests any
   * more. Rejects when a new one does not boot; then those old ones that have not gone yet stay.
   */
  async reset(): Promise<void> {
    this.#refuseWhenStopping();
    if (this.#debug !== undefined) return;
    this.#logger.info({ workers: this.#target }, 'the workers are replaced');
    await this.#reset.run();
    this.#logger.info({ workers: this.#target }, 'the workers were replaced');
  }

  /** A snapshot. */
  stats(): PoolStats {
    return {
      name: this.name,
      command: this.#spawnOptions.words.join(' '),
      workers: this.#roster.snapshot(),
      target: this.#target,
      ...this.#roster.counts(),
      queueLength: this.#dispatcher.waiting,
      bootFailures: this.#staffing.failures,
    };
  }

  /**
   * Takes no more requests, lets those it has finish for at most `graceMs`, then fails them; stops all workers.
   * Settles when no process is left.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#staffing.close();
    this.#milestones.fail(new RrtsError('ERR_POOL_STOPPED', 'the pool is stopping'));
    // Shared: an impatient second call must not leave the first one waiting.
    this.#whenEmptied ??= new Promise((resolve) => {
      this.#emptied = resolve;
    });
    const grace = setTimeout(() => this.#cut(), graceMs);
    for (const worker of this.#roster) if (worker.state !== 'working') this.#stopIfDrained(worker);
    this.#checkEmptied();
    await this.#whenEmptied;
    clearTimeout(grace);
    this.#watch.stop();
    this.#dispatcher.close();
    await this.#relay?.close();
  }

  missing(): number {
    return Math.max(0, this.#target - this.#roster.staying() - this.#spawning);
  }

  room(): number {
    return this.#limits.numWorkers - this.#roster.size - this.#spawning;
  }

  nextWaiting(): PoolRequest | undefined {
    return this.#dispatcher.shift();
  }

  async spawnWorker(started?: (worker: Worker) => void): Promise<void> {
    this.#spawning++;
    try {
      const spawned = await spawnProcess(this.#spawnOptions, this.#setpriv);
      const worker = new Worker(spawned, this.#workerOptions);
      worker.maxJobs = this.#limits.nextMaxJobs();
      this.#roster.add(worker);
      started?.(worker);
      this.#relay?.expect(worker);
      if (this.#stopping && this.#debug?.expects(worker) !== true) worker.stop('stop', 0);
      else if (!this.#stopping && this.#debug === undefined) this.#trim(); // fewer may be wanted now than when it was started
    } finally {
      this.#spawning--;
      this.#checkEmptied();
    }
  }

  workerReady(worker: Worker): void {
    this.#logger.debug(
      { pid: worker.pid, codec: worker.codec, bootMs: Date.now() - worker.startedAt },
      'worker is ready',
    );
    if (this.#debug !== undefined) {
      const request = this.#debug.take(worker);
      if (request === undefined) this.stopWorker(worker, 'cancelled');
      else this.#dispatcher.run(worker, request, performance.now());
      return;
    }
    this.#staffing.succeeded();
    this.#release(worker);
    this.#retire();
    if (this.#booted !== undefined && this.#roster.counts().starting === 0 && this.#spawning === 0) {
      this.#booted.resolve();
      this.#booted = undefined;
    }
  }

  exchangeEnded(worker: Worker, exchange: Exchange | undefined, outcome: Outcome): void {
    const fate = OUTCOMES[outcome.kind];
    if (exchange !== undefined) {
      const request = exchange as PoolRequest;
      request.worker = undefined;
      // The answer goes out first; what happens to the worker is not the client's concern.
      if (fate.request !== 'done') this.#settle(request, fate.request, outcome);
      else if (!request.cancelled) request.onDone();
    }
    if (worker.state === 'working') this.#dispatcher.topUp(worker);
    else if (worker.state === 'ready' && fate.worker === 'retire') this.stopWorker(worker, 'asked to stop');
    else if (worker.state === 'ready') this.#release(worker);
  }

  takenBack(exchanges: Exchange[]): void {
    this.#dispatcher.giveBack(exchanges as PoolRequest[]);
  }

  workerExited(worker: Worker, exit: WorkerExit, booted: boolean): void {
    this.#roster.remove(worker);
    this.#relay?.forget(worker);
    const facts = {
      pid: worker.pid,
      reason: exit.reason,
      exitCode: exit.code,
      signal: exit.signal,
      execs: worker.execs,
    };
    const request = this.#debug?.take(worker);
    if (request !== undefined)
      request.onFailure(worker.bootError ?? new RrtsError('ERR_WORKER_BOOT', 'it was stopped'));
    else if (!booted && exit.reason !== SURPLUS && exit.reason !== RESET) this.spawnFailed(worker.bootError);
    else if (exit.reason === 'died' && !this.#stopping) this.#died(worker, exit, facts);
    else this.#logger.debug(facts, `worker stopped: ${exit.reason}`);
    this.#retire(); // one of those that had to go is gone already
    this.#staffing.fill();
    this.#checkEmptied();
  }

  fillNow(): void {
    this.#staffing.fillNow();
  }

  stopWorker(worker: Worker, reason: string): void {
    this.#roster.makesWay(worker);
    worker.stop(reason, this.#limits.stopTimeout);
    this.#staffing.fill();
  }

  bootFailures(): number {
    return this.#staffing.failures;
  }

  /** A worker is free: the next waiting request, or the end of the ring. */
  #release(worker: Worker): void {
    if (this.#roster.isSpent(worker)) {
      this.stopWorker(worker, this.#roster.reasonOf(worker));
      return;
    }
    if (this.#dispatcher.serve(worker)) return;
    if (this.#stopping) this.stopWorker(worker, 'stop');
    else this.#roster.idle(worker);
  }

  #settle(request: PoolRequest, fate: 'hand_on' | 'replay' | 'fail', outcome: Outcome): void {
    if (request.cancelled) return;
    // A developer wants to see a crash, not a second attempt.
    const replayable = request.replayable && request.attempt === 1 && this.#debug === undefined;
    const again = fate === 'hand_on' || (fate === 'replay' && replayable);
    if (!again) {
      request.onFailure(outcome.error ?? new RrtsError('ERR_WORKER_DIED', 'the worker ended'));
      return;
    }
    if (fate === 'replay') {
      request.attempt = 2;
      this.#logger.warn({ error: outcome.error?.message }, 'the worker died; its request is given to another one');
    }
    this.#dispatcher.giveBack([request]);
  }

  /** Boots a successor. */
  replace(worker: Worker, reason: string): void {
    if (!this.#stopping && this.#roster.markLeaving(worker, reason)) this.#staffing.fill();
  }

  /** Lets those go whose successors are ready. */
  #retire(): void {
    for (const spent of this.#roster.superfluous(this.#target)) this.stopWorker(spent, this.#roster.reasonOf(spent));
    this.#milestones.look();
  }

  /** Lets workers go while there are more than are wanted. */
  #trim(): void {
    for (;;) {
      const worker = this.#roster.tooMany(this.#target);
      if (worker === undefined) return;
      this.stopWorker(worker, SURPLUS);
    }
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) throw new RrtsError('ERR_POOL_STOPPED', 'the pool is stopping');
  }

  #stopIfDrained(worker: Worker): void {
    if (this.#dispatcher.waiting > 0 && worker.state === 'ready') return;
    if (this.#debug?.expects(worker) === true) return;
    this.stopWorker(worker, 'stop');
  }

  #died(worker: Worker, exit: WorkerExit, facts: object): void {
    const message = `worker ${describeDeath(exit)}`;
    this.#logger.warn(facts, message);
    // A worker that boots and falls over without having served is a crash loop too.
    if (worker.execs === 0 && exit.signal === null) this.#noWorker(new Error(`${message}, before its first request`));
  }

  spawnFailed(error: unknown): void {
    if (this.#booted !== undefined) {
      this.#booted.reject(error);
      this.#booted = undefined;
      this.#staffing.close(); // the start failed as a whole: its other workers are neither replaced nor reported
    } else if (!this.#stopping) {
      this.#noWorker(error);
    }
  }

  /** A worker does not work. Whoever waits for new ones is told; a back-off is needed only where a worker is missing. */
  #noWorker(error: unknown): void {
    this.#milestones.fail(error);
    this.#trim();
    if (this.missing() > 0) this.#staffing.failed(error);
    else this.#logger.error({}, `no new worker, the others stay: ${messageOf(error)}`);
  }

  /** The grace is over: everything that runs or waits fails, every process is killed. */
  #cut(): void {
    const error = new RrtsError('ERR_POOL_STOPPED', 'the pool was stopped before this request was done');
    for (const worker of this.#roster) worker.kill('stop', 'cut', error);
    this.#dispatcher.failWaiting(error);
    this.#debug?.failAll(error);
  }

  #checkEmptied(): void {
    if (!this.#stopping || this.#roster.size > 0 || this.#spawning > 0) return;
    this.#dispatcher.failWaiting(new RrtsError('ERR_POOL_STOPPED', 'the pool has no worker left for this request'));
    this.#emptied?.();
  }
}
