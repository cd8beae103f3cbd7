// Q03: disks that are full, that fail, and that hang. A push that cannot be stored says so, nothing that was confirmed is lost, and the queue goes on.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isRrtsError } from '../../../../src/core/errors.ts';
import type { Delivery } from '../../../../src/plugins/jobs/driver.ts';
import { makeTempDir } from '../../../helpers/temp-dir.ts';
import { eventually, within } from '../../../helpers/wait-for.ts';
import { job, now } from '../driver-contract.ts';
import { faultyOpen, makeRig, type Operation, openRig, systemError, tempDir } from './local-rig.ts';

const isStoreError = (error: unknown): boolean => isRrtsError(error) && error.code === 'ERR_JOBS_STORE';

/** A disk that fails as long as `failing` names an operation. */
function disk() {
  const state: { failing: readonly Operation[]; code: string } = { failing: [], code: 'EIO' };
  const fails = (operation: Operation, path: string): Error | undefined =>
    state.failing.includes(operation) && path.includes('.log') ? systemError(state.code) : undefined;
  return { state, open: faultyOpen(fails) };
}

/** The ids that a new start finds, in their order. */
async function idsAfterRestart(t: TestContext, directory: string): Promise<string[]> {
  const { driver, receiver } = await openRig(t, directory, {}, { prefetch: 100_000 });
  const { waiting } = await driver.stats();
  driver.resume();
  await receiver.count(waiting);
  const { ids } = receiver;
  await driver.stop();
  return ids;
}

const CASES: readonly [string, readonly Operation[], string][] = [
  ['a write', ['writev'], 'ENOSPC'],
  ['a write, and the cut after it', ['writev', 'truncate'], 'EIO'],
  ['a sync', ['datasync'], 'EIO'],
  ['a sync, and the cut after it', ['datasync', 'truncate'], 'EIO'],
  ['everything', ['open', 'writev', 'datasync', 'truncate', 'sync'], 'EROFS'],
];

for (const [what, failing, code] of CASES) {
  test(`${what} fails: the push is refused, and nothing else is lost`, async (t) => {
    const directory = tempDir(t).file('queue');
    const { state, open } = disk();
    const { driver, receiver, lines } = await openRig(t, directory, { open });
    await driver.push(now(job('a'), job('b'), job('c')));
    driver.resume();
    const [a, b, c] = await receiver.count(3);
    state.failing = failing;
    state.code = code;
    const refused = await Promise.allSettled([driver.push(now(job('x'), job('y'))), driver.push(now(job('z')))]);
    for (const result of refused) assert.ok(result.status === 'rejected' && isStoreError(result.reason));
    a?.ack();
    b?.release({ ...b.job, attempt: 2 }, 0);
    await assert.rejects(driver.push(now(job('v'))), isStoreError);
    const again = (await receiver.count(4))[3];
    assert.deepEqual([again?.job.id, again?.job.attempt], ['b', 2], 'a retry needs no disk');
    assert.deepEqual((await driver.stats()).reserved, 2);
    state.failing = [];
    assert.deepEqual(await driver.push(now(job('d'))), ['stored'], 'it works again');
    await eventually(() => lines.some(({ message }) => /can be written again/.test(message)), 'the line');
    const errors = lines.filter(({ level }) => level === 'error');
    assert.ok(errors.length >= 1 && errors.length <= 3, `${errors.length} lines`);
    assert.match(String(errors[0]?.facts['error']), new RegExp(`\\.log cannot be written: ${code}`));
    c?.ack();
    await driver.stop();
    assert.deepEqual(await idsAfterRestart(t, directory), ['b', 'd']);
  });
}

