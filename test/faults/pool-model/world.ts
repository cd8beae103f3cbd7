// One sequence: a real pool, simulated processes, and what must hold after every step and at the end.

import { camelCased } from '../../../src/core/camel-case.ts';
import { isRrtsError, RrtsError } from '../../../src/core/errors.ts';
import { type Logger, silentLogger } from '../../../src/core/logger.ts';
import { type PoolConfig, poolSchema } from '../../../src/pool/config.ts';
import type { PoolSettings } from '../../../src/pool/options.ts';
import { Pool } from '../../../src/pool/pool.ts';
import type { SpawnedProcess } from '../../../src/worker/spawn.ts';
import { type Action, HEALTHY, type ModelConfig, type Setting } from './actions.ts';
import { type Court, ModelRequest, type Wish } from './model-request.ts';
import { SCRIPTS, type Step } from './script.ts';
import type { SimClock } from './sim-clock.ts';
import { type Boot, type ClientKind, type Host, SimProcess } from './sim-process.ts';
import type { Totals } from './totals.ts';

const QUICK: Wish = { script: 'quick', post: false, slowClientMs: 0, execTtl: undefined };

/** Time in which a pool must have ended every request, and be whole again: the longest back-off and the stop ladder. */
const RECOVERY_MS = 60_000;
const RECOVERY_STEP_MS = 250;

/** The pool looks for requests that have waited too long at this interval. */
const TICK_MS = 100;

/** A pool and all around it. */
export class World implements Host, Court {
  readonly #clock: SimClock;
  readonly #totals: Totals;
  readonly #pool: Pool;
  readonly #processes: SimProcess[] = [];
  readonly #byPid = new Map<number, SimProcess>();
  readonly #requests: ModelRequest[] = [];
  readonly #accusations: string[] = [];
  readonly #story: string[] | undefined;
  readonly #others = new Set<NodeJS.Timeout>();
  readonly startsProcessPerRequest: boolean;
  readonly #setting: Setting;
  #boots: Boot[];
  #kind: ClientKind;
  #mostQueued: number;
  #mostTarget: number;
  #mostHeld: number;
  #longestWait: number;
  shortestWait: number;
  #stopped: Promise<void> | undefined;
  #settled = false;

  /** @param story - gets a line for all that happens, when given. */
  constructor(clock: SimClock, setting: Setting, totals: Totals, story?: string[]) {
    this.#clock = clock;
    this.#story = story;
    this.#totals = totals;
    this.#setting = setting;
    this.startsProcessPerRequest = setting.config.debug;
    this.#boots = [...setting.boots];
    this.#kind = setting.kind;
    this.#mostQueued = setting.config.max_queue_size;
    this.#mostTarget = Math.max(setting.config.num_workers, setting.config.max_workers);
    this.#mostHeld = setting.config.prefetch;
    this.#longestWait = setting.config.queue_timeout;
    this.shortestWait = setting.config.queue_timeout;
    const spawn = (): Promise<SpawnedProcess> => this.#spawn();
    this.#pool = new Pool({ ...settingsOf(setting.config), name: 'model', logger: this.#logger(), spawn });
  }

  /** Runs a sequence to its end. @throws Error with all accusations. */
  async run(actions: readonly Action[]): Promise<void> {
    try {
      const booted = await this.#boot();
      for (const action of actions) {
        if (!booted) break;
        this.#totals.count(action.type);
        this.tell(() => `-> ${JSON.stringify(action)}`);
        await this.#act(action);
        await this.#clock.settle();
        this.#check();
      }
      await this.#finish(booted);
    } finally {
      this.#totals.note(this.#requests, this.#processes);
    }
  }

  accuse(what: string): void {
    this.tell(() => `ACCUSED: ${what}`);
    this.#accusations.push(`${what}, at ${performance.now()} ms`);
  }

  tell(line: () => string): void {
    this.#story?.push(`${performance.now()} ${line()}`);
  }

  processOf(pid: number): SimProcess {
    return this.#byPid.get(pid) as SimProcess;
  }

  resumeLater(request: ModelRequest, ms: number): void {
    this.#afterwards(ms, () => this.#pool.resume(request));
  }

