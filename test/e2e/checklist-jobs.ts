// RoadRunner's checklist of its queues (roadrunner.md 6.5), for any PHP client and worker that speak them, and for any driver.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import type { JobDriver, JobStore } from '../helpers/job-drivers.ts';
import { exists } from '../helpers/paths.ts';
import { type ConfigTree, mergeConfig, type ServerProcess, startServer } from '../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import type { ServicesClient, ServicesSpeaker } from './services-client.ts';

/** A client as {@link ServicesSpeaker}; its `command` is the worker. */
export interface JobsSpeaker extends ServicesSpeaker {
  readonly command: readonly string[];
  /** Whether the worker can answer with any bytes, as `JobScript` asks. */
  readonly anyReply: boolean;
  /** How clients are told of the error of an unknown pipeline. */
  readonly unknownPipeline: RegExp;
}

/** A run, as the worker has written it down. */
interface Run {
  readonly id: string;
  readonly name: string;
  readonly pipeline: string;
  readonly queue: string;
  readonly driver: string;
  readonly payload: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Milliseconds since 1970. */
  readonly began: number;
  readonly ended: number;
}

/** What RoadRunner's package is told of a pipeline; without the fields that are 0 or false. */
interface Stat {
  readonly pipeline: string;
  readonly driver: string;
  readonly queue: string;
  readonly priority?: string | number;
  readonly active?: string | number;
  readonly delayed?: string | number;
  readonly reserved?: string | number;
  readonly ready?: boolean;
}

/** What a check works with. */
interface Rig extends Pages {
  readonly client: ServicesClient;
  readonly driver: JobDriver;
  readonly speaker: JobsSpeaker;
  /** Names of its pipelines: one that is consumed, one that is not, and the dead letters of both. */
  readonly main: string;
  readonly side: string;
  readonly dead: string;
  /** Name of a further pipeline. */
  readonly other: string;
  /** Name of the queue of a pipeline. */
  queueOf(pipeline: string): string;
  /** Settings that a declaration of `other` needs. */
  readonly declaration: Readonly<Record<string, unknown>>;
  push(queue: string, script: object, more?: object): Promise<string>;
  /** The runs, as soon as there are so many. */
  runs(count: number, ms?: number): Promise<readonly Run[]>;
  /** How many runs there have been. */
  count(): number;
  stat(queue: string): Promise<Stat>;
  /** Waits for so many jobs in a pipeline that is not consumed. */
  holds(queue: string, count: number): Promise<void>;
}

/** What the server tells beside RPC. */
interface Pages {
  /** The body of `/jobs` of the status plugin. */
  states(): Promise<readonly Record<string, unknown>[]>;
  /** The text of `/metrics`. */
  scrape(): Promise<string>;
}

interface Check {
  readonly what: string;
  /** Put over the pipeline that is consumed. */
  readonly config?: ConfigTree;
  readonly needs?: 'priority' | 'delayed stats' | 'any reply';
  run(rig: Rig): Promise<void>;
}

const CHECKS: readonly Check[] = [
  { what: 'push, batch, headers and what the worker is told', run: checkPush },
  { what: 'lower priorities first', needs: 'priority', run: checkPriority },
  { what: 'delay', run: checkDelay },
  { what: 'pause, resume and stat', run: checkPause },
  { what: 'list, declare and destroy', run: checkDeclare },
  { what: 'unknown pipelines, pushes that are refused', run: checkErrors },
  { what: 'failed, requeued and lost workers', run: checkReplies },
  { what: 'replies by type number, and bad ones', needs: 'any reply', run: checkTypes },
  { what: 'auto_ack', run: checkAutoAck },
  { what: 'metrics, the probe /jobs and informer.Jobs', run: checkPages },
  { what: 'prefetch', config: { pool: 'pair', config: { prefetch: 1 } }, run: checkPrefetch },
];

/** What a driver is called by RoadRunner's package, what it cannot do, and what a pipeline of it that is declared needs. */
interface Facts {
  readonly clientName?: string;
  readonly lacks?: readonly string[];
  /** Sections of the configuration's root, where RoadRunner has what is not in a declaration. @param config - of a pipeline in the file. */
  root?(config: ConfigTree): ConfigTree;
  /** Arguments of the package's class for it. @param dir - folder for files. */
  declare?(config: ConfigTree, dir: string): Readonly<Record<string, unknown>>;
}

