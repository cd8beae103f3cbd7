// Q03 with a whole server: the files of the driver local are torn, foreign, in use, or on a full disk. One clear line, and no confirmed job is lost.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { JobStore } from '../../helpers/job-drivers.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { report } from '../rig/report.ts';
import { startJobApp } from './job-app.ts';

const storeIn = (path: string): JobStore => ({
  pipeline: (name) => ({ driver: 'local', config: { dir: join(path, name) } }),
});

function folder(t: TestContext, purpose: string) {
  const dir = makeTempDir(purpose);
  t.after(() => dir.remove());
  return dir;
}

test('Q03 the last KB of the files is cut off and overwritten after a kill: only what was in it is lost, with one warning', async (t) => {
  const [dir, storeDir] = [folder(t, 'jobs'), folder(t, 'store')];
  const store = storeIn(storeDir.path);
  const first = await startJobApp(t, store, { dir, consume: ['dead'] });
  const ids = await first.sendMany(200, 'ok', 'job', 1);
  await first.kill();
  const [name = ''] = readdirSync(storeDir.file('work'));
  const path = join(storeDir.file('work'), name);
  truncateSync(path, statSync(path).size - 1024);
  appendFileSync(path, Buffer.alloc(300, 'x'));
  const second = await startJobApp(t, store, { dir });
  const warning = await second.server.waitForLog(
    ({ text }) => text.includes('was not written completely'),
    'of the torn end',
  );
  assert.equal(warning.facts['level'], 'warn');
  await second.empty();
  const { ended } = second.notes;
  const lost = ids.filter((id) => !ended.has(id));
  report(t, { pushed: ids.length, lost: lost.length, setAside: Number(warning.facts['bytes']) }, { pushed: 200 });
  assert.ok(lost.length > 0 && lost.length < 15, `${lost.length} lost`);
  assert.deepEqual(lost, ids.slice(-lost.length), 'the last ones');
  await second.stop();
});

test('a directory that is in use, and a file of somebody else: the start ends with one line', async (t) => {
  const storeDir = folder(t, 'store');
  const store = storeIn(storeDir.path);
  const app = await startJobApp(t, store);
  const second = startJobApp(t, store);
  await assert.rejects(second, /work is in use by another server or pipeline/);
  await app.send([{ id: 'unharmed', job: 'ok' }]);
  await app.ended(1);
  await app.stop();

  const foreign = folder(t, 'store');
  mkdirSync(foreign.file('work'));
  const path = foreign.file('work/0000000001-12345678.log');
  writeFileSync(path, 'my diary '.repeat(100));
  await assert.rejects(startJobApp(t, storeIn(foreign.path)), (error: Error) => {
    assert.match(error.message, /12345678\.log is no file of a queue/);
    assert.doesNotMatch(error.message.split('the server ended')[1] ?? '', /\n\s+at .*\.js:\d+/, 'no stack trace');
    return true;
  });
  assert.match(readFileSync(path, 'utf8'), /^my diary/);
});

test('Q03 a full disk: pushes say so, jobs go on, room comes back with them, and nothing that was confirmed is lost', async (t) => {
  const disk = makeTempDir('disk');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk.path], { stdio: 'ignore' });
  } catch {
    disk.remove();
    t.skip('no file system can be mounted here');
    return;
  }
  t.after(() => {
    execFileSync('umount', ['-l', disk.path]);
    disk.remove();
  });
  const app = await startJobApp(t, storeIn(disk.path), { consume: ['dead'] });
  const confirmed: string[] = [];
  let refusal = '';
  for (let batch = 0; refusal === ''; batch++) {
    const ids = Array.from({ length: 20 }, (_, index) => `job-${batch}-${index}`);
    try {
      await app.send(ids.map((id) => ({ id, job: 'ok', payload: 'x'.repeat(5000) })));
      confirmed.push(...ids);
    } catch (error) {
      refusal = String(error);
    }
  }
  assert.match(refusal, /cannot be written: ENOSPC/);
  const before = confirmed.length;
  await app.call('jobs.Resume', { pipelines: ['work'] });
  await app.ended(before);
  await app.empty();
  // All is done, so the files can go; the first push that there is room for says that it works again.
  await eventually(
    () =>
      app.send([{ id: 'after', job: 'ok' }]).then(
        () => true,
        () => false,
      ),
    'a push',
    20_000,
  );
  await app.ended(before + 1);
  const { ended } = app.notes;
  report(t, { confirmed: before, ended: ended.size }, { confirmed: 500 });
  assert.deepEqual(
    confirmed.filter((id) => ended.get(id) !== 1),
    [],
  );
  assert.ok(!ended.has(`job-${before / 20}-0`), 'what was refused is not run');
  await app.stop();
});
