// examples/symfony-messenger: messages sent in requests and handled by workers with the kernel in memory, and a supervised messenger:consume.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { runFor } from '../cli/run-cli.ts';
import { ensureComposerProject } from '../helpers/composer.ts';
import { mentions } from '../helpers/log-lines.ts';
import { ROOT } from '../helpers/paths.ts';
import { processesMarked } from '../helpers/processes.ts';
import { type RedisServer, startRedis } from '../helpers/redis.ts';
import { ask, askJson } from '../helpers/request.ts';
import { type ConfigTree, type ServerProcess, spawnServer, waitUntilReady } from '../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';

const EXAMPLE = join(ROOT, 'examples', 'symfony-messenger');
/** The first process compiles the container. */
const READY_MS = 60_000;
const HANDLED_MS = 20_000;
const CONSOLE_MS = 60_000;

/** What a handler has written. */
interface Mail {
  readonly to: string;
  readonly text: string;
  readonly pid: number;
  readonly mails_of_this_process: number;
}

interface Example {
  readonly http: ConfigTree;
  readonly jobs: { readonly pipelines: Readonly<Record<string, ConfigTree>> } & ConfigTree;
}

let dir: TempDir;
let redis: RedisServer;
let server: ServerProcess;

before(async () => {
  assert.equal(await ensureComposerProject(EXAMPLE), undefined);
  dir = makeTempDir('messenger');
  redis = await startRedis();
  server = await startExample();
});

after(async () => {
  await server?.discard();
  await redis?.stop();
  dir?.remove();
});

/** The example as it is, but for ports, files, quicker retries, and one worker, so that two messages must meet in it. */
async function startExample(): Promise<ServerProcess> {
  const example = parse(readFileSync(join(EXAMPLE, 'app.yaml'), 'utf8')) as Example;
  const { address: _, ...http } = example.http;
  const { mails, 'mails-failed': failed, ...others } = example.jobs.pipelines;
  assert.deepEqual(others, {});
  const pipelines = {
    mails: { ...mails, retry: { max_attempts: 3, delay: '20ms' }, config: { dir: dir.file('mails') } },
    'mails-failed': { ...failed, config: { dir: dir.file('failed') } },
  };
  const started = await spawnServer({
    config: {
      ...example,
      server: { command: ['php', 'public/index.php'], env: { APP_RUNTIME: 'Rrts\\Runtime\\Runtime' } },
      http,
      jobs: { ...example.jobs, pool: { num_workers: 1 }, pipelines },
      rpc: { listen: `unix://${dir.file('rpc.sock')}` },
    } as ConfigTree,
    cwd: EXAMPLE,
    environment: {
      APP_CACHE_DIR: dir.file('cache'),
      OUTBOX: dir.file('outbox.jsonl'),
      REPORTS_DSN: `redis://127.0.0.1:${redis.port}/reports`,
    },
  });
  try {
    await waitUntilReady(started, READY_MS);
    return started;
  } catch (error) {
    await started.discard();
    throw error;
  }
}

function outbox(): Mail[] {
  const file = dir.file('outbox.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Mail);
}

const mailTo = (to: string): Promise<Mail> =>
  eventually(() => outbox().find((mail) => mail.to === to), `a mail to ${to}`, HANDLED_MS);

const send = (query: string): Promise<{ id: string | null; pid: number }> => askJson(server, `/mail?${query}`);

describe('the example', () => {
  test('messages of requests are handled by a worker that keeps the kernel', async () => {
    const { id, pid } = await send('to=a@example.org&text=caf%C3%A9');
    assert.match(String(id), /^[0-9a-f-]{36}$/);
    const first = await mailTo('a@example.org');
    assert.equal(first.text, 'café');
    assert.notEqual(first.pid, pid, 'not in the process of the request');
    await send('to=b@example.org');
    const second = await mailTo('b@example.org');
    assert.deepEqual([second.pid, second.mails_of_this_process], [first.pid, first.mails_of_this_process + 1]);
    assert.equal((await ask(server, '/outbox')).text.trim().split('\n').length, outbox().length);
  });

  test('a delay is kept, and a unique message waits once', async () => {
    const from = performance.now();
    assert.notEqual((await send('to=late@example.org&delay=3&unique=late')).id, null);
    assert.equal((await send('to=late@example.org&delay=3&unique=late')).id, null);
    await mailTo('late@example.org');
    assert.ok(performance.now() - from >= 3000);
    assert.equal(outbox().filter(({ to }) => to === 'late@example.org').length, 1);
  });

  test('a message that fails is tried three times, and ends in the dead-letter pipeline', async (t) => {
    await send('to=c@example.invalid');
    await server.waitForLog(
      mentions(/RuntimeException: The mail server of c@example\.invalid does not answer\. in /),
      'of the failure',
    );
    await eventually(async () => (await deadLetters(t)) === 1, 'a dead letter', HANDLED_MS);
    assert.equal(failures(/mail server of c@example\.invalid/), 3);
    await send('to=nobody');
    await eventually(async () => (await deadLetters(t)) === 2, 'one that is not tried again', HANDLED_MS);
    assert.equal(failures(/is no address/), 1);
  });

  test('messenger:consume is kept running, and sends messages itself', async (t) => {
    const consumers = () => processesMarked(server.mark).filter(({ command }) => command.includes('messenger:consume'));
    const report = async (name: string): Promise<number> => {
      await ask(server, `/report?name=${name}`);
      const { text } = await eventually(
        () => outbox().find((mail) => mail.text.includes(`report ${name}`)),
        `report ${name}`,
        HANDLED_MS,
      );
      return Number(/process (\d+)/.exec(text)?.[1]);
    };
    const pid = await report('june');
    assert.ok(
      consumers().some((one) => one.pid === pid),
      'by the consumer',
    );
    process.kill(pid, 'SIGKILL');
    const next = await report('july');
    assert.notEqual(next, pid);
    t.diagnostic(`${outbox().length} mails; the consumer was killed and came back`);
  });

  test('after messenger:stop-workers a worker handles one more message at most', async () => {
    await send('to=before@example.org');
    const { pid } = await mailTo('before@example.org');
    await promisify(execFile)('php', ['bin/console', 'messenger:stop-workers'], {
      cwd: EXAMPLE,
      env: { ...process.env, APP_CACHE_DIR: dir.file('cache') },
      timeout: CONSOLE_MS,
    });
    await send('to=one@example.org');
    await mailTo('one@example.org');
    await send('to=next@example.org');
    assert.notEqual((await mailTo('next@example.org')).pid, pid);
  });

  test('it stops in good order', async () => {
    await server.stop();
  });
});

/** How often the server says that a job failed, for this reason. */
function failures(reason: RegExp): number {
  const lines = server.logs.records.filter(({ facts }) => String(facts['msg']).startsWith('a job failed'));
  return lines.filter(({ facts }) => reason.test(String(facts['error']))).length;
}

async function deadLetters(t: TestContext): Promise<number | undefined> {
  const { stdout, stderr } = await runFor(t, server, ['jobs', '--json']);
  const { pipelines } = JSON.parse(stdout || stderr) as { pipelines: { pipeline: string; waiting: number }[] };
  return pipelines.find(({ pipeline }) => pipeline === 'mails-failed')?.waiting;
}
