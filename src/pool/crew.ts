// The workers of a pool: how many it shall have, who is started, who is replaced and why, who goes.

import { messageOf, RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { scriptOf } from '../worker/command.ts';
import { type ExitReason, isFault } from '../worker/exit-reason.ts';
import { describeDeath } from '../worker/failures.ts';
import type { WorkerExit, WorkerOptions, WorkerOwner } from '../worker/owner.ts';
import { RelayListener } from '../worker/relay-listener.ts';
import { canReadMemory } from '../worker/resident.ts';
import { findLaunchers, type Launchers, type SpawnOptions, spawnProcess } from '../worker/spawn.ts';
import { Worker } from '../worker/worker.ts';
import { Allocator, type AllocatorOwner } from './allocator.ts';
import { MAX_WORKERS } from './config.ts';
import type { DebugStaffing } from './debug-staffing.ts';
import { Exits } from './exits.ts';
import { type Limits, limitsOf } from './limits.ts';
import { Milestones } from './milestones.ts';
import { type PoolOptions, type PoolSettings, spawnOptionsOf } from './options.ts';
import { RESET, Reset, type ResetOwner, stepOf } from './reset.ts';
import { Roster, SURPLUS } from './roster.ts';
import type { ScalerOwner } from './scaler.ts';
import type { Staffing } from './staffing.ts';
import type { PoolStats } from './stats.ts';

/** The pool, as its crew sees it. */
export interface CrewOwner extends WorkerOwner {
  /** A process has ended, or was not started after all: it may have been the last one. */
  crewShrank(): void;
}

/** Everything about the workers of one pool but their requests. */
export class Crew implements AllocatorOwner, ResetOwner, ScalerOwner {
  readonly roster = new Roster();
  readonly #owner: CrewOwner;
  readonly #logger: Logger;
  readonly #limits: Limits;
  readonly #launchers: Launchers;
  readonly #spawnProcess: typeof spawnProcess;
  readonly #relay: RelayListener | undefined;
  readonly #debug: DebugStaffing | undefined;
  readonly #staffing: Staffing;
  readonly #milestones = new Milestones();
  readonly #reset: Reset;
  readonly #exits = new Exits();
  #settings: PoolSettings;
  #spawnOptions: SpawnOptions;
  #workerOptions: WorkerOptions;
  /** Workers it shall have. */
  #target: number;
  /** How many of them are for the rush. */
  #extra = 0;
  #spawning = 0;
  #stopping = false;
  #booted: { resolve(): void; reject(error: unknown): void } | undefined;

  /** @param limits - shared with the other parts of the pool; `reconfigure` changes it in place. */
  constructor(owner: CrewOwner, options: PoolOptions, limits: Limits, debug: DebugStaffing | undefined) {
    this.#owner = owner;
    this.#logger = options.logger;
    this.#limits = limits;
    this.#debug = debug;
    this.#spawnProcess = options.spawn ?? spawnProcess;
    this.#launchers = options.spawn === undefined ? findLaunchers() : { deathSignal: true };
    const { relay } = options.server;
    this.#relay = relay === 'pipes' ? undefined : (options.relay ?? new RelayListener(relay, options.logger));
    this.#staffing = debug ?? new Allocator(this, options.logger);
    this.#reset = new Reset(this.roster, this.#milestones, this);
    this.#settings = options;
    this.#spawnOptions = spawnOptionsOf(options);
    this.#workerOptions = this.#workerOptionsFor(options);
    this.#target = limits.numWorkers;
  }

  /** True from the call of {@link drain} on. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Boots that failed in a row. */
  get bootFailures(): number {
    return this.#staffing.failures;
  }

  get target(): number {
    return this.#target;
  }

  get extra(): number {
    return this.#extra;
  }

  /** True when no process is left, and none is being started. */
  get gone(): boolean {
    return this.roster.size === 0 && this.#spawning === 0;
  }

  /** Starts the workers. Settles when all are ready, rejects with the first failure. With pool.debug it starts none. */
  async boot(): Promise<void> {
    await this.#relay?.listen(this);
    if (!this.#launchers.deathSignal) {
      const what = 'a busy worker may outlive this process when it is killed with SIGKILL';
      this.#logger.warn({}, `setpriv is not there: ${what}`);
    }
    if (this.#limits.maxWorkerMemory + this.#limits.maxWorkerMemoryHard > 0 && !canReadMemory()) {
      this.#logger.warn({}, 'max_worker_memory does nothing here: this system does not tell the memory of a process');
    }
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

  /** Wants one worker more. Settles when it is ready; rejects, and wants it no more, when it does not boot. */
  async add(): Promise<void> {
    this.#refuseWhenStopping();
    if (this.#debug !== undefined) return; // its workers come with the requests
    if (this.#target >= MAX_WORKERS) {
      throw new RrtsError('ERR_POOL_FULL', `the pool has ${this.#target} workers, and may not have more`);
    }
    const wanted = ++this.#target;
    this.#staffing.fillNow();
    await this.#milestones.until(
      () => this.roster.serving() >= Math.min(wanted, this.#target),
      () => {
        this.#target = Math.max(1, this.#target - 1);
      },
    );
  }

  /** Wants one worker less; an idle one goes at once, a busy one after its request. The last one stays. */
  remove(): void {
    if (this.#target <= 1 || this.#debug !== undefined) return;
    this.#target--;
    this.#trim();
    this.#milestones.look();
  }

  grow(): void {
    if (this.#stopping) return;
    this.#target++;
    this.#extra++;
    this.#logger.info({ workers: this.#target }, 'requests wait: one worker more');
    this.#staffing.fill();
  }

  shrink(): void {
    if (this.#stopping || this.#extra === 0) return;
    this.#extra--;
    this.remove();
    this.#logger.info({ workers: this.#target }, 'workers are idle: one worker less');
  }

  /** Replaces all workers; see {@link Reset}. */
  async reset(): Promise<void> {
    this.#refuseWhenStopping();
    if (this.#debug !== undefined) return;
    this.#logger.info({ workers: this.#target }, 'the workers are replaced');
    await this.#reset.run();
    this.#logger.info({ workers: this.#target }, 'the workers were replaced');
  }

  /**
   * Takes new settings: limits at once, then all workers are replaced. When a new one does not boot the old settings are back
   * and the old workers stay. `debug` and the relay stay what they are.
   */
  async reconfigure(next: PoolSettings): Promise<void> {
    this.#refuseWhenStopping();
    const before = this.#settings;
    this.#apply(next);
    try {
      await this.reset();
    } catch (error) {
      // A later call may have come meanwhile: its settings are not ours to undo.
      if (this.#settings === next) this.#apply(before);
      this.#staffing.fill(); // more may be wanted again, and some have gone
      throw error;
    }
  }

  /** Counts, and every worker, at this moment; `queueLength` is the pool's to add. */
  stats(name: string): Omit<PoolStats, 'queueLength'> {
    return {
      name,
      command: this.#spawnOptions.words.join(' '),
      workers: this.roster.snapshot(),
      target: this.#target,
      ...this.roster.counts(),
      bootFailures: this.#staffing.failures,
      exits: this.#exits.counts,
      recentExits: this.#exits.recent,
    };
  }

  /** Starts and replaces nobody any more. */
  drain(): void {
    this.#stopping = true;
    this.#staffing.close();
    this.#milestones.close(new RrtsError('ERR_POOL_STOPPED', 'the pool is stopping'));
  }

  /** Lets go what is not a process. */
  async close(): Promise<void> {
    await this.#relay?.close(this);
  }

  missing(): number {
    const wanted = this.#target - this.roster.staying() - this.#spawning;
    // Workers that are worn serve on, so there is no hurry: boots all at once would take the processor from the requests.
    const { starting, ready, working } = this.roster.counts();
    const booting = starting + this.#spawning;
    const absent = this.#target - ready - working - booting;
    // A successor can be worn by its first request, and bring one of its own while its predecessor is still busy.
    const room = this.#target + absent;
    return Math.max(0, Math.min(wanted, room, Math.max(absent, stepOf(this.#target) - booting)));
  }

  /** Processes that pool.debug may start now. */
  room(): number {
    return this.#limits.numWorkers - this.roster.size - this.#spawning;
  }

  /** Starts one worker; `started` is called before it can become ready. Rejects when its process cannot be started. */
  async spawnWorker(started?: (worker: Worker) => void): Promise<void> {
    this.#spawning++;
    try {
      const spawned = await this.#spawnProcess(this.#spawnOptions, this.#launchers);
      const worker = new Worker(spawned, this.#workerOptions);
      worker.maxJobs = this.#limits.nextMaxJobs();
      this.roster.add(worker);
      started?.(worker);
      this.#relay?.expect(worker);
      if (this.#stopping && this.#debug?.expects(worker) !== true) worker.stop('stop', 0);
      else if (!this.#stopping && this.#debug === undefined) this.#trim(); // fewer may be wanted now than when it was started
    } finally {
      this.#spawning--;
      this.#owner.crewShrank();
    }
  }

  spawnFailed(error: unknown, killed = false): void {
    if (this.#booted !== undefined) {
      this.#booted.reject(error);
      this.#booted = undefined;
      this.#staffing.close(); // the start failed as a whole: its other workers are neither replaced nor reported
    } else if (!this.#stopping) {
      this.#noWorker(error, killed);
    }
  }

  /** The first requests after a boot are given out before this: it may let old workers go. */
  workerReady(): void {
    this.#staffing.succeeded();
    this.retire();
    if (this.#booted !== undefined && this.roster.counts().starting === 0 && this.#spawning === 0) {
      this.#booted.resolve();
      this.#booted = undefined;
    }
  }

  /** A process is gone. `told` is true when somebody has heard of its failure. */
  workerExited(worker: Worker, exit: WorkerExit, booted: boolean, told: boolean): void {
    this.roster.remove(worker);
    this.#relay?.forget(worker);
    this.#exits.add(worker.pid, booted || exit.reason !== 'died' ? exit.reason : 'boot');
    if (!told) this.#report(worker, exit, booted);
    this.retire(); // one of those that had to go is gone already
    this.#staffing.fill();
    this.#owner.crewShrank();
  }

  fillNow(): void {
    this.#staffing.fillNow();
  }

  /** Stops a worker that has no request, and starts a successor if one is needed. */
  stopWorker(worker: Worker, reason: ExitReason): void {
    this.roster.makesWay(worker);
    worker.stop(reason, this.#limits.stopTimeout);
    this.#staffing.fill();
  }

  /** Boots a successor; the worker serves on until that is ready. */
  replace(worker: Worker, reason: ExitReason): void {
    if (!this.#stopping && this.roster.markLeaving(worker, reason)) this.#staffing.fill();
  }

  /** Lets those go whose successors are ready. */
  retire(): void {
    for (const spent of this.roster.superfluous(this.#target)) this.stopWorker(spent, this.roster.reasonOf(spent));
    this.#milestones.look();
  }

  #apply(next: PoolSettings): void {
    const { numWorkers } = this.#limits;
    this.#settings = next;
    Object.assign(this.#limits, limitsOf({ ...next.config, debug: this.#debug !== undefined }));
    this.#spawnOptions = spawnOptionsOf(next);
    this.#workerOptions = this.#workerOptionsFor(next);
    // Workers that were added or removed by hand stay so, unless the configuration says a new number.
    if (this.#limits.numWorkers !== numWorkers) {
      this.#target = this.#limits.numWorkers;
      this.#extra = 0;
    }
    if (!this.#stopping && this.#debug === undefined) this.#trim();
  }

  #workerOptionsFor({ sdkCodec, config, rpc }: PoolSettings): WorkerOptions {
    return {
      rpc,
      owner: this.#owner,
      logger: this.#logger,
      sdkCodec,
      sdkPrefetch: config.prefetchSdk,
      script: scriptOf(this.#spawnOptions.words),
      bootTimeout: this.#limits.bootTimeout,
      execTtl: this.#limits.execTtl,
      streamTimeout: this.#limits.streamTimeout,
      socketRelay: this.#relay !== undefined,
      debug: this.#debug !== undefined,
    };
  }

  /** Lets workers go while there are more than are wanted. */
  #trim(): void {
    let worker = this.roster.tooMany(this.#target);
    while (worker !== undefined) {
      this.stopWorker(worker, SURPLUS);
      worker = this.roster.tooMany(this.#target);
    }
    this.retire(); // when fewer are wanted, those that wait for a successor need none
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) throw new RrtsError('ERR_POOL_STOPPED', 'the pool is stopping');
  }

  #report(worker: Worker, exit: WorkerExit, booted: boolean): void {
    const { reason, code, signal } = exit;
    const facts = { pid: worker.pid, reason, exitCode: code, signal, execs: worker.execs };
    const killed = reason === 'died' && signal === 'SIGKILL'; // not by us
    if (!booted && reason !== SURPLUS && reason !== RESET) {
      if (!this.#stopping) this.#logger.warn({ ...facts, reason: 'boot' }, 'worker did not become ready');
      this.spawnFailed(worker.bootError, killed);
    } else if (reason === 'died' && !this.#stopping) this.#died(worker, exit, facts);
    else if (isFault(reason)) this.#logger.warn(facts, `worker stopped: ${reason}`);
    else if (this.#stopping || this.#debug !== undefined) this.#logger.debug(facts, `worker stopped: ${reason}`);
    else this.#logger.info(facts, `worker stopped: ${reason}`);
  }

  #died(worker: Worker, exit: WorkerExit, facts: object): void {
    const message = `worker ${describeDeath(exit)}`;
    this.#logger.warn(facts, message);
    // A worker that boots and falls over without having served is a crash loop too.
    if (worker.execs === 0 && exit.signal === null) this.#noWorker(new Error(`${message}, before its first request`));
  }

  /** A worker does not work. Whoever waits for new ones is told; a back-off is needed only where a worker is missing. */
  #noWorker(error: unknown, killed = false): void {
    this.#milestones.fail(error);
    this.#trim();
    if (this.missing() > 0) this.#staffing.failed(error, killed);
    else this.#logger.error({}, `no new worker, the others stay: ${messageOf(error)}`);
  }
}
