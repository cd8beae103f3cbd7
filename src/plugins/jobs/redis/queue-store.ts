// One queue in Redis: its keys, and its scripts as methods.

import { messageOf, RrtsError } from '../../../core/errors.ts';
import type { RedisClient } from '../../redis-client/redis-client.ts';
import type { DriverContext, NewJob, PushResult } from '../driver.ts';
import { encodeJob } from '../job-record.ts';
import { COUNT, EXTEND, PUSH, RETURN_ALL, SETTLE, TAKE } from './scripts.ts';

/** Holdings of one call of EXTEND: Redis serves nobody else meanwhile. */
const CHUNK = 1000;

/** A job as Redis gave it out. */
export interface Taken {
  /** By which it is settled. */
  readonly holding: string;
  readonly record: Buffer;
}

/** What one take brought. */
export interface Take {
  readonly jobs: readonly Taken[];
  /** Ready jobs that were left. */
  readonly left: number;
  /** Milliseconds until the next delayed job is due; undefined when there is none. */
  readonly dueInMs: number | undefined;
  /** Leases that had ended: of masters that died, or were cut off for longer than that. */
  readonly ended: number;
  /** Jobs without a record: somebody else has deleted it. */
  readonly missing: number;
}

/** What becomes of a job that was handed over. */
export type Settlement =
  | { readonly kind: 'done'; readonly holding: string; readonly unique: string }
  | {
      readonly kind: 'back';
      readonly holding: string;
      readonly unique: string;
      readonly priority: number;
      readonly delayMs: number;
      readonly record: Buffer;
    }
  /** Not begun: it keeps its place. */
  | { readonly kind: 'unused'; readonly holding: string }
  /** Put aside, for somebody to look at. */
  | { readonly kind: 'unreadable'; readonly holding: string; readonly record: Buffer };

/** What the store needs of its driver's context. */
export type StoreContext = Pick<DriverContext, 'pipeline' | 'key' | 'maxWaiting'>;

/** All methods reject with an RrtsError ERR_JOBS_STORE that names the pipeline, the server and what it said. */
export class QueueStore {
  readonly #client: RedisClient;
  readonly #context: StoreContext;
  readonly #holder: string;
  readonly #keys: Keys;
  /** Where masters tell one another that there is work. */
  readonly channel: string;

  /** @param base - what the names of all keys begin with. @param holder - tells this master from all others: letters and digits. */
  constructor(client: RedisClient, base: string, holder: string, context: StoreContext) {
    this.#client = client;
    this.#context = context;
    this.#holder = holder;
    this.#keys = keysOf(base);
    this.channel = `${base}:wake`;
  }

  /** Whether Redis answered last. */
  get up(): boolean {
    return this.#client.up;
  }