const FACTS: Readonly<Record<string, Facts>> = {
  local: { clientName: 'boltdb', declare: (_config, dir) => ({ file: `${dir}/declared.db` }) },
  redis: { root: ({ addrs, lease }) => ({ redis: { addrs, lease } }) },
  amqp: { root: ({ addr }) => ({ amqp: { addr } }), declare: ({ queue }) => ({ queue }) },
};

function factsOf({ name }: JobDriver): Facts {
  return FACTS[name] ?? {};
}

function nameOf(driver: JobDriver): string {
  return factsOf(driver).clientName ?? driver.name;
}

/** Runs the checklist for one driver, with one server: each check has pipelines of its own. */
export function checkJobs(speaker: JobsSpeaker, driver: JobDriver): void {
  test(`6.5 jobs: ${speaker.name}, driver ${driver.name}`, async (t) => {
    const reason = await speaker.prepare();
    if (reason !== undefined) return t.skip(reason);
    const dir = makeTempDir('jobs');
    t.after(() => dir.remove());
    const store = await driver.start(t, dir.path);
    const started = { ...(await start(t, { speaker, driver, store, dir })), speaker, driver, store, dir };
    for (const [index, check] of CHECKS.entries()) {
      if (check.needs === 'any reply' && !speaker.anyReply) continue;
      if (factsOf(driver).lacks?.includes(check.needs ?? '') === true) {
        t.diagnostic(`${driver.name} has no ${check.needs}: ${check.what}`);
        continue;
      }
      await t.test(check.what, () => check.run(rigOf(started, index)));
    }
    t.diagnostic(`${readRuns(dir.file('runs')).length} runs of jobs`);
    await started.server.stop();
  });
}

interface Wish extends Pick<Rig, 'driver' | 'speaker'> {
  readonly store: JobStore;
  readonly dir: TempDir;
}

interface Started extends Wish, Pick<Rig, 'client'> {
  readonly server: ServerProcess;
  readonly metricsPort: number;
}

async function start(
  t: TestContext,
  { speaker, driver, store, dir }: Wish,
): Promise<Pick<Started, 'client' | 'server' | 'metricsPort'>> {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const metricsPort = await freePort();
  const pipelines: Record<string, ConfigTree> = {};
  for (const [index, { config }] of CHECKS.entries()) {
    const { main, side, dead } = namesOf(index);
    const rules = { dead_letter: dead, retry: { max_attempts: 2, delay: '50ms', jitter: 0 }, config: { priority: 7 } };
    pipelines[main] = mergeConfig(mergeConfig(store.pipeline(main), rules), config ?? {});
    pipelines[side] = mergeConfig(store.pipeline(side), rules);
    pipelines[dead] = store.pipeline(dead);
  }
  const server = await startServer({
    command: speaker.command,
    environment: { JOB_RECORD: dir.file('runs') },
    config: {
      ...factsOf(driver).root?.(configOf(store, 'any')),
      http: null,
      rpc: { listen: address },
      metrics: { address: `127.0.0.1:${metricsPort}` },
      jobs: {
        consume: CHECKS.map((_, index) => namesOf(index).main),
        pool: { num_workers: 1 },
        pools: { pair: { num_workers: 2 } },
        pipelines,
      },
    },
  });
  t.after(() => server.discard());
  return { server, metricsPort, client: speaker.connect(t, server, address) };
}

function configOf(store: JobStore, pipeline: string): ConfigTree {
  return (store.pipeline(pipeline)['config'] ?? {}) as ConfigTree;
}

function namesOf(index: number): Pick<Rig, 'main' | 'side' | 'dead' | 'other'> {
  return { main: `main-${index}`, side: `side-${index}`, dead: `dead-${index}`, other: `other-${index}` };
}

function rigOf({ server, client, dir, driver, speaker, store, metricsPort }: Started, index: number): Rig {
  const names = namesOf(index);
  const own: readonly string[] = Object.values(names);
  const seen = (): Run[] => readRuns(dir.file('runs')).filter(({ pipeline }) => own.includes(pipeline));
  const stat = (queue: string): Promise<Stat> => client.call<Stat>('jobs.stat', queue);
  return {
    ...names,
    client,
    driver,
    speaker,
    stat,
    queueOf: (pipeline) => String(configOf(store, pipeline)['queue'] ?? pipeline),
    declaration: factsOf(driver).declare?.(configOf(store, names.other), dir.path) ?? {},
    states: async () =>
      (await fetch(`http://127.0.0.1:${server.statusPort}/jobs`)).json() as ReturnType<Pages['states']>,
    scrape: async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
    push: (queue, script, more = {}) => client.call('jobs.push', queue, 'App\\Test', JSON.stringify(script), more),
    runs: (count, ms = 10_000) =>
      eventually(() => (seen().length >= count ? seen() : undefined), `${count} runs`, ms).catch((error) => {
        throw new assert.AssertionError({ message: `${error}; seen ${seen().length}\n${server.logs.tail()}` });
      }),
    count: () => seen().length,
    holds: async (queue, count) => {
      await eventually(
        async () => Number((await stat(queue)).active ?? 0) === count,
        `${count} jobs in ${queue}`,
        10_000,
      );
    },
  };
}