  /** Time passes for clients and the system as well; their timers are none of the pool's. */
  #afterwards(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#others.delete(timer);
      work();
    }, ms);
    this.#others.add(timer);
  }

  taken(process: SimProcess, id: number, attempt: number): readonly Step[] {
    const request = this.#requests[id] as ModelRequest;
    const { first, later } = SCRIPTS[request.wish.script];
    const steps = request.executions.length + request.handedOn === 0 ? first : later;
    if (steps[0]?.act !== 'stop-wish') request.begun(process, attempt);
    return steps;
  }

  async #boot(): Promise<boolean> {
    let booted: boolean | undefined;
    this.#pool.boot().then(
      () => {
        booted = true;
      },
      (error: unknown) => {
        booted = false;
        this.#expectRrtsError(error);
      },
    );
    const decided = await this.#clock.advanceUntil(() => booted !== undefined, 10, 2000);
    if (!decided) this.accuse('the boot of the pool does not end');
    this.#check();
    return booted === true;
  }

  async #act(action: Action): Promise<void> {
    switch (action.type) {
      case 'nothing':
        return;
      case 'submit':
        this.#submit(action.wish);
        return;
      case 'burst':
        for (let i = 1; i <= action.count; i++) {
          const [post, stalls] = [action.everyPost, action.everyStall].map((every) => every > 0 && i % every === 0);
          this.#submit({ ...QUICK, script: stalls ? 'stalling' : 'quick', post: post === true });
        }
        return;
      case 'cancel': {
        const request = pick(
          this.#requests.filter(({ open }) => open),
          action.which,
        );
        if (request !== undefined) this.#pool.cancel(request);
        return;
      }
      case 'kill':
        pick(this.#alive(), action.which)?.killFromOutside();
        return;
      case 'freeze':
        this.#freeze(pick(this.#alive(), action.which), action.ms);
        return;
      case 'thaw':
        pick(
          this.#alive().filter(({ frozen }) => frozen),
          action.which,
        )?.thaw();
        return;
      case 'boots':
        this.#boots.push(...action.boots);
        return;
      case 'add':
        this.#follow(this.#pool.addWorker());
        return;
      case 'remove':
        this.#pool.removeWorker();
        return;
      case 'reset':
        this.#follow(this.#pool.reset());
        return;
      case 'reconfigure':
        this.#reconfigure(action.config, action.kind);
        return;
      case 'advance':
        await this.#clock.advance(action.ms);
        return;
      case 'stop':
        if (this.#setting.stops) this.#stop(action.graceMs);
    }
  }

  #submit(wish: Wish): ModelRequest {
    const request = new ModelRequest(this.#requests.length, wish, this);
    this.#requests.push(request);
    this.tell(() => `submit ${request.label}`);
    this.#pool.submit(request);
    if (this.#stopped !== undefined && request.error?.code !== 'ERR_POOL_STOPPED') {
      this.accuse(`${request.label} was taken by a pool that stops`);
    }
    return request;
  }

  #reconfigure(config: ModelConfig, kind: ClientKind): void {
    const before = this.#kind;
    this.#kind = kind;
    this.#mostQueued = Math.max(this.#mostQueued, config.max_queue_size);
    this.#mostHeld = Math.max(this.#mostHeld, config.prefetch);
    this.#mostTarget = Math.max(this.#mostTarget, config.max_workers);
    this.#longestWait = Math.max(this.#longestWait, config.queue_timeout);
    this.shortestWait = Math.min(this.shortestWait, config.queue_timeout);
    const done = this.#pool.reconfigure(settingsOf(config));
    this.#follow(done);
    // The old settings are back then, and with them the old code.
    done.catch(() => {
      this.#kind = before;
    });
  }

  #freeze(process: SimProcess | undefined, ms: number): void {
    process?.freeze();
    if (process !== undefined && ms > 0) this.#afterwards(ms, () => process.thaw());
  }

  #stop(graceMs: number): void {
    const stopped = this.#pool.stop(graceMs);
    this.#stopped = stopped;
    stopped.then(
      () => {
        this.#settled = true;
      },
      (error: unknown) => this.accuse(`the stop failed: ${error}`),
    );
  }

  /** What a command promises may fail, as long as it says so properly; that it ends at all is checked at the end. */
  #follow(promise: Promise<void>): void {
    this.#totals.commands++;
    this.#open++;
    promise.then(
      () => {
        this.#open--;
      },
      (error: unknown) => {
        this.#open--;
        this.#expectRrtsError(error);
      },
    );
  }

  /** Commands whose promise has not settled. */
  #open = 0;

  #expectRrtsError(error: unknown): void {
    if (isRrtsError(error) || (error as Error).message.includes('before its first request')) return;
    this.accuse(`no error of ours: ${(error as Error).stack}`);
  }

  async #spawn(): Promise<SpawnedProcess> {
    const boot = this.#boots.shift() ?? HEALTHY;
    const kind = this.#kind;
    if (boot.spawnMs > 0) await new Promise((resolve) => setTimeout(resolve, boot.spawnMs));
    if (boot.fate === 'no-spawn') throw new RrtsError('ERR_WORKER_SPAWN', 'no process today');
    const process = new SimProcess(1000 + this.#processes.length, kind, boot, this);
    this.#processes.push(process);
    this.#byPid.set(process.pid, process);
    return process.spawned;
  }

  #logger(): Logger {
    if (this.#story === undefined) return silentLogger;
    const say = (facts: object, message: string): void => this.tell(() => `pool: ${message} ${JSON.stringify(facts)}`);
    const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
    return logger;
  }

  #alive(): SimProcess[] {
    return this.#processes.filter(({ alive }) => alive);
  }

  /** What holds at every moment. What is given back enters the queue even if it is full: at most all that workers can have. */
  #check(): void {
    const stats = this.#pool.stats();
    this.#mostTarget = Math.max(this.#mostTarget, stats.target);
    for (const request of this.#requests) this.#checkPlace(request);
    const alive = this.#alive();
    const known = new Set(stats.workers.map(({ pid }) => pid));
    for (const { pid } of alive)
      if (!known.has(pid)) this.accuse(`process ${pid} lives, and the pool does not know it`);
    for (const { pid, held } of stats.workers) {
      if (held > this.#mostHeld) this.accuse(`${pid} holds ${held} requests`);
    }
    for (const { pid, reason } of stats.recentExits) {
      if (reason === 'malformed_reply' && !this.processOf(pid).misbehaved)
        this.accuse(`${pid} is killed, and did no wrong`);
    }
    const serving = stats.workers.length - stats.stopping;
    if (serving > 2 * this.#mostTarget) this.accuse(`${serving} workers, ${stats.target} are wanted`);
    const queueLimit = this.#mostQueued + 2 * this.#mostTarget * (this.#mostHeld + 1);
    if (stats.queueLength > queueLimit) this.accuse(`${stats.queueLength} requests wait`);
    if (this.#accusations.length > 0) throw new Error(this.#accusations.join('\n'));
  }

  /** Every request that is owed an end is in the queue or with a worker, and nowhere twice. */
  #checkPlace(request: ModelRequest): void {
    const queued = request.fifoOwner !== undefined;
    const held = request.worker !== undefined;
    request.queuedSince = queued ? (request.queuedSince ?? performance.now()) : undefined;
    const waited = performance.now() - (request.queuedSince ?? Number.POSITIVE_INFINITY);
    if (waited > this.#longestWait + TICK_MS) this.accuse(`${request.label} waits for ${waited} ms`);
    if (!request.open) {
      if (queued) this.accuse(`${request.label} waits after its end`);
    } else if (queued === held && !(this.#setting.config.debug && !queued)) {
      // With pool.debug a request may also wait for its own process to boot.
      this.accuse(`${request.label} is ${queued ? 'in the queue and with a worker' : 'lost'}`);
    } else if (request.worker?.state === 'dead') {
      this.accuse(`${request.label} is with a dead worker`);
    }
  }

  async #finish(booted: boolean): Promise<void> {
    this.#boots = [];
    for (const process of this.#alive()) process.thaw();
    if (booted && this.#stopped === undefined) await this.#recover();
    if (this.#stopped === undefined) this.#stop(500);
    const ended = await this.#clock.advanceUntil(() => this.#settled, 100, 30_000);
    if (!ended) this.accuse('the stop does not end');
    for (const timer of this.#others) clearTimeout(timer);
    for (const request of this.#requests) if (request.open) this.accuse(`${request.label} has no end`);
    for (const { pid } of this.#alive()) this.accuse(`process ${pid} outlives the pool`);
    if (this.#open > 0) this.accuse(`${this.#open} commands have no end`);
    await this.#clock.advance(10); // what the dead still had on its way
    if (this.#clock.timers > 0) this.accuse(`${this.#clock.timers} timers are left`);
    if (this.#accusations.length > 0) throw new Error(this.#accusations.join('\n'));
  }

  /** When nothing goes wrong any more, everything ends, and the pool becomes whole. */
  async #recover(): Promise<void> {
    const idle = (): boolean => this.#requests.every(({ open }) => !open);
    if (!(await this.#clock.advanceUntil(idle, RECOVERY_STEP_MS, RECOVERY_MS))) this.accuse('requests have no end');
    this.#check();
    const whole = (): boolean => {
      const { ready, working, starting, stopping, target } = this.#pool.stats();
      const served = this.#setting.config.debug ? 0 : target;
      return ready === served && working + starting + stopping === 0;
    };
    if (!(await this.#clock.advanceUntil(whole, RECOVERY_STEP_MS, RECOVERY_MS))) {
      this.accuse(`the pool does not become whole: ${JSON.stringify(this.#pool.stats())}`);
    }
    this.#check();
    const probes = Array.from({ length: this.#pool.stats().target }, () => this.#submit(QUICK));
    if (!(await this.#clock.advanceUntil(() => probes.every(({ done }) => done), 10, 1000))) {
      this.accuse(`a whole pool does not serve: ${probes.map(({ error }) => error?.code)}`);
    }
    this.#check();
  }
}

function pick<T>(choices: readonly T[], which: number): T | undefined {
  return choices[which % choices.length];
}

function settingsOf(config: ModelConfig): PoolSettings {
  return {
    mode: 'http',
    sdkCodec: 'json',
    config: camelCased(
      poolSchema,
      poolSchema.parse({ ...config, queue_timeout: `${config.queue_timeout}ms` }),
    ) as PoolConfig,
    server: {
      command: ['php', 'model.php'],
      relay: 'pipes',
      env: {},
      user: undefined,
      group: undefined,
      scheduling: 'batch',
      onInit: undefined,
    },
    version: '0.0.0',
    environment: {},
    cwd: '/',
  };
}
