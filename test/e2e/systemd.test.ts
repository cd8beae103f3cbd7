// S09: what systemd is told, through its own systemd-notify, by a server that it starts.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runFor } from '../cli/run-cli.ts';
import { exists, fixture } from '../helpers/paths.ts';
import { ask } from '../helpers/request.ts';
import { spawnServer, statusOf, waitUntilReady } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { SDK_JSON } from './kinds.ts';

const findProgram = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(exists);

/** A socket as systemd has one, and the messages that came. */
async function startSystemd(t: TestContext) {
  const dir = makeTempDir('notify');
  t.after(() => dir.remove());
  const child = spawn('php', [fixture('notify-socket.php'), dir.file('notify')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const messages = (): string[] =>
    text
      .split('\n')
      .slice(1, -1)
      .filter((line) => !line.startsWith('BARRIER'));
  await eventually(() => text.startsWith('listening\n'), 'a socket that listens');
  return { path: dir.file('notify'), messages, dir };
}

/** A message by its first word, for the order. */
const kinds = (messages: readonly string[]): string[] => messages.map((message) => message.split(' ')[0] ?? '');

describe('S09 systemd', { concurrency: 2 }, () => {
  test('READY once the workers are, WATCHDOG while it lives, STOPPING at the stop; no worker knows of it', async (t) => {
    if (findProgram('systemd-notify') === undefined) return t.skip('systemd-notify is not installed: npm run setup');
    const systemd = await startSystemd(t);
    const environment = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '1000000' };
    const server = await spawnServer({ command: ['php', fixture('misbehaving/boot-slow.php')], environment });
    t.after(() => server.discard());
    await eventually(() => server.workers().length > 0, 'workers that boot', 20_000);
    assert.notEqual(await statusOf(server, '/ready'), 200);
    assert.deepEqual(systemd.messages(), [], 'nothing while they boot');
    await waitUntilReady(server);
    await eventually(() => systemd.messages().length >= 4, 'signs of life', 20_000);
    const [ready = ''] = systemd.messages();
    assert.match(ready, new RegExp(`^READY=1 MAINPID=${server.pid} STATUS=serving with \\d workers$`));
    for (const { pid } of server.workers()) {
      const names = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      assert.ok(!names.some((entry) => /^(NOTIFY_SOCKET|WATCHDOG_)/.test(entry)), 'no worker speaks for the server');
    }
    await server.stop();
    const seen = kinds(systemd.messages());
    const stops = seen.indexOf('STOPPING=1');
    assert.ok(stops > 0 && seen.lastIndexOf('STOPPING=1') === stops, seen.join(' '));
    assert.deepEqual([seen[0], seen.lastIndexOf('READY=1')], ['READY=1', 0]);
    assert.ok(
      seen.every((kind, index) => index === 0 || index === stops || kind === 'WATCHDOG=1'),
      seen.join(' '),
    );
    t.diagnostic(`order: ${seen.join(' ')}`);
  });

  test('RELOADING and READY around a reload', async (t) => {
    if (findProgram('systemd-notify') === undefined) return t.skip('systemd-notify is not installed: npm run setup');
    const systemd = await startSystemd(t);
    const server = await spawnServer({ command: SDK_JSON.command, environment: { NOTIFY_SOCKET: systemd.path } });
    t.after(() => server.discard());
    await eventually(() => systemd.messages().length === 1, 'READY', 20_000);
    assert.equal((await runFor(t, server, ['reload'])).code, 0);
    await eventually(() => systemd.messages().length === 3, 'the end of the reload', 20_000);
    assert.match(systemd.messages()[1] ?? '', /^RELOADING=1 MONOTONIC_USEC=\d+ /);
    await server.stop();
    assert.deepEqual(kinds(systemd.messages()), ['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
  });

  test('the watchdog of another process is not ours', async (t) => {
    if (findProgram('systemd-notify') === undefined) return t.skip('systemd-notify is not installed: npm run setup');
    const systemd = await startSystemd(t);
    const environment = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' };
    const server = await spawnServer({ command: SDK_JSON.command, environment });
    t.after(() => server.discard());
    await eventually(() => systemd.messages().length === 1, 'READY', 20_000);
    await server.stop();
    assert.deepEqual(kinds(systemd.messages()), ['READY=1', 'STOPPING=1']);
  });

  test('where systemd-notify is missing: one warning, and it serves', async (t) => {
    const bin = makeTempDir('bin');
    t.after(() => bin.remove());
    mkdirSync(bin.file('bin'));
    for (const name of ['php', 'setpriv', 'id', 'getent']) {
      const path = findProgram(name);
      if (path !== undefined) symlinkSync(path, bin.file(`bin/${name}`));
    }
    const environment = { NOTIFY_SOCKET: '/nowhere/notify', WATCHDOG_USEC: '100000', PATH: bin.file('bin') };
    const server = await spawnServer({ command: SDK_JSON.command, environment });
    t.after(() => server.discard());
    await waitUntilReady(server);
    assert.equal((await ask(server, '/pid')).status, 200);
    await server.stop();
    const warnings = server.logs.text().match(/systemd could not be told/g) ?? [];
    assert.equal(warnings.length, 1);
    assert.match(server.logs.text(), /READY=1: systemd-notify is not in PATH; it gets no further messages/);
  });
});