  /** Stores all of them or none. @throws RrtsError ERR_JOBS_FULL */
  async push(jobs: readonly NewJob[]): Promise<PushResult[]> {
    const { ready, delayed, jobs: records, unique, places } = this.#keys;
    const { maxWaiting, pipeline } = this.#context;
    const args: (string | number | Buffer)[] = [maxWaiting, this.channel];
    for (const { job, delayMs } of jobs) {
      args.push(job.priority, Math.ceil(delayMs), job.options.unique ?? '', encodeJob(job));
    }
    const answer = (await this.#run(PUSH, [ready, delayed, records, unique, places], args)) as number[];
    if (answer[0] === -1) {
      throw new RrtsError('ERR_JOBS_FULL', `the pipeline ${pipeline} is full: it may hold ${maxWaiting} jobs`, {
        cure: 'Run its jobs faster, or raise max_waiting.',
      });
    }
    return answer.map((one) => (one === 1 ? 'stored' : 'duplicate'));
  }

  /**
   * Takes up to `count` jobs, each for `leaseMs`.
   * @param take - its number; each has its own, counting up.
   * @param firstLost - number of the first take whose answer did not come: what it took goes back before.
   */
  async take(count: number, leaseMs: number, take: number, firstLost: number | undefined): Promise<Take> {
    const { ready, delayed, reserved, jobs } = this.#keys;
    const args = [count, leaseMs, this.#holder, take, this.channel, firstLost ?? ''];
    const answer = await this.#run(TAKE, [ready, delayed, reserved, jobs], args);
    const [left, due, ended, missing, ...pairs] = answer as [number, number, number, number, ...Buffer[]];
    const taken: Taken[] = [];
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      const holding = `${String(pairs[index])}|${this.#holder}.${take}`;
      taken.push({ holding, record: pairs[index + 1] as Buffer });
    }
    return { jobs: taken, left, dueInMs: due < 0 ? undefined : due, ended, missing };
  }

  /** Those that are not held any more are passed over: to settle twice does no harm. */
  async settle(settlements: readonly Settlement[]): Promise<void> {
    const { ready, delayed, reserved, jobs, unique, places, unreadable } = this.#keys;
    const done: (string | number | Buffer)[] = [];
    const others: (string | number | Buffer)[] = [];
    for (const one of settlements) {
      if (one.kind === 'done') done.push(one.holding, one.unique);
      else if (one.kind === 'back')
        others.push(one.holding, one.unique, one.priority, Math.max(0, Math.ceil(one.delayMs)), one.record);
      else if (one.kind === 'unused') others.push(one.holding, '', 0, 0, '');
      else others.push(one.holding, '', 0, -1, one.record);
    }
    const keys = [ready, delayed, reserved, jobs, unique, places, unreadable];
    await this.#run(SETTLE, keys, [this.channel, done.length / 2, ...done, ...others]);
  }

  /** Prolongs leases. Gives those that are not held any more. */
  async extend(holdings: readonly string[], leaseMs: number): Promise<string[]> {
    const lost: string[] = [];
    for (let begin = 0; begin < holdings.length; begin += CHUNK) {
      const chunk = holdings.slice(begin, begin + CHUNK);
      const answer = (await this.#run(EXTEND, [this.#keys.reserved], [leaseMs, ...chunk])) as number[];
      for (const position of answer) lost.push(chunk[position - 1] ?? '');
    }
    return lost;
  }

  /** All that this master holds goes back to its place. */
  async returnAll(): Promise<void> {
    const { ready, delayed, reserved } = this.#keys;
    await this.#run(RETURN_ALL, [ready, delayed, reserved], [this.#holder, this.channel]);
  }

  /** How many could be handed over, and how many wait for their time. */
  async count(): Promise<{ waiting: number; delayed: number }> {
    const answer = await this.#run(COUNT, [this.#keys.ready, this.#keys.delayed], []);
    const [waiting, delayed] = answer as [number, number];
    return { waiting, delayed };
  }

  /** Removes the queue and all that is in it. */
  async remove(): Promise<void> {
    await this.#guard(this.#client.run((redis) => redis.unlink(...Object.values(this.#keys))));
  }

  #run(
    script: Parameters<RedisClient['script']>[0],
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    return this.#guard(this.#client.script(script, keys, args));
  }

  async #guard<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (thrown) {
      throw storeError(thrown, this.#context);
    }
  }
}

/** What Redis, or its connection, said, as an error of a pipeline. */
export function storeError(thrown: unknown, { pipeline, key }: Pick<StoreContext, 'pipeline' | 'key'>): RrtsError {
  const cure = thrown instanceof RrtsError ? thrown.cure : undefined;
  return new RrtsError('ERR_JOBS_STORE', `the pipeline ${pipeline}: ${messageOf(thrown)}`, {
    place: key,
    cure: cure ?? 'Start that Redis, or correct its address; rrts goes on trying.',
    cause: thrown,
  });
}

type Keys = ReturnType<typeof keysOf>;

function keysOf(base: string) {
  return {
    ready: `${base}:ready`,
    delayed: `${base}:delayed`,
    reserved: `${base}:reserved`,
    jobs: `${base}:jobs`,
    unique: `${base}:unique`,
    places: `${base}:places`,
    unreadable: `${base}:unreadable`,
  };
}
