// Damage of the files that is found while the server runs: a job that is still in memory is not lost for it, and nothing waits for ever.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../helpers/wait-for.ts';
import { job, now } from '../driver-contract.ts';
import { faultyOpen, openRig, type Rig, systemError, tempDir } from './local-rig.ts';

/** Changes a byte of the payload that holds `text`, in whichever file it is. */
function damage(directory: string, text: string): void {
  for (const name of readdirSync(directory)) {
    const at = readFileSync(join(directory, name)).indexOf(text);
    if (at !== -1) writeSync(openSync(join(directory, name), 'r+'), 'X', at);
  }
}

/** The first job is handed over, and its record damaged; then the files are emptied, one after the other. */
async function damagedWhileReserved(t: TestContext): Promise<Rig & { directory: string }> {
  const directory = tempDir(t).file('queue');
  const rig = await openRig(t, directory, { segmentBytes: 30_000 }, { prefetch: 2 });
  const { driver, receiver, lines } = rig;
  driver.resume();
  await driver.push(now(job('kept', { payload: Buffer.from('precious') })));
  await receiver.count(1);
  damage(directory, 'precious');
  for (let round = 2; !lines.some(({ message }) => /is damaged on the disk/.test(message)); round++) {
    assert.ok(round < 200, 'the damage is found when the file is emptied');
    await driver.push(now(job(`${round}`, { payload: Buffer.alloc(5000) })));
    (await receiver.count(round))[round - 1]?.ack();
  }
  return { ...rig, directory };
}

test('a job that runs, and whose record is found to be damaged: its place is free when it is done', async (t) => {
  const { driver, receiver } = await damagedWhileReserved(t);
  receiver.all[0]?.ack();
  assert.equal((await driver.stats()).reserved, 0);
  const before = receiver.all.length;
  await driver.push(now(job('a'), job('b')));
  await receiver.count(before + 2);
});

test('a job that runs, and whose record is found to be damaged, is stored again: a crash does not lose it', async (t) => {
  const { driver, lines, directory } = await damagedWhileReserved(t);
  // By then all that is owed has been written.
  await driver.push(now(job('last')));
  const copy = `${directory}-copy`;
  execFileSync('cp', ['-r', directory, copy]);
  const again = await openRig(t, copy);
  again.driver.resume();
  await again.receiver.count(2);
  const kept = again.receiver.all.find(({ job: { id } }) => id === 'kept');
  assert.equal(String(kept?.job.payload), 'precious');
  assert.ok(lines.some(({ level, message }) => level === 'warn' && /written again/.test(message)));
});

test('a record that can never be read does not hold up the others', async (t) => {
  const directory = tempDir(t).file('queue');
  const first = await openRig(t, directory);
  // Larger than what is read at once, so that one fault is one job's.
  const large = (id: string) => job(id, { payload: Buffer.alloc(300_000, id) });
  await first.driver.push(now(large('a'), large('b'), large('c')));
  await first.driver.stop();
  const { driver, receiver, lines } = await openRig(t, directory, { open: badSector(10_000) });
  driver.resume();
  assert.deepEqual(
    (await receiver.count(2)).map(({ job: { id } }) => id),
    ['b', 'c'],
  );
  const { waiting, delayed } = await driver.stats();
  assert.equal(waiting + delayed, 1, 'it is kept');
  assert.ok(lines.some(({ facts }) => /cannot be read: EIO/.test(String(facts['error']))));
});

/** Files whose byte at `bad` cannot be read once they have been recovered. */
function badSector(bad: number): typeof open {
  const fails = faultyOpen(() => undefined);
  return (async (path: string, flags: string, mode?: number): Promise<FileHandle> => {
    const handle = await fails(path, flags, mode);
    if (flags !== 'r' || !path.endsWith('.log')) return handle;
    return new Proxy(handle, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (name !== 'read') return typeof value === 'function' ? value.bind(target) : value;
        return (bytes: Buffer, offset: number, length: number, at: number) => {
          if (at <= bad && at + length > bad) throw systemError('EIO');
          return target.read(bytes, offset, length, at);
        };
      },
    });
  }) as typeof open;
}

test('a read that brings less than was asked for is gone on with', async (t) => {
  const directory = tempDir(t).file('queue');
  const first = await openRig(t, directory);
  await first.driver.push(now(job('a', { payload: Buffer.alloc(100_000, 'a') }), job('b')));
  await first.driver.stop();
  const short = (async (path: string, flags: string, mode?: number): Promise<FileHandle> => {
    const handle = await open(path, flags, mode);
    const read = (bytes: Buffer, offset: number, length: number, at: number) =>
      handle.read(bytes, offset, Math.min(length, 1000), at);
    return new Proxy(handle, {
      get: (target, name) => {
        const value = name === 'read' ? read : (Reflect.get(target, name, target) as unknown);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }) as typeof open;
  const { driver, receiver, lines } = await openRig(t, directory, { open: short });
  driver.resume();
  assert.deepEqual(
    (await receiver.count(2)).map(({ job: { id } }) => id),
    ['a', 'b'],
  );
  assert.deepEqual(
    lines.filter(({ level }) => level !== 'info'),
    [],
  );
});

test('files are emptied: the names that went are gone for good before the next one goes', async (t) => {
  const directory = tempDir(t).file('queue');
  const oldest = (): number => Math.min(...readdirSync(directory).map((name) => Number(name.split('-')[0])));
  const synced = new Set<number>();
  const spy = faultyOpen((operation, path) => {
    if (operation === 'sync' && path === directory) synced.add(oldest());
    return undefined;
  });
  const { driver, receiver } = await openRig(t, directory, { segmentBytes: 10_000, open: spy });
  receiver.each((delivery) => delivery.ack());
  for (let round = 0; round < 20; round++) await driver.push(now(job(`${round}`, { payload: Buffer.alloc(4000) })));
  driver.resume();
  await eventually(() => readdirSync(directory).length === 1, 'one file');
  await driver.stop();
  const wanted = Array.from({ length: oldest() }, (_, index) => index + 1);
  assert.ok(wanted.length > 5, `${wanted.length} files`);
  assert.deepEqual([...synced], wanted, 'the directory was synced after each removal');
});
