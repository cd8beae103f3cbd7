// rrts jobs for a running server: what it shows, what it changes, and what it says of mistakes.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { type Run, runFor } from '../cli/run-cli.ts';
import { ROOT } from '../helpers/paths.ts';
import { type ServerProcess, type ServerWish, startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { SDK_JSON } from './kinds.ts';

/** Does what the payload says: `sleep` for a minute after it has told how far it is, `fail`, or nothing. */
const WORKER = `<?php
require '${ROOT}/php-client/vendor/autoload.php';
$worker = Rrts\\Worker::create();
while (($work = $worker->waitPayload()) !== null) {
    if ($work->body === 'sleep') {
        $about = ['id' => $work->head['id'], 'pipeline' => $work->head['pipeline']];
        $worker->rpc()->call('jobs.Progress', $about + ['percent' => 40, 'message' => 'half way']);
        sleep(60);
    }
    $worker->respond($work->body === 'fail' ? ['result' => 'failed', 'message' => 'no such user'] : []);
}
`;

async function start(t: TestContext, wish: ServerWish = {}): Promise<ServerProcess> {
  const dir = makeTempDir('jobs-command');
  t.after(() => dir.remove());
  writeFileSync(dir.file('worker.php'), WORKER);
  const server = await startServer({
    command: ['php', dir.file('worker.php')],
    config: {
      http: null,
      endure: { grace_period: '1s' },
      jobs: {
        consume: ['emails'],
        pool: { num_workers: 2 },
        pipelines: {
          emails: { driver: 'memory', dead_letter: 'failed', retry: { max_attempts: 1 } },
          failed: { driver: 'memory' },
        },
      },
    },
    ...wish,
  });
  t.after(() => server.discard());
  return server;
}

const jobs = (t: TestContext, server: ServerProcess, ...words: string[]): Promise<Run> =>
  runFor(t, server, ['jobs', ...words]);

const push = (t: TestContext, server: ServerProcess, payload: string, ...words: string[]): Promise<Run> =>
  jobs(t, server, '--push', 'emails', '--name', 'App\\Mail', '--payload', payload, ...words);

/** The numbers of a pipeline, once they are so. */
async function numbers(
  t: TestContext,
  server: ServerProcess,
  pipeline: string,
  wanted: Readonly<Record<string, unknown>>,
): Promise<void> {
  let seen: Readonly<Record<string, unknown>> = {};
  await eventually(
    async () => {
      const { stdout } = await jobs(t, server, pipeline, '--json');
      seen = JSON.parse(stdout).pipelines[0];
      return Object.entries(wanted).every(([key, value]) => seen[key] === value);
    },
    `${pipeline} to be ${JSON.stringify(wanted)}`,
    20_000,
  ).catch((error: unknown) => {
    throw new assert.AssertionError({ message: `${String(error)}; it is ${JSON.stringify(seen)}` });
  });
}

describe('rrts jobs', { concurrency: 2 }, () => {
  test('queues, what runs and how far it is; --list, -i', async (t) => {
    const server = await start(t);
    const pushed = await push(t, server, 'sleep');
    assert.equal(pushed.code, 0, pushed.stderr);
    const id = /^emails: pushed ([-0-9a-f]{36})\n$/.exec(pushed.stdout)?.[1];
    assert.ok(id !== undefined, pushed.stdout);
    assert.equal((await push(t, server, '', '--delay', '1h')).code, 0);
    const shown = await eventually(async () => {
      const run = await jobs(t, server);
      return run.stdout.includes('half way') ? run : undefined;
    }, 'a job that says how far it is');
    assert.match(shown.stdout, new RegExp(`^rrts \\S+, pid ${server.pid}, ready, up `));
    assert.match(shown.stdout, /\n emails +memory +running +0 +1 +1 +0 +0 +0\n failed +memory +paused +0 +0 /);
    const [worker] = server.workers().filter(({ pid }) => shown.stdout.includes(` ${pid} `));
    assert.ok(worker !== undefined, 'the pid of the worker is shown');
    assert.match(shown.stdout, new RegExp(`${id} +App\\\\Mail +emails +1 .*\\[####\\.{6}\\] +40 % half way`));
    assert.equal((await jobs(t, server, '--list')).stdout, 'emails\nfailed\n');
    const view = await runFor(t, server, ['jobs', 'emails', '-i'], { until: /(^rrts [\s\S]*){2}/m });
    assert.equal(view.code, 0, view.stderr);
    assert.ok([...view.stdout.matchAll(/^\d{4}-\d\d-\d\dT.*\nrrts .*ready/gm)].length >= 2, view.stdout);
    assert.doesNotMatch(view.stdout, /^ failed/m);
  });

  test('pause, resume, destroy', async (t) => {
    const server = await start(t);
    const paused = await jobs(t, server, '--pause', 'emails', 'failed');
    assert.deepEqual([paused.code, paused.stdout], [0, 'paused: emails, failed\n'], paused.stderr);
    assert.equal((await push(t, server, '')).code, 0);
    await numbers(t, server, 'emails', { state: 'paused', waiting: 1, done: 0 });
    assert.equal((await jobs(t, server, '--resume', 'emails')).stdout, 'resumed: emails\n');
    await numbers(t, server, 'emails', { state: 'running', waiting: 0, done: 1 });
    const destroyed = await jobs(t, server, '--destroy', 'failed');
    assert.deepEqual([destroyed.code, destroyed.stdout], [0, 'destroyed, with all their jobs: failed\n']);
    assert.equal((await jobs(t, server, '--list', '-s')).stdout, 'emails\n');
    await server.stop();
  });

  test('--push with the payload on stdin: as much as the pipeline takes, and text', async (t) => {
    const server = await start(t);
    const input = 'straße '.repeat(200_000);
    const words = ['jobs', '--push', 'failed', '--name', 'x', '--payload', '-'];
    const pushed = await runFor(t, server, words, { input });
    assert.deepEqual([pushed.code, pushed.stderr], [0, ''], pushed.stdout);
    const { code, stderr } = await runFor(t, server, words, { input: Buffer.alloc(11 * 1024 ** 2, 'x') });
    assert.equal(code, 69);
    assert.match(stderr, /^rrts: the payload has 11534336 bytes, and the pipeline failed takes 10485760\b/);
    const bytes = await runFor(t, server, words, { input: Buffer.from([0xff, 0x00, 0x80]) });
    assert.equal(bytes.code, 69);
    assert.match(bytes.stderr, /^rrts: the payload on stdin is no UTF-8 text\n/);
    assert.match((await jobs(t, server)).stdout, /\n failed +memory +paused +1 /);
    await server.stop();
  });

  test('--retry: dead letters go back once, also when they fail again at once', async (t) => {
    const server = await start(t);
    for (let pushed = 0; pushed < 2; pushed++) assert.equal((await push(t, server, 'fail')).code, 0);
    await numbers(t, server, 'emails', { dead: 2 });
    const one = await jobs(t, server, '--retry', 'failed', '--limit', '1');
    assert.deepEqual([one.code, one.stdout], [0, 'failed: 1 job went back to where it failed\n'], one.stderr);
    await numbers(t, server, 'emails', { dead: 3 });
    const both = await jobs(t, server, '--retry', 'failed');
    assert.deepEqual([both.code, both.stdout], [0, 'failed: 2 jobs went back to where they failed\n']);
    await numbers(t, server, 'emails', { dead: 5 });
    await numbers(t, server, 'failed', { waiting: 2 });
    const running = await jobs(t, server, '--retry', 'emails');
    assert.equal(running.code, 69);
    assert.match(running.stderr, /^rrts: the jobs of emails are being run, .*Pause it first\.\n$/);
    await server.stop();
  });

  test('mistakes', async (t) => {
    const server = await start(t);
    const cases: readonly (readonly [code: number, said: RegExp, words: readonly string[]])[] = [
      [69, /^rrts: no pipeline is called mails; there are emails, failed\n$/, ['mails']],
      [69, /^rrts: no such pipeline: "mails"\. There are emails, failed\.\n$/, ['--pause', 'mails']],
      [64, /^error: --pause needs the name of a pipeline\n/, ['--pause']],
      [64, /^error: --pause and --resume cannot be used together\n/, ['--pause', '--resume', 'emails']],
      [64, /^error: --limit is for --retry only\n/, ['--limit', '3']],
      [64, /^error: --payload is for --push only\n/, ['--retry', 'failed', '--payload', 'x']],
      [64, /^error: --push needs --name/, ['--push', 'emails']],
      [64, /^error: --delay needs a unit: write 5s\n/, ['--push', 'emails', '--name', 'x', '--delay', '5']],
    ];
    for (const [code, said, words] of cases) {
      const run = await jobs(t, server, ...words);
      assert.match(run.stderr, said);
      assert.deepEqual([run.code, run.stdout], [code, ''], words.join(' '));
    }
    await server.stop();
    t.diagnostic(`${cases.length} mistakes`);
  });

  test('a server without queues says so', async (t) => {
    const server = await start(t, { command: SDK_JSON.command, config: {} });
    const { code, stderr } = await jobs(t, server);
    assert.deepEqual([code, stderr.split('\n')[0]], [69, 'rrts: the server has no jobs section']);
    await server.stop();
  });
});
