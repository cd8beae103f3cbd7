// Runs the jobs of one pool: what the pipelines hand over waits here, by priority, until a worker is near.

import { RrtsError } from '../../core/errors.ts';
import { Heap } from '../../core/heap.ts';
import type { Pool } from '../../pool/pool.ts';
import type { Delivery } from './driver.ts';
import type { Job } from './job.ts';
import { type DeliveryOwner, JobRun, type RunOwner, type RunPlace, type RunResult } from './job-run.ts';

/** Jobs below this running average, in milliseconds, are sent ahead to workers: a round trip would cost more than the job. */
const QUICK_MS = 5;
/** Weight of the newest run in the average. */
const AVERAGE_WEIGHT = 0.1;
/** After a pool has given a job back unrun, nothing is tried for so long. */
const REST_MS = 1000;

/** The part of a pool that a runner uses. */
export type RunnerPool = Pick<Pool, 'submit' | 'cancel' | 'target'>;

/** How many jobs a pool takes at once. */
export interface RunnerLimits {
  /** Workers at most, unless somebody adds more by hand. */
  readonly workers: number;
  /** Jobs that a worker may hold beside the one it runs. */
  readonly prefetch: number;
  /** `exec_ttl` in milliseconds. */
  readonly timeoutMs: number;
}

interface Waiting {
  readonly delivery: Delivery;
  readonly owner: DeliveryOwner;
  readonly priority: number;
  readonly sequence: number;
}

/** The runner of one pool. */
export class Runner implements RunOwner {
  #limits: RunnerLimits;
  readonly #pool: RunnerPool;
  readonly #waiting = new Heap<Waiting>((a, b) =>
    a.priority === b.priority ? a.sequence < b.sequence : a.priority < b.priority,
  );
  readonly #running = new Set<JobRun>();
  #sequence = 0;
  /** Running average of the time of a run in milliseconds; none yet. */
  #averageMs = Number.POSITIVE_INFINITY;
  #rest: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(pool: RunnerPool, limits: RunnerLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  /** Can change at any time: what waits for a worker may have one at once. */
  set limits(limits: RunnerLimits) {
    this.#limits = limits;
    this.#fill();
  }

  /** The runs that a worker has, or is about to have. */
  get running(): ReadonlySet<JobRun> {
    return this.#running;
  }

  /** How many jobs of an owner wait here. */
  waitingOf(owner: DeliveryOwner): number {
    return this.#waiting.count((one) => one.owner === owner);
  }

  /** Takes a job that a pipeline was handed. */
  offer(delivery: Delivery, owner: DeliveryOwner): void {
    if (this.#stopping) {
      delivery.release(delivery.job, 0);
      return;
    }
    this.#waiting.push({ delivery, owner, priority: delivery.job.priority, sequence: this.#sequence++ });
    this.#fill();
  }

  /** Runs a job that no pipeline has, before all that wait. Settles with what became of it; `signal` gives it up: `not_run`. */
  run(job: Job, place: RunPlace, signal: AbortSignal): Promise<RunResult> {
    return new Promise((resolve) => {
      if (this.#stopping || signal.aborted) return resolve({ kind: 'not_run', error: givenUp() });
      const run = new JobRun(job, place, this.#limits.timeoutMs, this, {
        resolve: (result) => {
          signal.removeEventListener('abort', abort);
          resolve(result);
        },
      });
      const abort = (): void => {
        this.#pool.cancel(run);
        this.#running.delete(run);
        this.#fill();
        resolve({ kind: 'not_run', error: givenUp() });
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#begin(run);
    });
  }

  /** Gives back all that an owner was handed and no worker has. */
  withdraw(owner: DeliveryOwner): void {
    this.#giveBack((one) => one === owner);
    this.#fill();
  }

  /** Takes nothing more and gives back what no worker has. What runs goes on. */
  stop(): void {
    this.#stopping = true;
    clearTimeout(this.#rest);
    this.#giveBack(() => true);
  }

  runEnded(run: JobRun, result: RunResult): void {
    this.#running.delete(run);
    if (result.kind === 'not_run') this.#pause();
    else this.#learn(performance.now() - run.startedAt);
    const { source } = run;
    if ('owner' in source) source.owner.delivered(run, source.delivery, result);
    else source.resolve(result);
    this.#fill();
  }

  #giveBack(wanted: (owner: DeliveryOwner) => boolean): void {
    // From the last to the first: a queue may put each back at its head.
    const taken = this.#waiting.removeAll(({ owner }) => wanted(owner));
    taken.sort((a, b) => b.sequence - a.sequence);
    for (const { delivery } of taken) delivery.release(delivery.job, 0);
    for (const run of [...this.#running].reverse()) {
      const { source } = run;
      if (run.worker !== undefined || !('owner' in source) || !wanted(source.owner)) continue;
      this.#pool.cancel(run);
      this.#running.delete(run);
      source.owner.delivered(run, source.delivery, { kind: 'not_run', error: givenUp() });
    }
  }

  #begin(run: JobRun): void {
    this.#running.add(run);
    this.#pool.submit(run);
  }

  /** Gives the pool as much as its workers can begin soon: what waits here is still in order of priority, and can be given back. */
  #fill(): void {
    while (this.#running.size < this.#room() && this.#rest === undefined && !this.#stopping) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { delivery, owner } = next;
      if (delivery.job.options.autoAck === true) delivery.ack();
      this.#begin(new JobRun(delivery.job, owner, this.#limits.timeoutMs, this, next));
    }
  }

  /** One more than there are workers: a pool that scales does so while something waits for it. */
  #room(): number {
    const { prefetch } = this.#limits;
    const workers = Math.max(this.#limits.workers, this.#pool.target);
    return this.#averageMs < QUICK_MS ? workers * (1 + prefetch) + 1 : workers + 1;
  }

  #learn(ms: number): void {
    if (this.#averageMs === Number.POSITIVE_INFINITY) this.#averageMs = ms;
    else this.#averageMs += (ms - this.#averageMs) * AVERAGE_WEIGHT;
  }

  /** The pool cannot run anything now: without a rest its refusals would go round and round. */
  #pause(): void {
    if (this.#stopping) return;
    this.#rest ??= setTimeout(() => {
      this.#rest = undefined;
      this.#fill();
    }, REST_MS);
  }
}

function givenUp(): RrtsError {
  return new RrtsError('ERR_RPC_CANCELLED', 'the run was given up');
}
