// The control socket of a server that is not there: who answers, what is refused, what is swept away.

import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { RpcClient } from '../../../src/cli/client/rpc-client.ts';
import { serviceOf } from '../../../src/plugins/rpc-router/services.ts';
import { openControl } from '../../../src/server/control/control-listener.ts';
import { makeTempDir, type TempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { KeptLog } from '../fake-plugins.ts';

function tempDir(t: TestContext): TempDir {
  const dir = makeTempDir('control');
  t.after(() => dir.remove());
  return dir;
}

async function open(t: TestContext, dir: TempDir, written?: string) {
  const logger = new KeptLog();
  const stops: boolean[] = [];
  const status = { pid: 7, version: '1', phase: 'ready', config: '/app.yaml', startedAt: 0, now: 1 } as const;
  const close = await openControl({
    host: {
      status: () => status,
      pools: () => [],
      reload: async () => ({ applied: ['http.pool.num_workers'], restart: [] }),
      stop: (force) => void stops.push(force),
      graceMs: () => 1234,
    },
    services: new Map([['clock', serviceOf({ Now: () => 12 })]]),
    place: {
      file: 'app.yaml',
      directory: dir.path,
      written,
      environment: { RUNTIME_DIRECTORY: dir.file('run') },
      uid: process.getuid?.() ?? 0,
    },
    logger,
  });
  t.after(close);
  return { logger, stops, close, status };
}

test('it answers control and what other listeners answer', async (t) => {
  const dir = tempDir(t);
  const { stops, status, close } = await open(t, dir, 'own/c.sock');
  const client = await RpcClient.connect({ kind: 'unix', path: dir.file('own/c.sock') });
  t.after(() => client.close());
  const call = (method: string, argument: unknown = null) => client.call(method, argument, 5000);
  assert.deepEqual(await call('control.Status'), status);
  assert.deepEqual(await call('control.Workers'), { ...status, pools: [] });
  assert.deepEqual(await call('control.Reload'), { applied: ['http.pool.num_workers'], restart: [] });
  assert.equal(await call('clock.Now'), 12);
  for (const argument of [null, false, true, { force: true }, { force: false }, {}]) {
    if (argument !== null && typeof argument === 'object' && !('force' in argument)) {
      await assert.rejects(call('control.Stop', argument), { message: /must be true \(at once\), false, or nothing/ });
    } else assert.deepEqual(await call('control.Stop', argument), { pid: 7, graceMs: 1234 });
  }
  await eventually(() => stops.length === 5, 'five stops');
  assert.deepEqual(stops, [false, false, true, true, false]);
  await close();
  assert.ok(!existsSync(dir.file('own/c.sock')));
});

test('the default directory is swept of old sockets that nobody answers on, and of nothing else', async (t) => {
  const dir = tempDir(t);
  mkdirSync(dir.file('run'), { mode: 0o700 });
  const killed = createServer();
  await new Promise<void>((resolve) => killed.listen(dir.file('s'), resolve));
  const names = ['0123456789abcdef.sock', 'aaaaaaaaaaaaaaaa.sock', 'other.sock'].map((name) => dir.file(`run/${name}`));
  for (const name of names) linkSync(dir.file('s'), name);
  writeFileSync(dir.file('run/bbbbbbbbbbbbbbbb.sock'), 'no socket');
  const alive = createServer().listen(dir.file('run/cccccccccccccccc.sock'));
  t.after(() => alive.close());
  await new Promise((resolve) => killed.close(resolve));
  const old = new Date(Date.now() - 120_000);
  for (const name of [...names, dir.file('run/cccccccccccccccc.sock')]) utimesSync(name, old, old);
  await open(t, dir);
  const left = names.map((name) => existsSync(name));
  assert.deepEqual(left, [false, false, true]);
  assert.ok(existsSync(dir.file('run/bbbbbbbbbbbbbbbb.sock')) && existsSync(dir.file('run/cccccccccccccccc.sock')));
});

test('where it cannot be: one warning that says what to do', async (t) => {
  const dir = tempDir(t);
  const { logger } = await open(t, dir, 'no/such/c.sock');
  const long = await open(t, dir, `${'x'.repeat(120)}/c.sock`);
  const off = await open(t, dir, '');
  assert.match(
    logger.lines.join('\n'),
    /^warn there is no control socket, .* cannot be made \(ENOENT\); control\.socket names/,
  );
  assert.match(long.logger.lines.join('\n'), /is longer than 107 bytes/);
  assert.deepEqual(off.logger.lines, []);
});