test('what is owed while the disk fails is written when it works, without a push', async (t) => {
  const directory = tempDir(t).file('queue');
  const { state, open } = disk();
  const { driver, receiver, lines } = await openRig(t, directory, { open });
  await driver.push(now(job('a'), job('b')));
  driver.resume();
  const [a, b] = await receiver.count(2);
  state.failing = ['writev', 'open'];
  a?.ack();
  b?.release({ ...b.job, attempt: 2 }, 60_000);
  await eventually(() => lines.some(({ level }) => level === 'error'), 'the error');
  state.failing = [];
  await eventually(() => lines.some(({ message }) => /can be written again/.test(message)), 'the end of it');
  // As a crash would leave it.
  const copy = `${directory}-copy`;
  execFileSync('cp', ['-r', directory, copy]);
  const second = await openRig(t, copy);
  assert.deepEqual(await second.driver.stats(), { waiting: 0, delayed: 1, reserved: 0 });
});

test('a disk that cannot be read for a while delays jobs and loses none; a damaged job is set aside', async (t) => {
  const directory = tempDir(t).file('queue');
  const first = await openRig(t, directory);
  await first.driver.push(now(...Array.from({ length: 10 }, (_, index) => job(`job-${index}`))));
  await first.driver.stop();
  const { state, open } = disk();
  const { driver, receiver, lines } = await openRig(t, directory, { open });
  state.failing = ['read'];
  driver.resume();
  await eventually(() => lines.some(({ message }) => /cannot be read/.test(message)), 'the complaint');
  const [name = ''] = readdirSync(directory);
  const path = join(directory, name);
  const { size } = statSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, 'damage', size - 20);
  closeSync(file);
  state.failing = [];
  await receiver.count(9);
  await eventually(() => readdirSync(directory).some((one) => one.includes('.corrupt-')), 'the copy');
  for (const delivery of receiver.all) delivery.ack();
  assert.equal((await driver.stats()).waiting, 0);
  assert.ok(lines.some(({ message }) => /is damaged on the disk and is lost/.test(message)));
  await driver.push(now(job('next')));
  await receiver.count(10);
});

test('a push that was refused for its sync does not run, though a loss of power brings its bytes back', async (t) => {
  const directory = tempDir(t).file('queue');
  const written = { path: '', bytes: Buffer.alloc(0) };
  let isFailing = false;
  const open = faultyOpen((operation, path) => {
    if (operation !== 'datasync' || !isFailing || !path.endsWith('.log')) return undefined;
    isFailing = false;
    Object.assign(written, { path, bytes: readFileSync(path) });
    return systemError('EIO');
  });
  const { driver } = await openRig(t, directory, { open });
  await driver.push(now(job('before')));
  isFailing = true;
  await assert.rejects(driver.push(now(job('refused'))), isStoreError);
  await driver.push(now(job('after')));
  await driver.stop();
  assert.ok(written.bytes.includes('payload of refused'), 'it was written');
  // The cut that followed was never synced.
  writeFileSync(written.path, written.bytes);
  assert.deepEqual(await idsAfterRestart(t, directory), ['before', 'after']);
});

