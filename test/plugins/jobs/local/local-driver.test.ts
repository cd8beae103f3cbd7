// The local driver: the contract, restarts, its directory and its settings.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import { boltdbDriverType, LocalDriver, localDriverType } from '../../../../src/plugins/jobs/local/local-driver.ts';
import { placeOf } from '../../../../src/plugins/jobs/local/settings.ts';
import { eventually } from '../../../helpers/wait-for.ts';
import { driverContract, job, now, Receiver } from '../driver-contract.ts';
import { makeRig, openRig, recorder, tempDir } from './local-rig.ts';

driverContract('local', {
  async open(t, context) {
    const directory = tempDir(t).file('queue');
    const driver = new LocalDriver(
      { directory, parents: 0, mode: 0o600, boltFile: undefined, segmentBytes: 256 * 1024, open },
      context,
    );
    t.after(() => driver.stop());
    await driver.start();
    return driver;
  },
});

test('what waits, is delayed, or was handed over is there after a restart, in its order', async (t) => {
  const directory = tempDir(t).file('queue');
  const first = await openRig(t, directory, {}, { prefetch: 3 });
  await first.driver.push([
    ...now(job('a'), job('b'), job('c'), job('d'), job('urgent', { priority: 1 })),
    { job: job('soon', { options: { unique: 'key' } }), delayMs: 3000 },
  ]);
  first.driver.resume();
  const [urgent, a, b] = await first.receiver.count(3);
  urgent?.ack();
  a?.release({ ...a.job, attempt: 2 }, 0);
  first.driver.pause();
  b?.release(b.job, 0);
  await first.driver.stop();

  const second = await openRig(t, directory);
  assert.deepEqual(await second.driver.stats(), { waiting: 4, delayed: 1, reserved: 0 });
  assert.deepEqual(await second.driver.push(now(job('x', { options: { unique: 'key' } }))), ['duplicate']);
  second.driver.resume();
  await second.receiver.count(5);
  assert.deepEqual(second.receiver.ids, ['b', 'c', 'd', 'a', 'soon']);
  assert.equal(second.receiver.all[3]?.job.attempt, 2);
  assert.match(second.lines[0]?.message ?? '', /jobs of an earlier run/);
  for (const delivery of second.receiver.all) delivery.ack();
  await second.driver.stop();
  const third = await openRig(t, directory);
  assert.deepEqual(await third.driver.stats(), { waiting: 0, delayed: 0, reserved: 0 });
});

test('the directory and its files are for their owner alone, or as permissions say', async (t) => {
  const dir = tempDir(t);
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  for (const [name, wanted] of [
    ['a', 0o600],
    ['b', 0o640],
  ] as const) {
    const { driver } = await openRig(t, dir.file(name), { mode: wanted });
    await driver.push(now(job('a')));
    const [file] = readdirSync(dir.file(name));
    assert.deepEqual([mode(dir.file(name)), mode(dir.file(`${name}/${file}`))], ['700', wanted.toString(8)]);
  }
});

test('a directory that is in use is refused in one line, and free again when its owner stops', async (t) => {
  const directory = tempDir(t).file('queue');
  const first = await openRig(t, directory);
  await first.driver.push(now(job('a')));
  const second = makeRig(t, directory);
  await assert.rejects(second.driver.start(), {
    code: 'ERR_JOBS_STORE',
    message: `the queue's directory ${directory} is in use by another server or pipeline`,
    place: 'jobs.pipelines.test.config',
  });
  await second.driver.stop();
  await first.driver.push(now(job('b')));
  await first.driver.stop();
  const third = await openRig(t, directory);
  assert.deepEqual(await third.driver.stats(), { waiting: 2, delayed: 0, reserved: 0 });
});

test('a directory that cannot be made, and files of others, are errors that name them', async (t) => {
  const dir = tempDir(t);
  writeFileSync(dir.file('file'), 'x');
  const missing = dir.file('no/queue');
  await assert.rejects(makeRig(t, missing).driver.start(), {
    code: 'ERR_JOBS_STORE',
    message: new RegExp(`^${missing} cannot be made`),
  });
  await assert.rejects(makeRig(t, dir.file('file')).driver.start(), {
    code: 'ERR_JOBS_STORE',
    message: /it is no directory/,
  });
  await assert.rejects(makeRig(t, '/proc/nothing').driver.start(), { code: 'ERR_JOBS_STORE' });

  mkdirSync(dir.file('foreign'));
  const name = '0000000001-12345678.log';
  const foreign = dir.file(`foreign/${name}`);
  writeFileSync(foreign, 'the diary of somebody else '.repeat(50));
  const before = readFileSync(foreign);
  await assert.rejects(makeRig(t, dir.file('foreign')).driver.start(), {
    code: 'ERR_JOBS_STORE',
    message: `${foreign} is no file of a queue`,
    cure: `Name another directory, or move this file out of ${dir.file('foreign')}.`,
  });
  assert.ok(readFileSync(foreign).equals(before), 'it stays as it is');
});

test('destroyed, its files are gone; others in the directory stay', async (t) => {
  const dir = tempDir(t);
  const { driver } = await openRig(t, dir.file('queue'));
  await driver.push(now(job('a')));
  writeFileSync(dir.file('queue/note.txt'), 'mine');
  await driver.destroy();
  await driver.stop();
  assert.deepEqual(readdirSync(dir.file('queue')), ['note.txt']);
  await assert.rejects(driver.push(now(job('b'))), { code: 'ERR_JOBS_STORE', message: /is closed/ });
});

test("settings: a directory, a name that no pipeline can lead out of, RoadRunner's file", () => {
  const context = new Receiver().context({ directory: '/app', pipeline: 'emails' });
  assert.deepEqual(placeOf({}, context), {
    directory: '/app/var/jobs/emails',
    parents: 2,
    mode: 0o600,
    boltFile: undefined,
  });
  assert.equal(placeOf({ dir: '/data/q' }, context).directory, '/data/q');
  assert.deepEqual(placeOf({ file: 'rr.db', permissions: '0640' }, context), {
    directory: '/app/rr.db-rrts/emails',
    parents: 1,
    mode: 0o640,
    boltFile: '/app/rr.db',
  });
  for (const [pipeline, name] of [
    ['..', '%2E%2E'],
    ['../../etc', '..%2F..%2Fetc'],
    ['a:b', 'a%3Ab'],
  ] as const) {
    assert.equal(placeOf({}, { ...context, pipeline }).directory, `/app/var/jobs/${name}`);
  }
  assert.deepEqual(
    [localDriverType.name, localDriverType.roadRunnerName, boltdbDriverType.name],
    ['local', 'boltdb', 'boltdb'],
  );
});

test('a BoltDB file that is there is warned of, and left alone', async (t) => {
  const dir = tempDir(t);
  writeFileSync(dir.file('rr.db'), 'bolt');
  const { lines, logger } = recorder();
  const receiver = new Receiver();
  const driver = boltdbDriverType.create(
    { file: 'rr.db' },
    undefined,
    receiver.context({ directory: dir.path, logger }),
  );
  t.after(() => driver.stop());
  await driver.start();
  await driver.push(now(job('a')));
  driver.resume();
  await receiver.count(1);
  receiver.all[0]?.ack();
  assert.deepEqual(readFileSync(dir.file('rr.db'), 'utf8'), 'bolt');
  assert.match(lines.find(({ level }) => level === 'warn')?.message ?? '', /BoltDB cannot be read/);
  await eventually(() => readdirSync(dir.file('rr.db-rrts/test')).length === 1, 'its file');
});
