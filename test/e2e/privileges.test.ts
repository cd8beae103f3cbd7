// Whom PHP runs as: refused as root, and P09 of the test plan: exactly the user, groups and capabilities that were asked for.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { cliCommand, fixture, ROOT } from '../helpers/paths.ts';
import { ask, askJson } from '../helpers/request.ts';
import { type ConfigTree, type ServerWish, spawnServer, startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { MULTIPART, multipart } from './bodies.ts';

const AS_ROOT = process.getuid?.() === 0;
const ONLY_ROOT = AS_ROOT ? {} : { skip: 'needs root' };
const NOT_ALLOWED = { RRTS_ALLOW_ROOT: '' };

/** A user of this system, one with supplementary groups where there is one. */
function someUser(): string {
  const members = readFileSync('/etc/group', 'utf8').split('\n');
  const listed = members.flatMap((line) => (line.split(':')[3] ?? '').split(',')).filter((name) => name !== '');
  return listed.find((name) => name !== 'root' && ids(name, '-u')[0] !== 0) ?? 'daemon';
}

function ids(user: string, option: '-u' | '-g' | '-G'): number[] {
  return execFileSync('id', [option, user], { encoding: 'utf8' }).trim().split(' ').map(Number);
}

/** What the kernel says of a process. */
function statusOf(pid: number): Readonly<Record<string, string>> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').trimEnd().split('\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

/** The worker's script where any user may read it: the repository may lie in somebody's home. */
function readableCommand(t: TestContext): string[] {
  const dir = makeTempDir('readable');
  t.after(() => dir.remove());
  chmodSync(dir.path, 0o755);
  cpSync(fixture('sdk-json.php'), dir.file('sdk-json.php'));
  cpSync(fixture('lib'), dir.file('lib'), { recursive: true });
  execFileSync('chmod', ['-R', 'a+rX', dir.path]);
  return ['php', dir.file('sdk-json.php')];
}

async function startAs(t: TestContext, server: ConfigTree, more: Partial<ServerWish> = {}) {
  const config = { ...more.config, server };
  const started = await startServer({ command: readableCommand(t), environment: NOT_ALLOWED, ...more, config });
  t.after(() => started.discard());
  return started;
}

describe('P09 privileges of workers', () => {
  const user = someUser();
  const [uid = -1] = ids(user, '-u');
  const [primary = -1] = ids(user, '-g');
  const four = (id: number): string => Array(4).fill(id).join('\t');
  const groupOf = (gid: number): string =>
    execFileSync('getent', ['group', String(gid)], { encoding: 'utf8' }).split(':')[0] ?? '';

  for (const [what, group, gid] of [
    ['user only: its primary group', undefined, primary],
    ['user and group', groupOf(1), 1],
  ] as const) {
    test(what, ONLY_ROOT, async (t) => {
      const server = await startAs(t, group === undefined ? { user } : { user, group });
      const pid = Number((await ask(server, '/pid')).text);
      const status = statusOf(pid);
      const groups = (status['Groups'] ?? '').split(' ').map(Number);
      assert.equal(status['Uid'], four(uid));
      assert.equal(status['Gid'], four(gid));
      assert.deepEqual(groups.toSorted(), ids(user, '-G').toSorted());
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(status[set] ?? '', /^0+$/, set);
      assert.equal(status['NoNewPrivs'], '1');
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const home = execFileSync('getent', ['passwd', user], { encoding: 'utf8' }).split(':')[5] ?? '';
      for (const line of [`HOME=${home}`, `USER=${user}`, `LOGNAME=${user}`])
        assert.ok(environment.includes(line), line);
      t.diagnostic(`user ${user}: uid ${uid}, gid ${gid}, groups ${groups.join(' ')}`);
      await server.stop();
    });
  }

  test('group only is still root: refused, and with --allow-root exactly that', ONLY_ROOT, async (t) => {
    const group = groupOf(1);
    const refused = await spawnServer({
      command: readableCommand(t),
      environment: NOT_ALLOWED,
      config: { server: { group } },
    });
    t.after(() => refused.discard());
    assert.equal((await refused.waitForEnd()).code, 78);
    const server = await startAs(t, { group }, { args: ['--allow-root'] });
    const status = statusOf(Number((await ask(server, '/pid')).text));
    assert.deepEqual([status['Uid'], status['Gid'], status['NoNewPrivs']], [four(0), four(1), '1']);
    await server.stop();
  });

  test('server.on_init runs as the same user, or as its own', ONLY_ROOT, async (t) => {
    for (const [own, expected] of [
      [undefined, uid],
      ['nobody', ids('nobody', '-u')[0]],
    ] as const) {
      const command = ['php', '-r', 'echo "on_init is ", posix_geteuid(), " ", posix_getegid(), "\\n";'];
      const server = await startAs(t, { user, on_init: { command, ...(own === undefined ? {} : { user: own }) } });
      assert.match(
        server.logs.text(),
        new RegExp(`on_init is ${expected} ${own === undefined ? primary : ids(own, '-g')[0]}`),
      );
      await server.stop();
    }
  });

  test('a socket relay belongs to the worker, and nobody else may use it', ONLY_ROOT, async (t) => {
    const dir = makeTempDir('relay');
    t.after(() => dir.remove());
    chmodSync(dir.path, 0o755);
    const http = { pools: { other: { num_workers: 1 } }, routes: [{ path: '/echo', pool: 'other' }] };
    const server = await startAs(t, { user, relay: `unix://${dir.file('relay.sock')}` }, { config: { http } });
    const { uid: owner, mode } = statSync(dir.file('relay.sock'));
    assert.deepEqual([owner, mode & 0o777], [uid, 0o600]);
    assert.equal((await ask(server, '/pid')).status, 200);
    assert.equal((await ask(server, '/echo?hello=a')).text, 'A');
    await server.stop();
  });

  test('an uploaded file belongs to the worker', ONLY_ROOT, async (t) => {
    const server = await startAs(t, { user });
    const body = multipart([{ name: 'doc', filename: 'a.txt', type: 'text/plain', value: 'kept' }]);
    const headers = { 'content-type': MULTIPART };
    const { doc } = await askJson<{ doc: { sha256: string } }>(server, '/uploads', { method: 'POST', headers, body });
    assert.equal(doc.sha256, createHash('sha256').update('kept').digest('hex'), 'the worker could read it');
    await server.stop();
  });
});

describe('root is refused', () => {
  const cases: readonly (readonly [string, ConfigTree, RegExp])[] = [
    [
      'without server.user',
      {},
      /^rrts: rrts runs as root, and PHP shall not\n {2}Set server\.user and server\.group .*--allow-root/m,
    ],
    ['with server.user: root', { user: 'root' }, /^rrts: server\.user: "root" is root, and PHP shall not\n/m],
    [
      'for on_init alone',
      { user: 'daemon', on_init: { command: 'php -v', user: 'root' } },
      /^rrts: server\.on_init\.user: "root" is root/m,
    ],
    ['an unknown user', { user: 'no-such-user' }, /^rrts: server\.user: this system knows no "no-such-user"\n/m],
    [
      'an unknown group',
      { user: 'daemon', group: 'no-such-group' },
      /^rrts: server\.group: this system knows no "no-such-group"\n/m,
    ],
  ];
  for (const [what, section, says] of cases) {
    test(`${what}: one clear error, 78, nothing started`, ONLY_ROOT, async (t) => {
      const server = await spawnServer({
        command: ['php', '-v'],
        environment: NOT_ALLOWED,
        config: { server: section },
      });
      t.after(() => server.discard());
      assert.equal((await server.waitForEnd()).code, 78);
      assert.match(server.logs.text(), says);
      assert.doesNotMatch(server.logs.text(), /\n\s+at /);
      assert.ok(server.logs.records.length <= 3, server.logs.text());
    });
  }

  for (const [what, wish] of [
    ['--allow-root', { args: ['--allow-root'] }],
    ['RRTS_ALLOW_ROOT=1', { environment: { RRTS_ALLOW_ROOT: '1' } }],
  ] as const) {
    test(`${what} lets PHP run as root`, ONLY_ROOT, async (t) => {
      const server = await startAs(t, {}, wish);
      assert.equal(statusOf(Number((await ask(server, '/pid')).text))['Uid']?.split('\t')[0], '0');
      await server.stop();
    });
  }
});

test('root without the capabilities, as in a container: one clear error', ONLY_ROOT, (t) => {
  const dir = makeTempDir('capabilities');
  t.after(() => dir.remove());
  const server = 'server: { command: php -v, user: daemon }';
  writeFileSync(dir.file('app.yaml'), `version: "3"\n${server}\nhttp: { address: 127.0.0.1:0 }\n`);
  const words = ['--bounding-set', '-setuid,-setgid', '--', ...cliCommand(), 'serve', '-c', dir.file('app.yaml')];
  const { status, stderr } = spawnSync('setpriv', words, { cwd: ROOT, encoding: 'utf8', timeout: 20_000 });
  assert.equal(status, 78, stderr);
  assert.match(
    stderr,
    /^rrts: server\.user: this process may not start others as "daemon": setpriv: .*not permitted\n {2}Start/m,
  );
});
