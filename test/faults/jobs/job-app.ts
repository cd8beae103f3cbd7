// A server that runs jobs, with PHP workers that note every run, and a way to push and to ask.

import { appendFileSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { freePort } from '../../helpers/free-port.ts';
import type { JobStore } from '../../helpers/job-drivers.ts';
import { ROOT } from '../../helpers/paths.ts';
import type { ProcessEntry } from '../../helpers/processes.ts';
import { type ConfigTree, mergeConfig, type ServerProcess, startServer } from '../../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { RpcClient } from '../../plugins/rpc/rpc-client.ts';

/** What a test wants beside its store. */
export interface JobAppWish {
  /** Keys of the pipeline `work`: `retry`, `timeout` ... */
  readonly pipeline?: ConfigTree;
  /** Keys added to `config` of `work`. */
  readonly config?: ConfigTree;
  /** Added to the environment of the server. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Further pipelines. */
  readonly pipelines?: ConfigTree;
  /** Further keys of `jobs`. */
  readonly jobs?: ConfigTree;
  readonly workers?: number;
  /** Default: `work`, and what dies there goes to `dead`. */
  readonly consume?: readonly string[];
  /** The folder with the notes of the workers; default a new one, which goes with the test. */
  readonly dir?: TempDir;
}

/** What the workers have noted. */
export interface Notes {
  /** Runs begun, by job id. */
  readonly begun: ReadonlyMap<string, number>;
  /** Runs that came to their end. */
  readonly ended: ReadonlyMap<string, number>;
  /** Ids in the order in which their runs began. */
  readonly order: readonly string[];
  /** Process ids of those that began runs. */
  readonly pids: ReadonlySet<number>;
  /** Who began the runs of each job, in their order. */
  readonly runners: ReadonlyMap<string, readonly number[]>;
}

/** A job as `jobs.Send` takes it. */
export type SentJob = Readonly<Record<string, unknown>>;

/** One pipeline as `jobs.Overview` has it. */
export interface Overview {
  readonly pipelines: readonly Readonly<Record<string, string | number>>[];
  readonly running: readonly Readonly<Record<string, string | number>>[];
}

/** The server. Its pipelines are `work` and `dead`. */
export class JobApp {
  readonly server: ServerProcess;
  readonly dir: TempDir;
  readonly #client: RpcClient;

  constructor(server: ServerProcess, dir: TempDir, client: RpcClient) {
    this.server = server;
    this.dir = dir;
    this.#client = client;
  }

  workers(): ProcessEntry[] {
    return this.server.workers();
  }

  call<T>(method: string, argument: unknown): Promise<T> {
    return this.#client.call<T>(method, argument);
  }

  /** Pushes to `work`, or to another pipeline. Settles when they are stored. */
  async send(jobs: readonly SentJob[], pipeline = 'work'): Promise<(string | null)[]> {
    return (await this.call<{ ids: (string | null)[] }>('jobs.Send', { pipeline, jobs })).ids;
  }

  /** Pushes `count` jobs, in batches, with the ids `PREFIX-0` and so on. */
  async sendMany(count: number, name: string, prefix = 'job', batch = 500): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    for (let at = 0; at < count; at += batch) {
      await this.send(ids.slice(at, at + batch).map((id) => ({ id, job: name })));
    }
    return ids;
  }

  /** The numbers of one pipeline. */
  async pipeline(name = 'work'): Promise<Readonly<Record<string, string | number>>> {
    const { pipelines } = await this.call<Overview>('jobs.Overview', {});
    return pipelines.find((one) => one['pipeline'] === name) ?? {};
  }

  /** Waits until a pipeline has nothing left, delayed or running. */
  async empty(name = 'work', ms = 60_000): Promise<void> {
    let last: unknown;
    const look = async () => {
      const numbers = await this.pipeline(name);
      last = numbers;
      return numbers['waiting'] === 0 && numbers['delayed'] === 0 && numbers['running'] === 0;
    };
    await eventually(look, `an empty pipeline ${name}`, ms).catch((error) => {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}\n${this.server.logs.tail()}`);
    });
  }

  /** Waits until so many jobs wait: a dead letter is stored a moment after its last run. */
  async waiting(count: number, name = 'work', ms = 20_000): Promise<void> {
    const look = async () => (await this.pipeline(name))['waiting'] === count;
    await eventually(look, `${count} jobs in the pipeline ${name}`, ms).catch(async (error) => {
      throw new Error(`${String(error)}: ${JSON.stringify(await this.pipeline(name))}\n${this.server.logs.tail()}`);
    });
  }

  /** Waits until `count` different jobs have come to their end. */
  async ended(count: number, ms = 60_000): Promise<Notes> {
    await eventually(() => readNotes(this.dir).ended.size >= count, `${count} jobs at their end`, ms).catch((error) => {
      throw new Error(`${String(error)}, but ${readNotes(this.dir).ended.size}\n${this.server.logs.tail()}`);
    });
    return readNotes(this.dir);
  }

  get notes(): Notes {
    return readNotes(this.dir);
  }

  /** Stops it in order. */
  async stop(ms = 15_000): Promise<void> {
    this.#client.close();
    await this.server.stop(ms);
  }

  /** kill -9 of the master. Its workers end by themselves. */
  async kill(): Promise<void> {
    this.server.child.kill('SIGKILL');
    this.#client.close();
    await within(this.server.ended, 10_000, 'the end of a killed server');
  }
}

/** Starts a server on a store. It is discarded with the test, if it has not been stopped before. */
export async function startJobApp(t: TestContext, store: JobStore, wish: JobAppWish = {}): Promise<JobApp> {
  const dir = wish.dir ?? makeTempDir('jobs');
  if (wish.dir === undefined) t.after(() => dir.remove());
  appendFileSync(dir.file('ran.txt'), '');
  const port = await freePort();
  const server = await startServer({
    command: ['php', `${ROOT}/test/fixtures/php/native/jobs.php`],
    environment: { RRTS_TEST_RAN: dir.file('ran.txt'), ...wish.environment },
    config: {
      http: null,
      rpc: { listen: `tcp://127.0.0.1:${port}` },
      logs: { level: 'info', encoding: 'json' },
      jobs: {
        consume: wish.consume ?? ['work'],
        pool: { num_workers: wish.workers ?? 2 },
        ...wish.jobs,
        pipelines: {
          work: {
            dead_letter: 'dead',
            retry: { delay: '50ms' },
            ...mergeConfig(store.pipeline('work'), { config: wish.config ?? {} }),
            ...wish.pipeline,
          },
          dead: store.pipeline('dead'),
          ...wish.pipelines,
        },
      },
    },
  });
  t.after(() => server.discard());
  const client = new RpcClient({ port, host: '127.0.0.1' });
  t.after(() => client.close());
  return new JobApp(server, dir, client);
}

/** Reads the notes of a folder. */
export function readNotes(dir: TempDir): Notes {
  const begun = new Map<string, number>();
  const ended = new Map<string, number>();
  const order: string[] = [];
  const pids = new Set<number>();
  const runners = new Map<string, number[]>();
  for (const line of readFileSync(dir.file('ran.txt'), 'utf8').split('\n').slice(0, -1)) {
    const [what, id = '', , pid] = line.split(' ');
    const counts = what === 'begin' ? begun : ended;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    if (what !== 'begin') continue;
    order.push(id);
    pids.add(Number(pid));
    runners.set(id, [...(runners.get(id) ?? []), Number(pid)]);
  }
  return { begun, ended, order, pids, runners };
}
