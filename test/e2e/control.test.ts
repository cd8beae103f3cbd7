// The commands for a running server, as a person types them: workers, reset, stop, over the control socket and without it.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { runCli, runFor } from '../cli/run-cli.ts';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { isAlive } from '../helpers/processes.ts';
import { ask } from '../helpers/request.ts';
import { type ServerProcess, type ServerWish, spawnServer, startServer } from '../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { SDK_JSON } from './kinds.ts';

async function start(t: TestContext, wish: ServerWish = {}): Promise<ServerProcess> {
  const server = await startServer({ command: SDK_JSON.command, ...wish });
  t.after(() => server.discard());
  return server;
}

function tempDir(t: TestContext): TempDir {
  const dir = makeTempDir('control');
  t.after(() => dir.remove());
  return dir;
}

const pidsOf = (server: ServerProcess): number[] =>
  server
    .workers()
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);

/** The pids of two workers that were not there before. An old one may take a moment to end. */
function replaced(server: ServerProcess, before: readonly number[]): Promise<number[]> {
  const look = (pids: number[]) => (pids.length === 2 && pids.every((pid) => !before.includes(pid)) ? pids : undefined);
  return eventually(() => look(pidsOf(server)), 'two new workers');
}

/** A request that runs: a promise of its status, in a list because it is not to be waited for here. */
async function running(t: TestContext, server: ServerProcess, ms: number): Promise<[status: Promise<number | string>]> {
  const begun = tempDir(t).file('begun');
  const status = ask(server, `/sleep?ms=${ms}&begun=${encodeURIComponent(begun)}`).then(
    (answer) => answer.status,
    () => 'cut',
  );
  await eventually(() => existsSync(begun), 'a request to begin');
  return [status];
}

describe('rrts workers', { concurrency: 2 }, () => {
  test('a table with what they do; --json for programs; an unknown pool', async (t) => {
    const server = await start(t);
    await running(t, server, 60_000);
    const { code, stdout, stderr } = await runFor(t, server, ['workers']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, new RegExp(`^rrts \\S+, pid ${server.pid}, ready, up `));
    assert.match(
      stdout,
      /\nhttp: 2 workers, 1 working, 1 ready, 0 waiting\n|\nhttp: 2 workers, 1 ready, 1 working, 0 waiting\n/,
    );
    assert.match(stdout, /working +1 +[\d.]+ MB +\d+ % .* GET \/sleep\?ms=60000/);
    for (const pid of pidsOf(server)) assert.match(stdout, new RegExp(`^ *${pid} `, 'm'));
    const json = JSON.parse((await runFor(t, server, ['workers', 'http', '--json'])).stdout);
    assert.deepEqual([json.status.pid, json.status.phase, json.pools[0].workers.length], [server.pid, 'ready', 2]);
    const unknown = await runFor(t, server, ['workers', 'jobs']);
    assert.deepEqual([unknown.code, unknown.stderr], [69, 'rrts: no pool is called jobs; there is http\n']);
  });

  test('add and remove; why workers ended is shown', async (t) => {
    const server = await start(t);
    const added = await runFor(t, server, ['workers', 'add', '-n', '2']);
    assert.deepEqual([added.code, added.stdout, added.stderr], [0, 'http: 2 workers before, 4 now\n', '']);
    assert.equal(server.workers().length, 4);
    const removed = await runFor(t, server, ['workers', 'remove', 'http', '-n', '9']);
    assert.deepEqual([removed.code, removed.stdout], [0, 'http: 4 workers before, 1 now\n']);
    await eventually(() => server.workers().length === 1, 'one worker');
    assert.match((await runFor(t, server, ['workers'])).stdout, /\nended: surplus 3\nlast: {2}\d+ surplus /);
    assert.equal((await runFor(t, server, ['workers', 'add', '-n', '0'])).code, 64);
    await server.stop();
  });

  test('-i where there is no terminal: a picture each second, until it is ended', async (t) => {
    const server = await start(t);
    const view = await runFor(t, server, ['workers', '-i'], { until: /(^rrts [\s\S]*){2}/m });
    assert.equal(view.code, 0, view.stderr);
    assert.ok([...view.stdout.matchAll(/^\d{4}-\d\d-\d\dT.*\nrrts .*ready/gm)].length >= 2, view.stdout);
    assert.ok(!view.stdout.includes('\u001b'), 'no control sequence');
    await server.stop();
  });
});

