// Jobs by the PHP package through the real server: pushed in a request, run by native workers with and without ext-msgpack.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { askJson } from '../helpers/request.ts';
import { type ServerProcess, startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';

const WORKERS = [
  { name: 'with ext-msgpack', command: ['php', fixture('native/queue.php')] },
  { name: 'without any extension', command: ['php', '-n', fixture('native/queue.php')] },
];
const QUICK_RETRY = { max_attempts: 2, delay: '10ms', jitter: 0 };
const MANY = 1000;

/** What a job has noted of itself. */
interface Note {
  readonly id: string;
  readonly job: string;
  readonly payload: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly pipeline: string;
  readonly driver: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly timeout: number;
  readonly age: number;
  readonly pid: number;
}

/** A server with three pipelines, what its jobs have noted, and a way to push. */
interface Rig {
  readonly server: ServerProcess;
  readonly notes: () => Note[];
  readonly push: (wish: object) => Promise<unknown>;
  readonly file: (name: string) => string;
}

async function start(t: TestContext, command: readonly string[]): Promise<Rig> {
  const dir = makeTempDir('jobs');
  const memory = { driver: 'memory', retry: QUICK_RETRY, dead_letter: 'failed' };
  const server = await startServer({
    command,
    environment: { RRTS_TEST_JOBS: dir.file('notes') },
    config: {
      http: { pool: { num_workers: 1 } },
      jobs: {
        consume: ['emails', 'reports'],
        pool: { num_workers: 2 },
        pipelines: {
          emails: { ...memory, max_payload: '1kb' },
          reports: memory,
          failed: { driver: 'memory', max_waiting: 3 },
        },
      },
    },
  });
  t.after(async () => {
    await server.discard();
    dir.remove();
  });
  const notes = (): Note[] => {
    if (!existsSync(dir.file('notes'))) return [];
    const lines = readFileSync(dir.file('notes'), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Note);
  };
  const push = (wish: object): Promise<unknown> =>
    askJson(server, '/push', { method: 'POST', body: JSON.stringify(wish) });
  return { server, notes, push, file: (name) => dir.file(name) };
}

const until = (rig: Rig, count: number): Promise<Note[]> =>
  eventually(() => (rig.notes().length >= count ? rig.notes() : undefined), `${count} notes`);

for (const { name, command } of WORKERS) {
  describe(`jobs, PHP ${name}`, { concurrency: 2 }, () => {
    test('a job arrives as it was pushed, bytes and letters of any kind', async (t) => {
      const rig = await start(t, command);
      const headers = { 'x-name': 'café ł', list: ['1', '2'] };
      const options = { headers, timeout: 12.5, maxAttempts: 7 };
      const [id] = (await rig.push({ job: 'café ł', payload: 'ff00fe', hex: true, options })) as [string];
      const [note] = await until(rig, 1);
      assert.ok(note !== undefined && note.age >= 0 && note.age < 10, `${note?.age}`);
      const { age: _age, pid: _pid, ...rest } = note;
      assert.deepEqual(rest, {
        id,
        job: 'café ł',
        payload: 'ff00fe',
        headers: { 'x-name': ['café ł'], list: ['1', '2'] },
        pipeline: 'emails',
        driver: 'memory',
        attempt: 1,
        maxAttempts: 7,
        timeout: 12.5,
      });
      await rig.server.stop();
    });

    test('a failure is tried again and ends among the dead letters, with its words', async (t) => {
      const rig = await start(t, command);
      for (const job of ['fail', 'never', 'App\\Gone']) await rig.push({ job });
      await rig.server.waitForLog(
        mentions(/No handler for the job App\\+Gone of the pipeline emails/),
        'of the missing handler',
      );
      await rig.server.waitForLog(mentions(/DomainException: broken: café ł in .*queue\.php:\d+/), 'of the failure');
      await eventually(() => deadLetters(rig, 3), 'three dead letters');
      const attempts = (await until(rig, 3))
        .map(({ job, attempt, headers }) => `${job} ${attempt} ${headers['told'] ?? ''}`)
        .sort();
      assert.deepEqual(attempts, ['fail 1 ', 'fail 2 this', 'never 1 ']);
      await rig.server.stop();
    });

    test('put back, followed by others, with progress', async (t) => {
      const rig = await start(t, command);
      await rig.push({ job: 'again' });
      const rounds = (await until(rig, 2)).map(({ attempt, headers }) => [attempt, headers['round']?.[0]]);
      assert.deepEqual(rounds, [
        [1, undefined],
        [1, '2 ł'],
      ]);
      const then = [
        ['note', 'second', 'reports'],
        ['note', 'third', null],
      ];
      await rig.push({ job: 'note', payload: 'first', then });
      const chain = (await until(rig, 5))
        .slice(2)
        .map(({ payload, pipeline }) => [Buffer.from(payload, 'hex').toString(), pipeline]);
      assert.deepEqual(chain, [
        ['first', 'emails'],
        ['second', 'reports'],
        ['third', 'reports'],
      ]);
      const gate = rig.file('gate');
      await rig.push({ job: 'progress', payload: gate });
      await until(rig, 6);
      const { running } = await overview(rig);
      assert.deepEqual(
        running.map(({ job, percent, message }) => [job, percent, message]),
        [['progress', 40, 'half ł']],
      );
      writeFileSync(gate, '');
      await eventually(async () => (await overview(rig)).running.length === 0, 'its end');
      await rig.server.stop();
    });
  });
}

const [WITH_MSGPACK] = WORKERS;

test('what a push can be refused for', async (t) => {
  const rig = await start(t, WITH_MSGPACK?.command ?? []);
  const refusals = [
    [{ job: 'note', pipeline: 'nowhere' }, 'UnknownPipelineException', 'ERR_JOBS_PIPELINE', /nowhere/],
    [{ job: 'note', payload: 'x'.repeat(2000) }, 'QueueException', 'ERR_JOBS_TOO_LARGE', /emails/],
    [{ job: 'note', pipeline: 'failed', many: 4 }, 'QueueFullException', 'ERR_JOBS_FULL', /failed/],
    [{ job: '' }, 'QueueException', 'ERR_JOBS_INVALID', /must have a name/],
    [{ job: 'note', options: { priority: -1 } }, 'QueueException', 'ERR_JOBS_INVALID', /priority/],
  ] as const;
  for (const [wish, name, code, message] of refusals) {
    const answer = (await rig.push(wish)) as { class: string; code: string; message: string };
    assert.deepEqual([answer.class, answer.code], [`Rrts\\Jobs\\${name}`, code]);
    assert.match(answer.message, message);
  }
  await rig.server.stop();
});

test('a unique job is there once, a delayed one comes late, and many come in one call', async (t) => {
  const rig = await start(t, WITH_MSGPACK?.command ?? []);
  const options = { unique: 'key', delay: 0.3 };
  const [first] = (await rig.push({ job: 'note', payload: 'late', options })) as [string];
  assert.equal(typeof first, 'string');
  assert.deepEqual(await rig.push({ job: 'note', options }), [null]);
  const ids = (await rig.push({ job: 'note', many: MANY })) as string[];
  assert.equal(new Set(ids).size, MANY);
  const notes = await until(rig, MANY + 1);
  assert.equal(notes.length, MANY + 1);
  assert.deepEqual(new Set(notes.map(({ id }) => id)), new Set([first, ...ids]));
  assert.ok((notes.find(({ id }) => id === first)?.age ?? 0) >= 0.3);
  assert.equal(new Set(notes.map(({ pid }) => pid)).size, 2, 'both workers had some');
  t.diagnostic(`${notes.length} jobs by 2 workers`);
  await rig.server.stop();
});

test('a worker that a job ends is replaced, and the job fails', async (t) => {
  const rig = await start(t, WITH_MSGPACK?.command ?? []);
  await rig.push({ job: 'exit' });
  await eventually(() => deadLetters(rig, 1), 'a dead letter');
  await rig.push({ job: 'note' });
  const notes = await until(rig, 3);
  assert.deepEqual(
    notes.map(({ job }) => job),
    ['exit', 'exit', 'note'],
  );
  await rig.server.stop();
});

interface Overview {
  readonly pipelines: readonly { readonly pipeline: string; readonly waiting: number }[];
  readonly running: readonly { readonly job: string; readonly percent?: number; readonly message?: string }[];
}

const overview = (rig: Rig): Promise<Overview> => askJson<Overview>(rig.server, '/overview');

async function deadLetters(rig: Rig, count: number): Promise<boolean> {
  const { pipelines } = await overview(rig);
  return pipelines.find(({ pipeline }) => pipeline === 'failed')?.waiting === count;
}
