// Q03: what a start makes of files that a crash or the disk has broken. Only what was broken is lost, and every byte of it is kept aside.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Recovered, recover } from '../../../../src/plugins/jobs/local/recovery.ts';
import { encodeSegmentHead, SEGMENT_HEAD } from '../../../../src/plugins/jobs/local/segment.ts';
import { job, now } from '../driver-contract.ts';
import { type Line, openRig, recorder, tempDir } from './local-rig.ts';

/** A log of one file, and where each of its jobs is in it. */
interface Log {
  readonly name: string;
  readonly bytes: Buffer;
  readonly records: readonly { readonly from: number; readonly to: number }[];
}

async function makeLog(t: TestContext, jobs: number): Promise<Log> {
  const directory = tempDir(t).file('queue');
  const { driver } = await openRig(t, directory);
  for (let index = 0; index < jobs; index++) await driver.push(now(job(`job-${index}`)));
  await driver.stop();
  const [name = ''] = readdirSync(directory);
  const { entries } = await recoverIn(directory);
  const records = entries.map(({ offset, length }) => ({ from: offset, to: offset + length }));
  records.sort((a, b) => a.from - b.from);
  return { name, bytes: readFileSync(join(directory, name)), records };
}

interface Finding extends Recovered {
  readonly lines: readonly Line[];
  /** Sequences of the jobs that were found; the first job that was pushed has 1. */
  readonly jobs: readonly number[];
}

async function recoverIn(directory: string): Promise<Finding> {
  const { lines, logger } = recorder();
  const found = await recover({ directory, pipeline: 'test', key: 'key', logger, open });
  return { ...found, lines, jobs: found.entries.map(({ sequence }) => sequence).sort((a, b) => a - b) };
}

/** A fresh directory with these bytes as its only file. */
function place(directory: string, name: string, bytes: Buffer): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  writeFileSync(join(directory, name), bytes);
  return join(directory, name);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