describe('rrts reset', { concurrency: 2 }, () => {
  test('new workers; S05 broken code: the error of PHP, exit code 69, the old ones stay', async (t) => {
    const dir = tempDir(t);
    writeFileSync(
      dir.file('worker.php'),
      `<?php if (file_exists(__DIR__ . '/broken')) { throw new Error('no database'); } require '${fixture('sdk-json.php')}';`,
    );
    const server = await start(t, { command: ['php', dir.file('worker.php')] });
    const before = pidsOf(server);
    const { code, stdout, stderr } = await runFor(t, server, ['reset']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^http: the workers were replaced in [\d.]+ m?s\n$/);
    const after = await replaced(server, before);
    writeFileSync(dir.file('broken'), '');
    const broken = await runFor(t, server, ['reset', 'http']);
    assert.equal(broken.code, 69);
    assert.match(broken.stderr, /^rrts: the old workers stay: http: .*no database/);
    assert.deepEqual(pidsOf(server), after);
    assert.equal((await ask(server, '/pid')).status, 200);
    await server.stop();
  });

  test('as Laravel Octane does it: no configuration, rpc.listen, -s, and not a word', async (t) => {
    const listen = `tcp://127.0.0.1:${await freePort()}`;
    const server = await start(t, { config: { rpc: { listen } } });
    await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
    const before = pidsOf(server);
    for (const files of [{}, { '.rr.yaml': '' }]) {
      const { code, stdout, stderr } = await runCli(t, ['reset', '-o', `rpc.listen=${listen}`, '-s'], {
        files,
        calledAs: 'rr',
      });
      assert.deepEqual([code, stdout, stderr], [0, '', '']);
    }
    await replaced(server, before);
    const workers = await runCli(t, ['workers', '-o', `rpc.listen=${listen}`]);
    assert.deepEqual([workers.code, workers.stderr], [0, '']);
    for (const pid of pidsOf(server)) assert.match(workers.stdout, new RegExp(`^ *${pid} +ready `, 'm'));
    await server.stop();
    const gone = await runCli(t, ['reset', '-o', `rpc.listen=${listen}`, '-s']);
    assert.equal(gone.code, 69);
    assert.match(gone.stderr, /^rrts: no server runs here with \.rr\.yaml\n/);
  });
});

