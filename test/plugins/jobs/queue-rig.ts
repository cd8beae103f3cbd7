// Pipelines with stores and workers that do what a test says, step by step: for what happens between two steps.

import { RrtsError } from '../../../src/core/errors.ts';
import { parsePipeline } from '../../../src/plugins/jobs/config.ts';
import type {
  Delivery,
  Driver,
  DriverContext,
  DriverStats,
  DriverType,
  NewJob,
  PushResult,
} from '../../../src/plugins/jobs/driver.ts';
import type { Job } from '../../../src/plugins/jobs/job.ts';
import type { JobRun } from '../../../src/plugins/jobs/job-run.ts';
import { MemoryDriver } from '../../../src/plugins/jobs/memory/memory-driver.ts';
import type { Pipeline } from '../../../src/plugins/jobs/pipeline.ts';
import { Pipelines } from '../../../src/plugins/jobs/pipelines.ts';
import { Runner, type RunnerPool } from '../../../src/plugins/jobs/runner.ts';
import type { PoolRequest } from '../../../src/pool/request.ts';
import { KeptLog } from '../../server/fake-plugins.ts';

/** What the stores of a rig were asked, in order: `push a`, `stored a`, `ack a-1`, `release a-1`, `stop a` ... */
export type Events = string[];

/** A queue of this name starts when it is healed. */
export const SLOW_TO_START = 'slow';

/** A queue in memory whose pushes can be held, and which refuses everything once it is stopped. */
export class StubQueue implements Driver {
  readonly context: DriverContext;
  readonly #name: string;
  readonly #events: Events;
  readonly #inner: MemoryDriver;
  #held: Promise<void> | undefined;
  #open: () => void = () => undefined;
  /** What `destroy` and pushes fail with. */
  fault: RrtsError | undefined;
  #stopped = false;
  #skippedMs = 0;

  constructor(context: DriverContext, events: Events) {
    this.context = context;
    this.#name = context.pipeline;
    this.#events = events;
    const deliver = (delivery: Delivery): void => context.deliver(this.#watched(delivery));
    this.#inner = new MemoryDriver({ ...context, deliver, now: () => context.now() + this.#skippedMs }, 1e9);
  }

  /** Pushes wait from now on, until {@link heal}. */
  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  heal(): void {
    this.#open();
    this.#held = undefined;
  }

  async start(): Promise<void> {
    this.#events.push(`start ${this.#name}`);
    if (this.#name === SLOW_TO_START) this.hold();
    await this.#held;
  }

  async push(jobs: readonly NewJob[]): Promise<readonly PushResult[]> {
    this.#events.push(`push ${this.#name}`);
    await this.#held;
    if (this.fault !== undefined) throw this.fault;
    if (this.#stopped) throw new RrtsError('ERR_JOBS_STORE', 'the stub is stopped');
    const results = await this.#inner.push(jobs);
    this.#events.push(`stored ${this.#name}`);
    return results;
  }

  resume(): void {
    this.#inner.resume();
  }

  pause(): void {
    this.#inner.pause();
  }

  stats(): Promise<DriverStats> {
    return this.#inner.stats();
  }

  async destroy(): Promise<void> {
    this.#events.push(`destroy ${this.#name}`);
    if (this.fault !== undefined) throw this.fault;
    await this.#inner.destroy();
  }

  async stop(): Promise<void> {
    this.#events.push(`stop ${this.#name}`);
    this.#stopped = true;
    await this.#inner.stop();
  }

  /** So much time passes in a queue that is consumed. */
  skip(ms: number): void {
    this.#skippedMs += ms;
    this.#inner.resume();
  }

  /** All that is in it. */
  async jobs(): Promise<number> {
    const { waiting, delayed, reserved } = await this.stats();
    return waiting + delayed + reserved;
  }

  #watched(delivery: Delivery): Delivery {
    const note = (what: string): void => {
      this.#events.push(`${what} ${delivery.job.id}${this.#stopped ? ', too late' : ''}`);
    };
    return {
      job: delivery.job,
      ack: () => {
        note('ack');
        delivery.ack();
      },
      release: (job, delayMs) => {
        note('release');
        delivery.release(job, delayMs);
      },
    };
  }
}

/** Workers that run what a test lets them run. */
export class StubPool implements RunnerPool {
  /** What was submitted and has not ended, in order. */
  readonly runs: JobRun[] = [];
  target = 1;

  submit(request: PoolRequest): void {
    this.runs.push(request as JobRun);
  }

  cancel(request: PoolRequest): void {
    request.cancelled = true;
    this.#take(request as JobRun);
  }

  /** A worker has it. */
  begin(id: string): void {
    this.#run(id).worker = {} as PoolRequest['worker'];
  }

  done(id: string): void {
    this.#take(this.#run(id)).onDone();
  }

  fail(id: string): void {
    this.#take(this.#run(id)).onFailure(new RrtsError('ERR_WORKER_ERROR', 'as it was told'));
  }

  /** A native worker has answered. */
  answer(id: string, reply: object): void {
    const run = this.#take(this.#run(id));
    run.encode('native-json');
    run.onReply(Buffer.from(JSON.stringify(reply)), Buffer.alloc(0), 0, true);
    run.onDone();
  }

  /** The end of the grace. */
  cut(id: string): void {
    this.#take(this.#run(id)).onFailure(new RrtsError('ERR_POOL_STOPPED', 'cut'));
  }

  #run(id: string): JobRun {
    const run = this.runs.find((one) => one.id === id);
    if (run === undefined) throw new Error(`${id} does not run, but ${this.runs.map((one) => one.id).join(' ')}`);
    return run;
  }

  #take(run: JobRun): JobRun {
    this.runs.splice(this.runs.indexOf(run), 1);
    return run;
  }
}

/** What a rig is made of. */
export class QueueRig {
  readonly events: Events = [];
  readonly log = new KeptLog();
  readonly pool = new StubPool();
  readonly runner: Runner;
  readonly pipelines: Pipelines;
  readonly #queues = new Map<string, StubQueue>();

  constructor(workers = 10) {
    this.runner = new Runner(this.pool, { workers, prefetch: 0, timeoutMs: 0 });
    const type: DriverType = {
      name: 'stub',
      prefetch: 100,
      shape: {},
      ignored: [],
      create: (_settings, _section, context) => {
        const queue = new StubQueue(context, this.events);
        this.#queues.set(context.pipeline, queue);
        return queue;
      },
    };
    this.pipelines = new Pipelines({
      logger: this.log,
      directory: '/tmp',
      pipelineSize: 1000,
      runner: () => this.runner,
      section: () => undefined,
      now: Date.now,
      findDriver: () => type,
    });
  }

  /** Adds a pipeline; `section` is as in a file. */
  async add(name: string, section: object = {}): Promise<Pipeline> {
    const config = parsePipeline({ driver: 'memory', ...section });
    if (typeof config === 'string') throw new Error(config);
    return await this.pipelines.add(name, config, false);
  }

  queue(name: string): StubQueue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new Error(`no queue ${name}`);
    return queue;
  }

  /** Pushes one job and runs it: a worker has it. */
  async running(pipeline: string, job: Job): Promise<void> {
    await this.pipelines.get(pipeline).push([{ job, delayMs: 0 }]);
    this.pool.begin(job.id);
  }
}