function asideBytes(directory: string): number {
  const asides = readdirSync(directory).filter((name) => name.includes('.corrupt-'));
  return asides.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

test('cut at every byte of the last records: what is whole is there, the rest is set aside with one warning', async (t) => {
  const log = await makeLog(t, 8);
  const directory = tempDir(t).file('cut');
  const first = log.records[5]?.from ?? 0;
  let cuts = 0;
  for (let size = first; size <= log.bytes.length; size++) {
    const path = place(directory, log.name, log.bytes.subarray(0, size));
    const whole = log.records.filter(({ to }) => to <= size);
    const torn = size - (whole.at(-1)?.to ?? SEGMENT_HEAD);
    const found = await recoverIn(directory);
    assert.deepEqual(found.jobs, upTo(whole.length), `cut at ${size}`);
    assert.equal(asideBytes(directory), torn);
    assert.equal(statSync(path).size, size - torn);
    assert.deepEqual(
      found.lines.map(({ level, facts }) => [level, facts['bytes']]),
      torn === 0 ? [] : [['warn', torn]],
    );
    const again = await recoverIn(directory);
    assert.deepEqual([again.jobs, again.lines], [found.jobs, []], 'a second start has nothing to say');
    cuts++;
  }
  t.diagnostic(`${cuts} cuts`);
});

test('cut within the first bytes: a file that was begun and not written is set aside, and the queue works', async (t) => {
  const log = await makeLog(t, 1);
  const directory = tempDir(t).file('cut');
  for (let size = 0; size < (log.records[0]?.from ?? 0); size++) {
    place(directory, log.name, log.bytes.subarray(0, size));
    const { driver, receiver } = await openRig(t, directory);
    await driver.push(now(job('new')));
    driver.resume();
    await receiver.count(1);
    await driver.stop();
    assert.equal(asideBytes(directory), size);
  }
});

test('one byte changed, anywhere: only the job it belonged to is lost', async (t) => {
  const log = await makeLog(t, 5);
  const directory = tempDir(t).file('flip');
  let flips = 0;
  // With RUN_LONG=1 each of them.
  const step = process.env['RUN_LONG'] === '1' ? 1 : 3;
  for (let at = 0; at < log.bytes.length; at += step) {
    const bytes = Buffer.from(log.bytes);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
    place(directory, log.name, bytes);
    const hit = log.records.findIndex(({ from, to }) => at >= from && at < to);
    const found = await recoverIn(directory);
    assert.deepEqual(
      found.jobs,
      upTo(5).filter((sequence) => sequence !== hit + 1),
      `byte ${at}`,
    );
    assert.deepEqual(
      found.lines.map(({ level }) => level),
      [hit === 4 ? 'warn' : 'error'],
      `byte ${at}`,
    );
    const range = log.records[hit];
    assert.equal(asideBytes(directory), range === undefined ? SEGMENT_HEAD : range.to - range.from);
    const again = await recoverIn(directory);
    assert.deepEqual([again.jobs, again.lines], [found.jobs, []], `mended: byte ${at}`);
    flips++;
  }
  t.diagnostic(`${flips} bytes changed`);
});

test('random garbage behind the last record, zeros too, and the last KB cut or overwritten', async (t) => {
  const log = await makeLog(t, 40);
  const directory = tempDir(t).file('garbage');
  const last = log.bytes.length;
  const mark = log.bytes.subarray(SEGMENT_HEAD, SEGMENT_HEAD + 4);
  const overwritten = (bytes: Buffer): Buffer => Buffer.concat([log.bytes.subarray(0, last - bytes.length), bytes]);
  const kept = log.records.filter(({ to }) => to <= last - 1024).length;
  const cases: [string, Buffer, number][] = [
    ['zeros', Buffer.concat([log.bytes, Buffer.alloc(5000)]), 40],
    ['the mark again and again', Buffer.concat([log.bytes, Buffer.alloc(4000, mark)]), 40],
    ['the last KB cut', log.bytes.subarray(0, last - 1024), kept],
    ['the last KB zeros', overwritten(Buffer.alloc(1024)), kept],
    ['the last KB random', overwritten(randomBytes(1024)), kept],
    ...Array.from({ length: 100 }, (_, index): [string, Buffer, number] => {
      const tail = randomBytes(1 + index * 37);
      return [`random ${tail.toString('hex')}`, Buffer.concat([log.bytes, tail]), 40];
    }),
  ];
  for (const [name, bytes, jobs] of cases) {
    place(directory, log.name, bytes);
    const found = await recoverIn(directory);
    assert.deepEqual(found.jobs, upTo(jobs), name);
    assert.deepEqual(
      found.lines.map(({ level }) => level),
      ['warn'],
      name,
    );
  }
  t.diagnostic(`${cases.length} tails`);
});

test('after damage everything else is run, pushes work, and payloads that look like records are none', async (t) => {
  const directory = tempDir(t).file('queue');
  const first = await openRig(t, directory);
  await first.driver.push(now(job('a'), job('b'), job('c')));
  const [name = ''] = readdirSync(directory);
  const image = readFileSync(join(directory, name));
  // A payload made of the log itself: behind damage nothing of it may be taken for a record of another file.
  await first.driver.push(now(job('evil', { payload: image }), job('d')));
  const { entries } = await recoverIn(directory);
  await first.driver.stop();
  const evil = entries.find(({ sequence }) => sequence === 4);
  assert.ok(evil);
  const moved = name.replace(/-[0-9a-f]{8}/, '-00c0ffee');
  const bytes = readFileSync(join(directory, name));
  // In a file of its own mark: the records' marks are changed with the name, those within the payload are not.
  for (const { offset } of entries) bytes.writeUInt32LE(0x00c0ffee, offset);
  bytes.writeUInt8(bytes.readUInt8(evil.offset + 9) ^ 1, evil.offset + 9);
  const copy = tempDir(t).file('copy');
  place(copy, moved, bytes);
  const second = await openRig(t, copy);
  await second.driver.push(now(job('new')));
  second.driver.resume();
  await second.receiver.count(5);
  assert.deepEqual(second.receiver.ids, ['a', 'b', 'c', 'd', 'new']);
  assert.deepEqual(
    second.lines.map(({ level }) => level),
    ['error', 'info'],
  );
});

test('a newer version and files without a record of ours are refused and stay', async (t) => {
  const log = await makeLog(t, 1);
  const directory = tempDir(t).file('newer');
  const newer = Buffer.from(log.bytes);
  newer.writeUInt32LE(2, 8);
  const head = encodeSegmentHead(1);
  assert.ok(log.bytes.subarray(0, SEGMENT_HEAD).equals(head));
  const { crc32 } = await import('node:zlib');
  newer.writeUInt32LE(crc32(newer.subarray(0, 28)), 28);
  const path = place(directory, log.name, newer);
  await assert.rejects(recoverIn(directory), {
    code: 'ERR_JOBS_STORE',
    message: `${path} was written by a newer version of rrts`,
  });
  assert.ok(readFileSync(path).equals(newer));
  const text = place(directory, log.name, Buffer.alloc(3000, 'text'));
  await assert.rejects(recoverIn(directory), { message: `${text} is no file of a queue` });
  assert.deepEqual(readdirSync(directory), [basename(text)]);
});

/** Files that take only so many changes, the last of them by half; then they fail, as for a process that is killed. */
function mortal(most: number): { open: typeof open; readonly isDead: boolean } {
  let left = most;
  const dies = (): boolean => left-- <= 0;
  const dead = (): Error => new Error('killed');
  const opening = async (path: string, flags: string, mode?: number): Promise<FileHandle> => {
    if (flags === 'w' && dies()) throw dead();
    const handle = await open(path, flags, mode);
    return new Proxy(handle, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        const call = value.bind(target) as (...words: unknown[]) => unknown;
        if (name === 'write' || name === 'writeFile') {
          return async (bytes: Buffer, ...words: number[]) => {
            if (!dies()) return call(bytes, ...words);
            const half = bytes.subarray(0, bytes.length / 2);
            await (name === 'write' ? target.write(half, 0, half.length, words[2]) : target.writeFile(half));
            throw dead();
          };
        }
        if (name !== 'truncate' && name !== 'datasync') return call;
        return async (...words: unknown[]) => {
          if (dies()) throw dead();
          return call(...words);
        };
      },
    });
  };
  return {
    open: opening as typeof open,
    get isDead() {
      return left < 0;
    },
  };
}