test('two pushes of one unique key: when the disk refuses the first, the second is not told that it is there', async (t) => {
  const { state, open } = disk();
  const { driver } = await openRig(t, tempDir(t).file('queue'), { open });
  const unique = (id: string) => now(job(id, { options: { unique: 'key' } }));
  state.failing = ['datasync'];
  const both = await Promise.allSettled([driver.push(unique('a')), driver.push(unique('b'))]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  state.failing = [];
  assert.deepEqual(await driver.push(unique('c')), ['stored']);
});

test('a disk that hangs: a stop comes to an end, and the push is rejected', async (t) => {
  const hang = { on: false };
  const { driver, lines } = makeRig(t, tempDir(t).file('queue'), {
    open: faultyHang(hang),
  });
  await driver.start();
  await driver.push(now(job('a')));
  hang.on = true;
  const push = driver.push(now(job('b')));
  push.catch(() => undefined);
  // 5 s by the contract of drivers, and as much again for a busy machine.
  await within(driver.stop(), 10_000, 'the stop');
  await assert.rejects(push, { code: 'ERR_JOBS_STORE' });
  assert.ok(lines.some(({ message }) => /did not answer in time/.test(message)));
});

function faultyHang(hang: { on: boolean }) {
  const open = faultyOpen(() => undefined);
  const hanging = async (...words: Parameters<typeof open>) => {
    const handle = await open(...words);
    const datasync = handle.datasync.bind(handle);
    return new Proxy(handle, {
      get: (target, name) => {
        if (name === 'datasync') return () => (hang.on ? new Promise(() => undefined) : datasync());
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return hanging as typeof open;
}

/** A file system of 1 MB; undefined where tests may not mount one. */
function smallDisk(t: TestContext): string | undefined {
  const dir = makeTempDir('jobs-disk');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir.path], { stdio: 'ignore' });
  } catch {
    dir.remove();
    return undefined;
  }
  t.after(() => {
    execFileSync('umount', ['-l', dir.path]);
    dir.remove();
  });
  return dir.path;
}

test('a disk that is full of what is done is made free by the queue itself, also of the file that it writes to', async (t) => {
  const directory = tempDir(t).file('queue');
  const used = (): number =>
    readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  const open = faultyOpen((operation) =>
    operation === 'writev' && used() > 50_000 ? systemError('ENOSPC') : undefined,
  );
  const { driver, receiver } = await openRig(t, directory, { open }, { prefetch: 100 });
  const ids: string[] = [];
  const push = async (): Promise<boolean> => {
    const id = `job-${ids.length}`;
    const stored = await driver.push(now(job(id, { payload: Buffer.alloc(6000) }))).catch(() => []);
    if (stored.length > 0) ids.push(id);
    return stored.length > 0;
  };
  while (await push());
  driver.resume();
  for (const delivery of await receiver.count(ids.length)) delivery.ack();
  await eventually(push, 'a push', 20_000);
  await receiver.count(ids.length);
  await driver.stop();
  assert.deepEqual(await idsAfterRestart(t, directory), [ids.at(-1)], 'what was done does not come back');
});

test('a disk that is really full: pushes fail, jobs are run, space comes back, and every confirmed job is there once', async (t) => {
  const path = smallDisk(t);
  if (path === undefined) {
    t.skip('no file system can be mounted here');
    return;
  }
  const directory = join(path, 'queue');
  const { driver, receiver, lines } = await openRig(t, directory, { segmentBytes: 200_000 }, { prefetch: 1 });
  const stored: string[] = [];
  let refused = 0;
  const fill = async (): Promise<void> => {
    for (let tries = 0; tries < 5; ) {
      const ids = Array.from({ length: 7 }, () => `job-${stored.length + refused++}`);
      try {
        await driver.push(now(...ids.map((id) => job(id, { payload: Buffer.alloc(3000) }))));
        stored.push(...ids);
        refused -= 7;
      } catch (error) {
        assert.ok(isStoreError(error), String(error));
        tries++;
      }
    }
  };
  await fill();
  const before = stored.length;
  assert.ok(before > 200, `${before} jobs fit`);
  assert.match(String(lines[0]?.facts['error']), /cannot be written: ENOSPC/);
  assert.match(String(lines[0]?.facts['cure']), /Make room/);
  receiver.each((delivery: Delivery) => setImmediate(() => (receiver.all.length <= 150 ? delivery.ack() : undefined)));
  driver.resume();
  await receiver.count(151);
  await eventually(() => lines.some(({ message }) => /can be written again/.test(message)), 'room again');
  await fill();
  assert.ok(stored.length > before, 'what was done made room');
  await driver.stop();
  const second = await openRig(t, directory, { segmentBytes: 200_000 }, { prefetch: 1 });
  second.receiver.each((delivery) => setImmediate(() => delivery.ack()));
  const { waiting } = await second.driver.stats();
  second.driver.resume();
  await second.receiver.count(waiting);
  const done = receiver.ids.slice(0, 150);
  assert.deepEqual([...done, ...second.receiver.ids], stored);
  t.diagnostic(`${stored.length} stored, ${refused} refused`);
});
