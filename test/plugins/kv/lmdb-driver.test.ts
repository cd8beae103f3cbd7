// The LMDB driver: the contract, and what becomes of its file.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { LmdbDriver, type LmdbOptions } from '../../../src/plugins/kv/lmdb/lmdb-driver.ts';
import { makeTempDir, type TempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { driverContext, driverContract } from './driver-contract.ts';

function tempDir(t: TestContext): TempDir {
  const dir = makeTempDir('lmdb');
  t.after(() => dir.remove());
  return dir;
}

function makeDriver(file: string, more: Partial<LmdbOptions> = {}, now = Date.now): LmdbDriver {
  const options = { key: 'kv.test.config', file, mode: 0o600, intervalMs: 60_000, ...more };
  return new LmdbDriver(options, driverContext({ now }));
}

async function open(t: TestContext, file = tempDir(t).file('data.lmdb'), more: Partial<LmdbOptions> = {}) {
  const driver = makeDriver(file, more);
  t.after(() => driver.stop());
  await driver.start();
  return driver;
}

const entry = (key: string, value: string, expiresAt?: number) => ({ key, value: Buffer.from(value), expiresAt });

driverContract('lmdb', { open: (t) => open(t) });

test('everything is there after a restart, ends included', async (t) => {
  const file = tempDir(t).file('folder/data.lmdb');
  const first = await open(t, file);
  const end = Date.now() + 600_000;
  await first.set([entry('a', '1', end), entry('b', '2'), entry('gone', 'x', Date.now() + 20)]);
  await first.stop();
  const second = await open(t, file);
  assert.deepEqual(await second.expiries(['a', 'b']), [
    { key: 'a', expiresAt: end },
    { key: 'b', expiresAt: undefined },
  ]);
  await eventually(async () => (await second.has(['gone'])).length === 0, 'its end');
});

test('the file is for its owner alone, or as permissions say', async (t) => {
  const dir = tempDir(t);
  const mode = (name: string): string => (statSync(dir.file(name)).mode & 0o777).toString(8);
  await open(t, dir.file('a.lmdb'));
  assert.deepEqual([mode('a.lmdb'), mode('a.lmdb-lock')], ['600', '600']);
  await open(t, dir.file('b.lmdb'), { mode: 0o640 });
  assert.deepEqual([mode('b.lmdb'), mode('b.lmdb-lock')], ['640', '640']);
});

test('a file that is in use is refused, and free again when its server is gone', async (t) => {
  const file = tempDir(t).file('data.lmdb');
  const first = await open(t, file);
  await assert.rejects(makeDriver(file).start(), {
    code: 'ERR_STORE',
    message: `${file} is in use by another server`,
    place: 'kv.test.config',
  });
  await first.set([entry('a', 'still works')]);
  await first.stop();
  const second = await open(t, file);
  assert.deepEqual(await second.has(['a']), ['a']);
});

test('a foreign or damaged file is an error that names it; it stays as it is', async (t) => {
  const dir = tempDir(t);
  const good = await open(t, dir.file('good.lmdb'));
  await good.set(Array.from({ length: 300 }, (_, index) => entry(`key ${index}`, 'x'.repeat(3000))));
  await good.stop();
  const cases: [string, RegExp, (path: string) => void][] = [
    ['text', /is no file of this storage/, (path) => writeFileSync(path, 'something else'.repeat(5000))],
    ['short', /is no file of this storage/, (path) => writeFileSync(path, 'x')],
    ['zeros', /is no file of this storage/, (path) => writeFileSync(path, Buffer.alloc(8192))],
    ['one page', /is damaged: its second page/, (path) => cut(dir.file('good.lmdb'), path, 4096)],
    ['half', /is damaged: its end is missing/, (path) => cut(dir.file('good.lmdb'), path, 100 * 4096)],
    ['folder', /cannot be opened: EISDIR/, (path) => mkdirSync(path)],
  ];
  for (const [name, message, make] of cases) {
    const path = dir.file(name);
    make(path);
    const before = name === 'folder' ? undefined : readFileSync(path);
    await assert.rejects(makeDriver(path).start(), { code: 'ERR_STORE', place: 'kv.test.config', message }, name);
    if (before !== undefined) assert.ok(readFileSync(path).equals(before), `${name} is as it was`);
  }
  await assert.rejects(makeDriver('/proc/nothing/data.lmdb').start(), {
    code: 'ERR_STORE',
    message: /cannot be opened/,
  });
  t.diagnostic(`${cases.length + 1} files refused`);
});

test('an LMDB file of another program is refused', async (t) => {
  const { open: openLmdb } = await import('lmdb');
  const path = tempDir(t).file('other.lmdb');
  const db = openLmdb({ path, noSubdir: true });
  await db.put('hello', 'world');
  await db.close();
  await assert.rejects(makeDriver(path).start(), { code: 'ERR_STORE', message: /LMDB file of another program/ });
});

test('ended entries leave the file, though nobody asks for them; what was written anew stays', async (t) => {
  const file = tempDir(t).file('data.lmdb');
  let now = Date.now();
  const driver = makeDriver(file, { intervalMs: 20 }, () => now);
  t.after(() => driver.stop());
  await driver.start();
  const keys = Array.from({ length: 3500 }, (_, index) => `key ${index}`);
  await driver.set(keys.map((key) => entry(key, 'x', now + 1000)));
  await driver.set([entry('stays', 'x', now + 90_000), entry('for ever', 'x')]);
  now += 2000;
  // Written while the search runs: it must not take the new value for the old one.
  await driver.set(keys.slice(0, 50).map((key) => entry(key, 'new', now + 90_000)));
  // 51 with an end, one without, and the record that says whose file it is.
  await eventually(() => driver.records === 104, 'the search', 20_000);
  assert.equal((await driver.has(keys)).length, 50);
  t.diagnostic(`${driver.records} records left of ${2 * 3502}`);
});

function cut(from: string, to: string, length: number): void {
  copyFileSync(from, to);
  truncateSync(to, length);
}
