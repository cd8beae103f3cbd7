// What an entry does: a request to a real server, a program of the system, a push that is tried again.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import FakeTimers from '@sinonjs/fake-timers';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Address } from '../../../src/core/scalars.ts';
import type { JobConfig, RouteConfig } from '../../../src/plugins/cron/config.ts';
import type { RunContext } from '../../../src/plugins/cron/run.ts';
import { commandAction } from '../../../src/plugins/cron/run-command.ts';
import { jobAction } from '../../../src/plugins/cron/run-job.ts';
import { routeAction } from '../../../src/plugins/cron/run-route.ts';
import { CallError } from '../../../src/plugins/rpc-router/method.ts';
import { findLaunchers } from '../../../src/worker/spawn.ts';
import { killMarked, MARK, processesMarked } from '../../helpers/processes.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';

/** What must come, on a machine that is busy too. */
const LATEST_MS = 30_000;

const OCCURRENCE = Date.parse('2026-06-01T03:00:00Z');
const TIME = '2026-06-01T03:00:00.000Z';

function context(more: Partial<RunContext> = {}): RunContext & { stop(): void; end(): void } {
  const [stopping, cut] = [new AbortController(), new AbortController()];
  return {
    name: 'nightly',
    occurrence: OCCURRENCE,
    timeoutMs: 600_000,
    logger: silentLogger,
    stopping: stopping.signal,
    cut: cut.signal,
    isOurs: () => Promise.resolve(true),
    stop: () => stopping.abort(),
    end: () => cut.abort(),
    ...more,
  };
}