test('killed at any step of its mending, it is begun again and finds the same', async (t) => {
  const log = await makeLog(t, 6);
  const damaged = Buffer.from(log.bytes);
  const third = log.records[2] ?? { from: 0, to: 0 };
  damaged.fill('X', third.from + 20, third.from + 40);
  const bytes = damaged.subarray(0, damaged.length - 5);
  const directory = tempDir(t).file('mending');
  let steps = 0;
  for (let isDead = true; isDead; steps++) {
    place(directory, log.name, bytes);
    const disk = mortal(steps);
    const { logger } = recorder();
    await recover({ directory, pipeline: 'test', key: 'key', logger, open: disk.open }).catch(() => undefined);
    isDead = disk.isDead;
    const { jobs } = await recoverIn(directory);
    assert.deepEqual(jobs, [1, 2, 4, 5], `killed at step ${steps}`);
    const asides = readdirSync(directory).filter((name) => name.includes('.corrupt-'));
    const kept = Buffer.concat(asides.sort().map((name) => readFileSync(join(directory, name))));
    assert.ok(kept.includes(bytes.subarray(third.from + 16, third.to)), `step ${steps}: the damage is kept`);
    assert.deepEqual((await recoverIn(directory)).lines, [], 'a third start has nothing to say');
  }
  assert.ok(steps > 8, `${steps} steps`);
  t.diagnostic(`${steps} steps`);
});
