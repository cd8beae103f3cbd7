// P05: sockets of the server under every umask, another user at their door, and links planted where the server writes.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { exists } from '../../helpers/paths.ts';
import { ask } from '../../helpers/request.ts';
import { type ConfigTree, spawnServer, startServer } from '../../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../../helpers/temp-dir.ts';
import { RpcClient } from '../../plugins/rpc/rpc-client.ts';
import { report } from '../rig/report.ts';

const NOBODY = 65534;
const AS_NOBODY = ['/usr/bin/setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
const isRoot = process.getuid?.() === 0;
const NOT_ROOT = isRoot && exists('/usr/bin/setpriv') ? false : 'needs root and setpriv';

/** A directory that everybody can enter, so that only the rights of what is in it count. */
function openDir(t: TestContext): TempDir {
  const dir = makeTempDir('rights');
  t.after(() => dir.remove());
  chmodSync(dir.file('.'), 0o755);
  return dir;
}

function modeOf(path: string): string {
  return (lstatSync(path).mode & 0o7777).toString(8);
}

/** What another user gets who connects: `EACCES`, or `connected`. */
function connectAsNobody(path: string): string {
  const script = `require('node:net').connect(process.argv[1])
    .once('connect', function () { console.log('connected'); this.destroy() })
    .once('error', (error) => console.log(error.code))`;
  const [program = '', ...words] = AS_NOBODY;
  return execFileSync(program, [...words, process.execPath, '-e', script, path], { cwd: '/', encoding: 'utf8' }).trim();
}

describe('P05 rights', { concurrency: 2 }, () => {
  for (const umask of ['000', '022', '077']) {
    test(`P05 umask ${umask}: sockets are 0600, and another user gets EACCES`, { skip: NOT_ROOT }, async (t) => {
      const dir = openDir(t);
      mkdirSync(dir.file('given'), { mode: 0o755 });
      chmodSync(dir.file('given'), 0o755);
      const sockets = [dir.file('made/rpc.sock'), dir.file('given/relay.sock'), dir.file('control/control.sock')];
      const [rpc = '', relay = '', control = ''] = sockets;
      const server = await startServer({
        command: NATIVE.command,
        config: {
          rpc: { listen: `unix://${rpc}` },
          server: { relay: `unix://${relay}` },
          control: { socket: control },
        },
        launcher: ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'],
      });
      t.after(() => server.discard());
      await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
      assert.deepEqual(sockets.map(modeOf), ['600', '600', '600']);
      assert.deepEqual(
        sockets.map((path) => modeOf(dirname(path))),
        ['700', '755', '700'],
      );
      // Open the directories: the sockets themselves must refuse.
      const closed = sockets.map(connectAsNobody);
      for (const path of sockets) chmodSync(dirname(path), 0o755);
      const refused = [...closed, ...sockets.map(connectAsNobody)];
      assert.deepEqual(new Set(refused), new Set(['EACCES']));
      const client = new RpcClient({ path: rpc });
      t.after(() => client.close());
      assert.deepEqual(await client.call('informer.List', true), ['http']);
      assert.equal((await ask(server, '/echo?hello=on')).text, 'ON');
      report(t, { umask, sockets: sockets.length, refused: refused.length }, { refused: 6 });
      await server.stop();
      assert.deepEqual(sockets.map(existsSync), [false, false, false]);
      assert.equal(existsSync(dirname(rpc)), false, 'the directory that was made is gone');
    });
  }

  test('P05 with server.user the socket and a directory made for it are of that user', {
    skip: NOT_ROOT,
  }, async (t) => {
    const dir = openDir(t);
    const socket = dir.file('made/rpc.sock');
    const server = await startServer({
      // Its files can be read by everybody.
      command: SDK_JSON.command,
      config: { rpc: { listen: `unix://${socket}` }, server: { user: 'nobody' } },
    });
    t.after(() => server.discard());
    await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
    assert.deepEqual([modeOf(socket), lstatSync(socket).uid], ['600', NOBODY]);
    assert.deepEqual([modeOf(dirname(socket)), lstatSync(dirname(socket)).uid], ['700', NOBODY]);
    assert.equal(connectAsNobody(socket), 'connected');
    // A worker that is hostile puts a link where its socket was; the next reload must not give away what the link points to.
    const victim = dir.file('victim');
    writeFileSync(victim, 'of root', { mode: 0o600 });
    const swap = `rm ${socket} && ln -s ${victim} ${socket}`;
    const [program = '', ...words] = AS_NOBODY;
    assert.equal(spawnSync(program, [...words, 'sh', '-c', swap], { cwd: '/' }).status, 0);
    server.child.kill('SIGHUP');
    await server.waitForLog(mentions(/all workers are new/), 'of the reload');
    assert.deepEqual([lstatSync(victim).uid, modeOf(victim)], [0, '600']);
    await server.stop();
  });

  const planted: Readonly<Record<string, (path: string) => { config?: ConfigTree; args?: readonly string[] }>> = {
    'the RPC socket': (path) => ({ config: { rpc: { listen: `unix://${path}` } } }),
    'the relay': (path) => ({ config: { server: { relay: `unix://${path}` } } }),
    'the pid file': (path) => ({ args: ['-p', path] }),
    'the log': (path) => ({ config: { logs: { output: ['stderr', path] } } }),
  };
  for (const [name, wish] of Object.entries(planted)) {
    for (const target of ['victim', 'nowhere']) {
      test(`P05 a link planted at ${name} is not followed: to ${target}`, { skip: NOT_ROOT }, async (t) => {
        const dir = openDir(t);
        chmodSync(dir.file('.'), 0o1777);
        writeFileSync(dir.file('victim'), 'precious', { mode: 0o644 });
        symlinkSync(dir.file(target), dir.file('link'));
        lchownSync(dir.file('link'), NOBODY, NOBODY);
        const server = await spawnServer({ command: NATIVE.command, ...wish(dir.file('link')) });
        t.after(() => server.discard());
        const { code } = await server.waitForEnd();
        assert.ok(code !== null && code > 0, `exit code ${code}\n${server.logs.tail()}`);
        assert.match(server.logs.text(), /symbolic link|address is in use|EADDRINUSE|cannot listen/);
        assert.equal(readFileSync(dir.file('victim'), 'utf8'), 'precious');
        assert.equal(existsSync(dir.file('nowhere')), false);
        assert.ok(lstatSync(dir.file('link')).isSymbolicLink());
        report(t, { exitCode: code, links: 1 }, { links: 1 });
      });
    }
  }

  test('P05 a directory in which others can put a socket is refused, with the cure', async (t) => {
    const dir = openDir(t);
    const cases: Record<string, RegExp> = { 770: /mode 0770/, 777: /mode 0777/, 757: /mode 0757/ };
    let refused = 0;
    for (const [mode, reason] of Object.entries(cases)) {
      const at = dir.file(mode);
      mkdirSync(at);
      chmodSync(at, Number.parseInt(mode, 8));
      const server = await spawnServer({
        command: NATIVE.command,
        config: { rpc: { listen: `unix://${at}/rpc.sock` } },
      });
      t.after(() => server.discard());
      const { code } = await server.waitForEnd();
      assert.ok(code !== null && code > 0);
      assert.match(server.logs.text(), reason);
      assert.match(server.logs.text(), /rpc\.listen: others can write to the directory/);
      refused++;
    }
    report(t, { refused }, { refused: 3 });
  });
});