/** A server that answers as it is told, and where it is. */
async function listen(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  path?: string,
): Promise<Address> {
  const server = createServer(answer);
  server.listen(path ?? { host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  if (path !== undefined) return { kind: 'unix', path };
  return { kind: 'tcp', host: '::', port: (server.address() as AddressInfo).port };
}

const ROUTE: RouteConfig = { method: 'PUT', path: '/cron/nightly?a=1', headers: { 'X-Key': 's3cret' }, body: 'hällo' };

test('a request: as it is written, with what it is for; over TCP and over a unix socket', async (t) => {
  const dir = makeTempDir('cron');
  t.after(() => dir.remove());
  for (const path of [undefined, dir.file('http.sock')]) {
    const seen: unknown[] = [];
    const address = await listen(
      t,
      (request, response) => {
        const { method, url, headers } = request;
        request.setEncoding('utf8').on('data', (body) => {
          const { 'x-key': key, 'rrts-cron': name, 'rrts-cron-time': time, 'content-length': length } = headers;
          seen.push([method, url, key, name, time, length, body]);
          response.end('fine');
        });
      },
      path,
    );
    const outcome = await routeAction(ROUTE, async () => address)(context());
    assert.deepEqual(outcome, { result: 'done', message: '' });
    assert.deepEqual(seen, [['PUT', '/cron/nightly?a=1', 's3cret', 'nightly', TIME, '6', 'hällo']]);
  }
});

const ANSWERS: readonly (readonly [status: number, body: string, message: RegExp])[] = [
  [200, 'x', /^$/],
  [302, '', /^$/],
  [404, '', /^PUT \S+ answered 404$/],
  [500, 'Fatal\nerror', /^PUT \S+ answered 500: "Fatal\\nerror"$/],
  [503, 'y'.repeat(1_000_000), /^PUT \S+ answered 503: "y{300}\.\.\."$/],
];

for (const [status, body, message] of ANSWERS) {
  test(`an answer with ${status}`, async (t) => {
    const address = await listen(t, (_, response) => response.writeHead(status).end(body));
    const outcome = await routeAction(ROUTE, async () => address)(context());
    assert.equal(outcome.result, status < 400 ? 'done' : 'failed');
    assert.match(outcome.message, message);
  });
}

test('a request that is not answered, one that is cut off, and nobody there', async (t) => {
  const silent = await listen(t, () => undefined);
  const late = await routeAction(ROUTE, async () => silent)(context({ timeoutMs: 50 }));
  assert.match(late.message, /^PUT \S+: no answer within its timeout \(50ms\)$/);
  const half = await listen(t, (_, response) => {
    response.writeHead(200, { 'content-length': 10 }).write('1');
    setImmediate(() => response.destroy());
  });
  const broken = await routeAction(ROUTE, async () => half)(context());
  assert.deepEqual([broken.result, /^PUT \S+: /.test(broken.message)], ['failed', true]);
  const stopped = context();
  const run = routeAction(ROUTE, async () => silent)(stopped);
  setImmediate(() => stopped.end());
  assert.match((await within(run, LATEST_MS, 'its end')).message, /^PUT \S+: the server stopped$/);
  const nobody = { kind: 'unix', path: '/nowhere/http.sock' } as const;
  assert.match((await routeAction(ROUTE, async () => nobody)(context())).message, /ENOENT/);
});

function programs(t: TestContext) {
  const mark = randomUUID();
  t.after(() => killMarked(mark));
  const settings = () => ({
    environment: { PATH: process.env['PATH'], [MARK]: mark },
    rpcAddress: 'tcp://127.0.0.1:6001',
    rpcToken: undefined,
    user: undefined,
    group: undefined,
  });
  const host = { launchers: findLaunchers(), directory: '/tmp', settings };
  const run = (command: string | readonly string[], how = context()) => commandAction(command, host)(how);
  const left = (): number => processesMarked(mark).length;
  return { run, left };
}

const shell = (script: string): string[] => ['sh', '-c', script];

test('a program: its environment, its directory, its end', async (t) => {
  const { run, left } = programs(t);
  const script = `test "$RRTS_CRON $RRTS_CRON_TIME $RR_RPC $(pwd)" = "nightly ${TIME} tcp://127.0.0.1:6001 /tmp"`;
  assert.deepEqual(await run(shell(script)), { result: 'done', message: '' });
  assert.deepEqual(await run('true  --quiet'), { result: 'done', message: '' });
  assert.deepEqual(await run(shell('echo one; echo two >&2; exit 3')), {
    result: 'failed',
    message: 'it ended with code 3; it printed last: one | two',
  });
  assert.deepEqual(await run(shell('kill -9 $$')), { result: 'failed', message: 'it ended by SIGKILL' });
  await assert.rejects(run('no-such-program -x'), { code: 'ERR_WORKER_SPAWN', place: 'cron.nightly.command' });
  assert.deepEqual(await run(shell('sleep 600 & exit 0')), { result: 'done', message: '' });
  assert.equal(left(), 0);
});

test('a program that takes too long, is stopped, or is cut', async (t) => {
  const { run, left } = programs(t);
  const late = await run('sleep 600', context({ timeoutMs: 200 }));
  assert.equal(late.message, 'it ran longer than its timeout (200ms): it ended by SIGINT');
  const stopped = context();
  const polite = run(shell('trap "exit 0" INT; while :; do sleep 0.05; done'), stopped);
  await eventually(() => left() > 0, 'the program', LATEST_MS);
  stopped.stop();
  assert.match(
    (await within(polite, LATEST_MS, 'its end')).message,
    /^the server stopped: it ended (with code 0|by SIGINT)/,
  );
  const cut = context();
  const deaf = run(shell('trap "" INT; sleep 600 & while :; do sleep 0.05; done'), cut);
  await eventually(() => left() > 2, 'the program that is deaf', LATEST_MS);
  cut.stop();
  cut.end();
  assert.equal((await within(deaf, LATEST_MS, 'its end')).message, 'the server stopped: it ended by SIGKILL');
  const gone = context();
  gone.stop();
  gone.end();
  assert.equal((await within(run('sleep 600', gone), LATEST_MS, 'its end')).result, 'failed');
  assert.equal(left(), 0);
});

const JOB: JobConfig = { pipeline: 'mail', name: 'App\\Nightly', payload: '{}', headers: { tenant: ['a', 'b'] } };

/** A queue that answers with what it is given, the last answer again and again. */
function queue(...answers: readonly (readonly (string | null)[] | Error)[]) {
  const sent: unknown[] = [];
  const call = async (method: string, argument: unknown): Promise<unknown> => {
    assert.equal(method, 'jobs.Send');
    sent.push(argument);
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    if (answer instanceof Error) throw answer;
    return { ids: answer };
  };
  return { sent, call };
}

test('a job: as it is written, with what it is for; a second one only where that is allowed', async () => {
  const { sent, call } = queue(['id']);
  const more = { priority: 3, delay: 1000, timeout: 60_000, maxAttempts: 5 };
  assert.deepEqual(await jobAction(JOB, false, call)(context()), { result: 'done', message: '' });
  assert.deepEqual(await jobAction({ ...JOB, ...more }, true, call)(context()), { result: 'done', message: '' });
  await jobAction({ ...JOB, unique: 'mine' }, true, call)(context());
  const headers = { tenant: ['a', 'b'], 'rrts-cron': 'nightly', 'rrts-cron-time': TIME };
  const job = { job: 'App\\Nightly', payload: '{}', headers };
  assert.deepEqual(
    sent,
    [
      { pipeline: 'mail', jobs: [{ ...job, delay: undefined, unique: 'cron:nightly' }] },
      { pipeline: 'mail', jobs: [{ ...job, priority: 3, delay: 1000, timeout: 60_000, max_attempts: 5 }] },
      { pipeline: 'mail', jobs: [{ ...job, unique: 'mine' }] },
    ].map((one) => JSON.parse(JSON.stringify(one))),
  );
  const twice = await jobAction(JOB, false, queue([null]).call)(context());
  assert.deepEqual(twice, { result: 'skipped', message: 'the job of an earlier run waits or runs still' });
});

test('a push that fails is tried again where that may help, and not otherwise', async (t) => {
  const clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  t.after(() => clock.uninstall());
  const down = new CallError('the broker is away', 'ERR_JOBS_STORE');
  const mended = queue(down, ['id']);
  const pushed = jobAction(JOB, false, mended.call)(context());
  await clock.tickAsync(999);
  assert.equal(mended.sent.length, 1);
  await clock.tickAsync(1);
  assert.deepEqual([await pushed, mended.sent.length], [{ result: 'done', message: '' }, 2]);
  const late = queue(down);
  const failing = jobAction(JOB, false, late.call)(context({ timeoutMs: 9500 }));
  await clock.tickAsync(9500);
  assert.deepEqual(await failing, { result: 'failed', message: 'the broker is away' });
  assert.equal(late.sent.length, 5, 'at 0, 1, 3 and 7 s, and the last attempt comes with its timeout');
  const wrong = queue(new CallError('no pipeline is called mail', 'ERR_JOBS_PIPELINE'));
  assert.equal((await jobAction(JOB, false, wrong.call)(context())).message, 'no pipeline is called mail');
  assert.equal(wrong.sent.length, 1);
  const stopped = context({ timeoutMs: 0 });
  const waiting = jobAction(JOB, false, queue(down).call)(stopped);
  await clock.tickAsync(500);
  stopped.stop();
  assert.equal((await waiting).result, 'failed', 'on a clock that stands');
  assert.equal(clock.countTimers(), 0);
});

test('a push that is tried again asks first whether another server has taken the occurrence over', async (t) => {
  const clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  t.after(() => clock.uninstall());
  const down = new CallError('the broker is away', 'ERR_JOBS_STORE');
  const { sent, call } = queue(down);
  const answers = [() => Promise.reject(new Error('Redis does not answer')), async () => true, async () => false];
  const isOurs = (): Promise<boolean> => (answers.shift() ?? assert.fail())();
  const outcome = jobAction(JOB, false, call)(context({ isOurs }));
  await clock.tickAsync(8000);
  assert.deepEqual([(await outcome).result, sent.length], ['elsewhere', 2]);
});
