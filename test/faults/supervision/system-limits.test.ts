// What the system refuses: at the start one clear line that names the cause, later a back-off and no crash.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { SDK_JSON } from '../../e2e/kinds.ts';
import { type LogRecord, mentions } from '../../helpers/log-lines.ts';
import { fixture, ROOT } from '../../helpers/paths.ts';
import { isAlive, kill } from '../../helpers/processes.ts';
import { RawClient } from '../../helpers/raw-http.ts';
import { ask } from '../../helpers/request.ts';
import { type ServerWish, spawnServer, statusOf, waitUntilReady } from '../../helpers/start-server.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { report } from '../rig/report.ts';
import { startStandard, WORKERS } from '../rig/standard-app.ts';

const WORKER = fixture('sdk-json.php');
/** Root is above RLIMIT_NPROC; this user owns no other process. */
const UID = '54321';
const AS_USER = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', '--'];

interface Refusal {
  readonly name: string;
  readonly wish: ServerWish;
  readonly says: RegExp;
}

const REFUSALS: readonly Refusal[] = [
  { name: 'PHP is missing', wish: { command: ['no-such-php', WORKER] }, says: /no-such-php: not found in PATH/ },
  {
    name: 'PHP is not executable',
    wish: { command: [`${ROOT}/LICENSE`, WORKER] },
    says: /LICENSE.*(EACCES|Permission denied)/,
  },
  {
    name: 'the working directory is missing',
    wish: { command: ['php', WORKER], args: ['-w', '/no/such/folder'] },
    says: /\/no\/such\/folder/,
  },
  {
    name: 'the environment is too large (E2BIG)',
    wish: { command: ['php', WORKER], config: { server: { env: { LARGE: 'x'.repeat(200_000) } } } },
    says: /E2BIG/,
  },
  // With less than about two hundred Node cannot even load the modules.
  {
    name: 'too many open files (EMFILE)',
    wish: {
      command: ['php', WORKER],
      launcher: ['prlimit', '--nofile=224', '--'],
      config: { http: { pool: { num_workers: 60 } } },
    },
    says: /EMFILE/,
  },
];

/** Lines that are not of the log: what a person sees. */
function printed(records: readonly LogRecord[]): string[] {
  return records.filter(({ text }) => !text.startsWith('{')).map(({ text }) => text);
}

describe('what the system refuses at the start', { concurrency: 2 }, () => {
  for (const { name, wish, says } of REFUSALS) {
    test(`R23 ${name}: one clear line, no stack`, async (t) => {
      const server = await spawnServer(wish);
      t.after(() => server.discard());
      const ending = await server.waitForEnd(30_000);
      const lines = printed(server.logs.records);
      report(t, { cause: name, exitCode: String(ending.code), lines: lines.length });
      assert.notEqual(ending.code, 0);
      assert.notEqual(ending.code, 70, server.logs.tail());
      assert.match(lines[0] ?? '', says, server.logs.tail().slice(0, 3000));
      assert.ok(lines.length <= 2, lines.join('\n').slice(0, 3000));
    });
  }
});

describe('what the system refuses later', { concurrency: 2 }, () => {
  test('R23 no descriptor is left: no crash, and all is well when there are some again', async (t) => {
    const app = await startStandard(t, { kind: SDK_JSON });
    if (app === undefined) return;
    const { server } = app;
    const open = readdirSync(`/proc/${server.pid}/fd`).length;
    limit(server.pid, `--nofile=${open + 2}:`);
    for (const { pid } of app.workers()) kill(pid, 'SIGKILL');
    await server.waitForLog(mentions(/EMFILE/), 'that names EMFILE', 20_000);
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(server.port)));
    for (const client of clients) client.send('GET /do HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.ok(isAlive(server.pid));
    const boots = server.logs.all(mentions(/EMFILE/)).length;
    for (const client of clients) client.destroy();
    limit(server.pid, '--nofile=4096:');
    const wholeMs = await app.whole(WORKERS, 40_000);
    assert.equal((await ask(app, '/do', { headers: { 'x-id': 'again' } })).status, 200);
    report(t, { descriptors: open, clients: clients.length, failedBoots: boots, wholeMs }, { failedBoots: 1 });
    await server.stop();
  });

  test('R23 no process is left (EAGAIN): named at the start and later, no crash', async (t) => {
    const reason = whyNotAsUser();
    if (reason !== undefined) return t.skip(reason);
    const launcher = [...AS_USER, 'prlimit', '--nproc=400', '--'];
    // A folder that this user may not enter, as root's own ones are.
    const forbidden = makeTempDir('forbidden');
    t.after(() => forbidden.remove());
    const environment = { PATH: `${forbidden.path}:${process.env['PATH']}` };
    const server = await spawnServer({ command: ['php', WORKER], launcher, environment });
    chmodSync(server.dir.path, 0o777); // before Node has come so far as to read it
    t.after(() => server.discard());
    await waitUntilReady(server);
    limit(server.pid, '--nproc=1:', AS_USER);
    for (const { pid } of server.workers()) kill(pid, 'SIGKILL');
    await server.waitForLog(mentions(/EAGAIN/), 'that names EAGAIN', 20_000);
    await eventually(async () => (await statusOf(server, '/ready')) === 503, '503 of /ready');
    assert.ok(isAlive(server.pid));
    const boots = server.logs.all(mentions(/EAGAIN/)).length;
    limit(server.pid, '--nproc=400:', AS_USER);
    await eventually(async () => (await statusOf(server, '/ready')) === 200, '200 of /ready', 40_000);

    const early = await spawnServer({
      command: ['php', WORKER],
      launcher: [...AS_USER, 'prlimit', '--nproc=30', '--'],
      config: { http: { pool: { num_workers: 40 } } },
    });
    chmodSync(early.dir.path, 0o777);
    t.after(() => early.discard());
    const ending = await early.waitForEnd(30_000);
    const lines = printed(early.logs.records);
    report(t, { failedBoots: boots, exitCode: String(ending.code), lines: lines.length }, { failedBoots: 1 });
    assert.equal(ending.code, 69, early.logs.tail());
    assert.match(lines[0] ?? '', /EAGAIN|Resource temporarily unavailable/, early.logs.tail());
    await server.stop();
  });
});

/** Changes a soft limit of a process that runs, as its owner: in a container root may not touch those of others. */
function limit(pid: number, what: string, owner: readonly string[] = []): void {
  const [program = '', ...words] = [...owner, 'prlimit', '--pid', String(pid), what];
  execFileSync(program, words);
}

/** Why the server cannot run as another user here; undefined when it can. */
function whyNotAsUser(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start a process as another user';
  const [program = '', ...words] = AS_USER;
  const probe = spawnSync(program, [...words, process.execPath, '-e', `require('fs').readFileSync('${WORKER}')`]);
  return probe.status === 0 ? undefined : `another user cannot read ${ROOT}`;
}