describe('rrts stop', { concurrency: 2 }, () => {
  test('waits for what runs; then nobody is there', async (t) => {
    const server = await start(t);
    const [slow] = await running(t, server, 1000);
    const { code, stdout, stderr } = await runFor(t, server, ['stop']);
    assert.deepEqual([code, stderr, await slow], [0, '', 200]);
    assert.ok(!isAlive(server.pid), 'it is gone when the command ends');
    assert.match(stdout, new RegExp(`^stopping ${server.pid}; .*30s\\n[\\s\\S]*${server.pid} has ended, after `));
    assert.deepEqual(await server.waitForEnd(), { code: 0, signal: null });
    const again = await runFor(t, server, ['stop']);
    assert.equal(again.code, 69);
    assert.match(again.stderr, /^rrts: no server runs here with .*app\.yaml\n {2}Start it/);
  });

  test('-f cuts what runs', async (t) => {
    const server = await start(t);
    const [slow] = await running(t, server, 60_000);
    const { code } = await runFor(t, server, ['stop', '-f', '-s']);
    assert.equal(code, 0);
    assert.match(String(await slow), /^(5\d\d|cut)$/);
    assert.equal((await server.waitForEnd(20_000)).code, 143);
  });

  test('while it boots: workers shows it, reset and stop work', async (t) => {
    const config = { http: { pool: { allocate_timeout: '60s' } } };
    const server = await spawnServer({ command: ['php', fixture('misbehaving/never-answers.php')], config });
    t.after(() => server.discard());
    await eventually(() => server.workers().length === 2, 'workers that boot', 20_000);
    const { stdout } = await runFor(t, server, ['workers']);
    assert.match(stdout, /, starting, up[\s\S]*\nhttp: 2 workers, 2 starting, 0 waiting\n/);
    assert.equal((await runFor(t, server, ['stop'])).code, 0);
    assert.equal((await server.waitForEnd()).code, 0);
  });

  test('while it stops: workers says so, a further stop waits as well, -f ends it', async (t) => {
    const server = await start(t, { config: { endure: { grace_period: '300s' } } });
    const [slow] = await running(t, server, 600_000);
    const first = runFor(t, server, ['stop']);
    await server.waitForLog(mentions(/asked to stop/), 'that it stops', 20_000);
    assert.match((await runFor(t, server, ['workers'])).stdout, /, stopping, up/);
    for (const words of [['reset'], ['workers', 'add']]) {
      const { code, stderr } = await runFor(t, server, words);
      assert.deepEqual([code, stderr], [69, `rrts: the server (${server.pid}) is stopping\n`]);
    }
    const second = await runFor(t, server, ['stop'], { until: /busy/ });
    assert.match(second.stdout, new RegExp(`^stopping ${server.pid}; .*5m`), 'it waits as well');
    assert.equal((await runFor(t, server, ['stop', '-f'])).code, 0);
    assert.equal((await first).code, 0);
    assert.match((await first).stdout, /\n {2}1 worker of \d busy\n/);
    assert.match(String(await slow), /^(5\d\d|cut)$/);
    await server.waitForEnd();
  });

  test('by the pid file when there is no control socket', async (t) => {
    const file = tempDir(t).file('rrts.pid');
    const server = await start(t, { config: { control: { socket: '' } }, args: ['-p', file] });
    assert.ok(!existsSync(server.dir.file('run')));
    assert.equal((await runFor(t, server, ['stop'])).code, 69);
    assert.equal((await runFor(t, server, ['workers'])).code, 69);
    assert.equal((await runFor(t, server, ['stop', '-p', file])).code, 0);
    assert.equal((await server.waitForEnd()).code, 0);
    assert.ok(!existsSync(file));
  });
});

