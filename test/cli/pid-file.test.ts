// The pid file: who may take it, and that nobody reads half of it or writes through a link.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { readPidFile, takePidFile } from '../../src/cli/pid-file.ts';
import { isRunning, isServer } from '../../src/cli/running-process.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

function tempDir(t: TestContext) {
  const dir = makeTempDir('pid');
  t.after(() => dir.remove());
  return dir;
}

/** A process that looks like a server by its command line, or does not. */
async function stranger(t: TestContext, ...words: string[]): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', ...words], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child.pid ?? 0;
}

test('it holds our pid, is removed at the end, and leaves no draft', (t) => {
  const dir = tempDir(t);
  const release = takePidFile(dir.file('a.pid'));
  assert.equal(readFileSync(dir.file('a.pid'), 'utf8'), `${process.pid}\n`);
  assert.equal(readPidFile(dir.file('a.pid')), process.pid);
  assert.deepEqual(readdirSync(dir.path), ['a.pid']);
  assert.equal(statSync(dir.file('a.pid')).mode & 0o022, 0);
  release();
  assert.ok(!existsSync(dir.file('a.pid')));
  assert.equal(takePidFile(undefined)(), undefined);
});

test('the file of a server that took our place stays', (t) => {
  const dir = tempDir(t);
  const release = takePidFile(dir.file('a.pid'));
  writeFileSync(dir.file('a.pid'), '1\n');
  release();
  assert.ok(existsSync(dir.file('a.pid')));
});

test('a server that runs keeps its file; other programs, ends, our own pid and nonsense do not matter', async (t) => {
  const dir = tempDir(t);
  const file = dir.file('a.pid');
  const [server, other] = [await stranger(t, '/usr/bin/rrts', 'serve'), await stranger(t, 'rrts', 'workers')];
  assert.deepEqual([isServer(server), isServer(other), isRunning(other)], [true, false, true]);
  writeFileSync(file, `${server}\n`);
  assert.throws(() => takePidFile(file), { code: 'ERR_PID_FILE', message: new RegExp(`process id ${server} runs`) });
  assert.equal(readFileSync(file, 'utf8'), `${server}\n`);
  for (const text of [String(other), '999999999', String(process.pid), '', 'x', '-1', '0']) {
    writeFileSync(file, text);
    takePidFile(file)();
    assert.ok(!existsSync(file), text);
  }
});

test('P05 a symbolic link is not followed', (t) => {
  const dir = tempDir(t);
  writeFileSync(dir.file('precious'), 'keep me');
  symlinkSync(dir.file('precious'), dir.file('a.pid'));
  assert.throws(() => takePidFile(dir.file('a.pid')), { code: 'ERR_CONFIG_INVALID', message: /symbolic link/ });
  symlinkSync(dir.file('precious'), dir.file(`b.pid.${process.pid}`));
  takePidFile(dir.file('b.pid'))();
  assert.equal(readFileSync(dir.file('precious'), 'utf8'), 'keep me');
});
