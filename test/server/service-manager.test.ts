// Messages to systemd: what is asked for, in which order they go out, and that a slow or missing program holds nothing up.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { ServiceManager, takeNotifyWish } from '../../src/server/service-manager.ts';
import { exists } from '../helpers/paths.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { KeptLog } from './fake-plugins.ts';

/** A systemd-notify that writes down what it is told, after a command. */
function fakeProgram(t: TestContext, first: string) {
  const dir = makeTempDir('notify');
  t.after(() => dir.remove());
  const script = `#!/bin/sh\nPATH=/usr/bin:/bin\n${first}\necho "$NOTIFY_SOCKET $*" >> ${dir.file('said')}\n`;
  writeFileSync(dir.file('systemd-notify'), script, { mode: 0o755 });
  const said = (): string[] =>
    exists(dir.file('said')) ? readFileSync(dir.file('said'), 'utf8').trimEnd().split('\n') : [];
  return { path: dir.path, said };
}

test('the variables are taken out of the environment; a watchdog counts when it is meant for this process', () => {
  const all = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '12', PATH: '/bin' };
  const environment: NodeJS.ProcessEnv = { ...all };
  assert.deepEqual(takeNotifyWish(environment, 12), { socket: '/run/n', watchdogMs: 3000 });
  assert.deepEqual(environment, { PATH: '/bin' });
  assert.deepEqual(takeNotifyWish({ ...all }, 13), { socket: '/run/n', watchdogMs: undefined });
  const { WATCHDOG_PID: _pid, ...anybody } = all;
  assert.deepEqual(takeNotifyWish({ ...anybody }, 13)?.watchdogMs, 3000);
  assert.deepEqual(takeNotifyWish({ NOTIFY_SOCKET: '@abstract' }, 1), { socket: '@abstract', watchdogMs: undefined });
  assert.equal(takeNotifyWish({ ...anybody, WATCHDOG_USEC: 'x' }, 1)?.watchdogMs, undefined);
  for (const socket of [undefined, '']) assert.equal(takeNotifyWish({ ...all, NOTIFY_SOCKET: socket }, 12), undefined);
});

test('messages go out one after the other, those of the end as well', async (t) => {
  const { path, said } = fakeProgram(t, 'sleep 0.05');
  const manager = new ServiceManager({ socket: '/run/n', watchdogMs: 100 }, path, new KeptLog());
  manager.ready('all well');
  await eventually(() => said().some((line) => line.endsWith('WATCHDOG=1')), 'a sign of life');
  manager.reloading();
  manager.ready('again');
  await eventually(() => said().some((line) => line.includes('again')), 'the end of the reload');
  manager.stopping();
  await manager.close();
  const order = said()
    .map((line) => line.split(' ')[1])
    .filter((word) => word !== 'WATCHDOG=1');
  assert.deepEqual(order, ['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
  assert.equal(said()[0], `/run/n READY=1 MAINPID=${process.pid} STATUS=all well`);
});

test('a program that hangs holds the end up for a second at most', async (t) => {
  const { path } = fakeProgram(t, 'exec sleep 30');
  const manager = new ServiceManager({ socket: '/run/n', watchdogMs: undefined }, path, new KeptLog());
  manager.ready('x');
  manager.stopping();
  await within(manager.close(), 20_000, 'the end');
});

test('one that is missing is one warning; nobody who asks is none', async () => {
  const log = new KeptLog();
  const manager = new ServiceManager({ socket: '/run/n', watchdogMs: 10 }, '/nowhere', log);
  manager.ready('x');
  await eventually(() => log.lines.length > 0, 'a warning');
  manager.stopping();
  await manager.close();
  assert.equal(log.lines.length, 1);
  const quiet = new ServiceManager(undefined, '/nowhere', log);
  quiet.ready('x');
  await quiet.close();
  assert.equal(log.lines.length, 1);
});