function readRuns(file: string): Run[] {
  if (!exists(file)) return [];
  // A line that is being written has no end yet.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Run);
}

async function checkPush({ client, driver, main, queueOf, push, runs, count }: Rig): Promise<void> {
  const headers = { 'x-tenant': ['a', 'b'], 'x-trace': ['1'] };
  const id = await push(main, { text: 'café' }, { headers });
  const [run] = await runs(1);
  assert.equal(run?.id, id);
  assert.equal(run.name, 'App\\Test');
  assert.equal(run.pipeline, main);
  assert.equal(run.queue, queueOf(main));
  assert.equal(run.driver, nameOf(driver));
  assert.equal(run.payload, JSON.stringify({ text: 'café' }));
  assert.deepEqual({ ...run.headers }, headers);

  const batch = Array.from({ length: 50 }, (_, number) => [`job ${number}`, '', {}]);
  const ids = await client.call<string[]>('jobs.batch', main, batch);
  assert.equal(new Set(ids).size, 50);
  const all = await runs(51);
  assert.deepEqual(new Set(all.slice(1).map((one) => one.id)), new Set(ids));
  // Each was acknowledged, or it would come again: the jobs of one pipeline come in order, so another one tells.
  await push(main, {});
  await runs(52);
  assert.equal(count(), 52);
}

async function checkPriority({ client, main, push, runs }: Rig): Promise<void> {
  await client.call('jobs.pause', main);
  for (const priority of [9, 3, 0, 5, 3]) await push(main, { priority }, { priority });
  await client.call('jobs.resume', main);
  const order = (await runs(5)).map(({ payload }) => JSON.parse(payload).priority);
  // 0 is "as the pipeline says": 7.
  assert.deepEqual(order, [3, 3, 5, 0, 9]);
}

async function checkDelay({ driver, main, push, runs, stat }: Rig): Promise<void> {
  const pushed = Date.now();
  await push(main, { late: true }, { delay: 1 });
  if (factsOf(driver).lacks?.includes('delayed stats') !== true) assert.equal(Number((await stat(main)).delayed), 1);
  await push(main, { late: false });
  const order = await runs(2);
  assert.deepEqual(
    order.map(({ payload }) => JSON.parse(payload).late),
    [false, true],
  );
  const waited = (order[1]?.began ?? 0) - pushed;
  assert.ok(waited >= 950, `a delay of 1 s took ${waited} ms`);
  assert.equal(Number((await stat(main)).delayed ?? 0), 0);
}

async function checkPause({ client, driver, main, side, queueOf, push, runs, stat, holds, count }: Rig): Promise<void> {
  assert.deepEqual([await client.call('jobs.paused', main), await client.call('jobs.paused', side)], [false, true]);
  const about = await stat(main);
  assert.deepEqual([about.pipeline, about.queue, about.ready], [main, queueOf(main), true]);
  assert.equal(about.driver, nameOf(driver));
  assert.equal(Number(about.priority), 7);

  await client.call('jobs.pause', main);
  assert.equal(await client.call('jobs.paused', main), true);
  for (let number = 0; number < 3; number++) await push(main, { number });
  await holds(main, 3);
  // One that is not consumed is a store.
  await push(side, { side: true });
  await holds(side, 1);
  assert.equal(count(), 0);
  await client.call('jobs.resume', main, side);
  await runs(4);
  await client.call('jobs.pause', main, side);

  await client.call('jobs.resume', main);
  await push(main, { ms: 700 });
  await eventually(async () => Number((await stat(main)).reserved ?? 0) === 1, 'a job that runs is reserved');
  // A pipeline that is paused lets finish what runs.
  await client.call('jobs.pause', main);
  await runs(5);
}