describe('P05 the control socket', { concurrency: 2 }, () => {
  for (const mask of ['0', '022', '077']) {
    test(`umask ${mask}: mode 0600 in a directory of mode 0700`, async (t) => {
      const path = tempDir(t).file('own/rrts.sock');
      const before = process.umask(Number.parseInt(mask, 8));
      const starting = spawnServer({ command: SDK_JSON.command, config: { control: { socket: path } } });
      const server = await starting.finally(() => process.umask(before));
      t.after(() => server.discard());
      await eventually(() => existsSync(path), 'the socket', 20_000);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
      assert.equal((await runFor(t, server, ['stop'])).code, 0);
      assert.ok(!existsSync(path));
    });
  }

  test('a directory that others can enter, and a link that somebody planted: no socket, a warning, no command', async (t) => {
    const dir = tempDir(t);
    mkdirSync(dir.file('open'), { mode: 0o755 });
    mkdirSync(dir.file('theirs'), { mode: 0o700 });
    symlinkSync(dir.file('theirs'), dir.file('link'));
    for (const [name, fault] of [
      ['open', /the directory .*open lets others in \(mode 0755\)/],
      ['link', /link is a symbolic link/],
    ] as const) {
      const server = await start(t, { config: { control: { socket: dir.file(`${name}/c.sock`) } } });
      assert.match(server.logs.text(), fault);
      const { code, stderr } = await runFor(t, server, ['workers']);
      assert.equal(code, 69);
      assert.match(stderr, fault);
      await server.stop();
    }
    assert.deepEqual([readdirSync(dir.file('open')), readdirSync(dir.file('theirs'))], [[], []]);
  });

  test('another user is refused by the directory, and by the socket where the directory is open', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can be somebody else');
    const dir = tempDir(t);
    chmodSync(dir.path, 0o755);
    const path = dir.file('own/c.sock');
    const server = await start(t, { config: { control: { socket: path } } });
    const connect = async (...before: string[]): Promise<string> => {
      const code =
        'echo stream_socket_client("unix://$argv[1]", $code) === false ? socket_strerror($code) : "connected";';
      const words = [...before, 'php', '-d', 'error_reporting=0', '-r', code, '--', path];
      return (await execa('env', words)).stdout;
    };
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    assert.equal(await connect(), 'connected');
    assert.equal(await connect(...nobody), 'Permission denied');
    chmodSync(dir.file('own'), 0o755);
    assert.equal(await connect(...nobody), 'Permission denied');
    await server.stop();
  });

  test('a master that does not answer: an error after 5 s', async (t) => {
    const server = await start(t);
    server.child.kill('SIGSTOP');
    const { code, stderr } = await runFor(t, server, ['workers']);
    server.child.kill('SIGCONT');
    assert.equal(code, 69);
    assert.match(stderr, /^rrts: the server at unix:.*\.sock did not answer control\.Workers within 5s\n/);
    await server.stop();
  });

  test('one that a killed server left is replaced; that of a living one is not', async (t) => {
    const dir = tempDir(t);
    const config = { control: { socket: dir.file('own/c.sock') } };
    const killed = await start(t, { config });
    killed.child.kill('SIGKILL');
    await killed.waitForEnd();
    assert.ok(existsSync(dir.file('own/c.sock')));
    const first = await start(t, { config });
    const second = await start(t, { config });
    assert.match(second.logs.text(), /there is no control socket, .*another server with this configuration answers on/);
    const { stdout } = await runFor(t, second, ['workers']);
    assert.match(stdout, new RegExp(`pid ${first.pid}, ready`), 'the first one keeps its socket');
    await second.stop();
    assert.equal((await runFor(t, first, ['stop'])).code, 0);
  });
});

describe('R25 two masters', { concurrency: 2 }, () => {
  test('the same pid file: the second refuses at once, the first is untouched; a stale file is replaced', async (t) => {
    const file = tempDir(t).file('rrts.pid');
    const first = await start(t, { args: ['-p', file] });
    const began = performance.now();
    const second = await spawnServer({ command: SDK_JSON.command, args: ['-p', file] });
    t.after(() => second.discard());
    assert.equal((await second.waitForEnd()).code, 69);
    const ms = Math.round(performance.now() - began);
    assert.match(
      second.logs.text(),
      new RegExp(`^rrts: ${file}: an rrts with the process id ${first.pid} runs already`, 'm'),
    );
    assert.equal((await ask(first, '/pid')).status, 200);
    first.child.kill('SIGKILL');
    await first.waitForEnd();
    const third = await start(t, { args: ['-p', file] });
    await third.stop();
    assert.ok(!existsSync(file));
    t.diagnostic(`refused after ${ms} ms, the start of Node included`);
  });

  test('the same port: the second refuses, the first is untouched', async (t) => {
    const first = await start(t);
    const config = { http: { address: `127.0.0.1:${first.port}` } };
    const second = await spawnServer({ command: SDK_JSON.command, config });
    t.after(() => second.discard());
    assert.equal((await second.waitForEnd()).code, 69);
    assert.match(second.logs.text(), /cannot listen on 127\.0\.0\.1:\d+: EADDRINUSE/);
    assert.equal((await ask(first, '/pid')).status, 200);
    await first.stop();
  });
});