async function checkDeclare({
  client,
  driver,
  declaration: settings,
  main,
  side,
  dead,
  other,
  push,
  runs,
  holds,
}: Rig): Promise<void> {
  const list = async () => (await client.call<string[]>('jobs.list')).sort();
  const before = await list();
  for (const name of [main, side, dead]) assert.ok(before.includes(name), name);
  assert.equal(await client.call('jobs.count'), before.length);
  const type = nameOf(driver);
  assert.equal(await client.call('jobs.declare', type, other, { ...settings, priority: 4 }), other);
  assert.deepEqual(await list(), [...before, other].sort());
  await assert.rejects(client.call('jobs.declare', type, other, settings), new RegExp(`${other} already`));
  // It is consumed when somebody says so.
  assert.equal(await client.call('jobs.paused', other), true);
  await push(other, { declared: true });
  await holds(other, 1);
  await client.call('jobs.resume', other);
  const [run] = await runs(1);
  assert.equal(run?.pipeline, other);
  assert.deepEqual(await client.call('jobs.destroy', other), [other]);
  assert.deepEqual(await list(), before);
  await assert.rejects(push(other, {}), new RegExp(`no such pipeline: "${other}"`));
  // Its jobs went with it.
  await client.call('jobs.declare', type, other, settings);
  await holds(other, 0);
  await client.call('jobs.destroy', other);
}

async function checkErrors({ client, speaker, main, push, count }: Rig): Promise<void> {
  for (const call of [
    push('nowhere', {}),
    client.call('jobs.batch', 'nowhere', [['App\\Test', '', {}]]),
    client.call('jobs.pause', 'nowhere'),
    client.call('jobs.resume', main, 'nowhere'),
    client.call('jobs.destroy', 'nowhere'),
  ]) {
    await assert.rejects(call, speaker.unknownPipeline);
  }
  assert.equal(await client.call('jobs.stat', 'nowhere'), null);
  await assert.rejects(client.call('jobs.declare', 'kafka', 'new'), /no such driver: "kafka"/);
  await assert.rejects(client.call('jobs.push', main, '', '{}'), /has no name/);
  const large = 'x'.repeat(11 * 1024 ** 2);
  await assert.rejects(client.call('jobs.push', main, 'App\\Test', large), /payload has 11534336 bytes.+max_payload/);
  await push(main, {});
  assert.ok(count() <= 1, 'nothing else was stored');
}

async function checkReplies({ client, main, dead, push, runs, holds }: Rig): Promise<void> {
  const failed = await push(main, { reply: 'fail', message: 'no such customer' }, { headers: { 'x-tenant': ['a'] } });
  await holds(dead, 1);
  const asked = Date.now();
  const again = await push(main, { reply: 'requeue', message: 'not yet', delay: 1 });
  const [, first, second] = await runs(3);
  assert.deepEqual([first?.id, second?.id], [again, again]);
  assert.deepEqual(second?.headers['again'], ['yes']);
  assert.ok((second?.began ?? 0) - asked >= 950, 'the delay of a requeued job is kept');

  // Errors and ends of workers are failed runs, and there are two attempts.
  const error = await push(main, { reply: 'error', message: 'out of memory' });
  await holds(dead, 2);
  const exit = await push(main, { reply: 'exit' });
  await holds(dead, 3);
  const all = await runs(7);
  assert.deepEqual(
    all.slice(3).map(({ id }) => id),
    [error, error, exit, exit],
  );

  // A dead letter is the job, with why it is there.
  await client.call('jobs.resume', dead);
  const letters = (await runs(10)).slice(7).filter(({ pipeline }) => pipeline === dead);
  const letter = letters.find(({ id }) => id === failed);
  assert.deepEqual(letter?.headers['x-tenant'], ['a']);
  assert.deepEqual(letter?.headers['rrts-failed-pipeline'], [main]);
  assert.deepEqual(letter?.headers['rrts-failed-error'], ['no such customer']);
  assert.deepEqual(letter?.headers['rrts-failed-attempts'], ['1']);
  assert.deepEqual(letters.find(({ id }) => id === exit)?.headers['rrts-failed-attempts'], ['2']);
}

async function checkTypes({ main, dead, push, runs, holds }: Rig): Promise<void> {
  const reply = (type: unknown, data: object) => push(main, { reply: 'body', body: JSON.stringify({ type, data }) });
  await reply(2, {});
  await reply(3, { message: 'nack' });
  await holds(dead, 1);
  assert.equal((await runs(2)).length, 2);
  const headers = { again: ['yes'] };
  const nacked = await reply(3, { message: 'nack', requeue: true, delay_seconds: 0, headers });
  const requeued = await reply(4, { message: 'once more', delay_seconds: 0, headers });
  const ids = (await runs(6)).map(({ id }) => id);
  assert.deepEqual(ids.slice(2).sort(), [nacked, nacked, requeued, requeued].sort());
  // RoadRunner acknowledges what it cannot read. Here such a job is a dead letter, and the worker goes on.
  await push(main, { reply: 'body', body: 'What now?' });
  await holds(dead, 2);
  await reply(9, {});
  await holds(dead, 3);
  await push(main, { reply: 'body', body: '{"type":0}' });
  assert.equal((await runs(9)).length, 9);
}

async function checkAutoAck({ main, dead, push, runs, stat, count }: Rig): Promise<void> {
  await push(main, { reply: 'error', message: 'lost' }, { auto_ack: true });
  await runs(1);
  await push(main, {});
  await runs(2);
  assert.equal(count(), 2);
  assert.equal(Number((await stat(dead)).active ?? 0), 0);
}

async function checkPages({
  client,
  driver,
  main,
  side,
  queueOf,
  push,
  runs,
  holds,
  states,
  scrape,
}: Rig): Promise<void> {
  await push(main, { reply: 'complete' });
  await push(main, { reply: 'requeue' });
  await push(main, { reply: 'error', message: 'no' });
  await client.call('jobs.batch', side, [
    ['App\\Test', '', {}],
    ['App\\Test', '', {}],
  ]);
  await runs(5);
  await holds(side, 2);
  const state = (await states()).find(({ pipeline }) => pipeline === side);
  assert.deepEqual(state, {
    pipeline: side,
    priority: 7,
    ready: false,
    queue: queueOf(side),
    active: 2,
    delayed: 0,
    reserved: 0,
    driver: nameOf(driver),
    error_message: '',
  });
  const listed = await client.call<Record<string, unknown>[]>('rpc.call', 'informer.Jobs', 'jobs');
  const { Pipeline, Active, Ready } = listed.find((one) => one['Pipeline'] === side) ?? {};
  assert.deepEqual([Pipeline, Active, Ready], [side, 2, false]);
  assert.deepEqual(await client.call('rpc.call', 'informer.Jobs', 'http'), []);

  const name = nameOf(driver);
  const text = await eventually(async () => {
    const page = await scrape();
    return page.includes(`rrts_jobs_dead_total{pipeline="${main}"} 1`) ? page : undefined;
  }, 'a dead job in the metrics');
  for (const line of [
    `rrts_jobs_pushed_total{pipeline="${main}"} 3`,
    `rrts_jobs_done_total{pipeline="${main}"} 2`,
    `rrts_jobs_failed_total{pipeline="${main}"} 2`,
    `rrts_jobs_requeued_total{pipeline="${main}"} 1`,
    `rrts_jobs_waiting{pipeline="${side}"} 2`,
    `rrts_jobs_delayed{pipeline="${side}"} 0`,
    `rrts_jobs_running{pipeline="${main}"} 0`,
    `rrts_jobs_run_seconds_count{pipeline="${main}"} 5`,
    `rr_jobs_requests_total{job="${main}",driver="${name}",source="single"} 3`,
    `rr_jobs_requests_total{job="${side}",driver="${name}",source="batch"} 2`,
    `rr_jobs_push_latency_count{job="${side}",driver="${name}",source="batch"} 2`,
  ]) {
    assert.ok(text.includes(`\n${line}\n`), `${line} in\n${text.replace(/^(?!rr\w*_jobs_).*\n/gm, '')}`);
  }
  for (const total of ['push_ok', 'push_err', 'jobs_ok', 'jobs_err', 'jobs_requeue'])
    assert.match(text, new RegExp(`\\nrr_jobs_${total} [1-9]`));
}

/** Two workers, and one job at a time. */
async function checkPrefetch({ client, main, runs }: Rig): Promise<void> {
  await client.call(
    'jobs.batch',
    main,
    Array.from({ length: 4 }, () => ['App\\Test', '{"ms":120}', {}]),
  );
  const inOrder = [...(await runs(4))].sort((a, b) => a.began - b.began);
  for (const [index, run] of inOrder.entries()) {
    const before = inOrder[index - 1];
    assert.ok(before === undefined || run.began >= before.ended, 'two jobs ran at the same time');
  }
}
