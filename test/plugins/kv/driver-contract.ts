// What every storage driver does: one suite, run for each.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Driver, DriverContext } from '../../../src/plugins/kv/driver.ts';
import { eventually, within } from '../../helpers/wait-for.ts';

/** How a test gets storages of one kind. */
export interface Harness {
  /** A started, empty storage that ends with the test. Two of one test share nothing but the store behind them. */
  open(t: TestContext): Promise<Driver>;
}

const entry = (key: string, value: string | Buffer, expiresAt?: number) => ({
  key,
  value: Buffer.from(value),
  expiresAt,
});

/** Context of a driver that is tested alone. */
export function driverContext(more: Partial<DriverContext> = {}): DriverContext {
  return { storage: 'test', logger: silentLogger, directory: '/tmp', now: Date.now, ...more };
}

/** Keys that a careless store would lose, mix up or cut. */
export const ODD_KEYS = [
  ' ',
  '0',
  'a b',
  'a\0b',
  'a\0',
  '\n\r\t',
  'ключ',
  '鍵🔑',
  '\u007f\u0080\u07ff',
  '*?[]^-\\',
  '__proto__',
  'constructor',
  '{tag}key',
  'x'.repeat(1899),
  'x'.repeat(1900),
  'x'.repeat(1901),
  'y'.repeat(60_000),
];

/** Registers the tests of the contract. */
export function driverContract(name: string, harness: Harness): void {
  test(`${name}: set, get, has, delete, clear`, async (t) => {
    const driver = await harness.open(t);
    await driver.set([entry('a', '1'), entry('b', '2'), entry('c', '')]);
    assert.deepEqual(await driver.has(['a', 'x', 'c']), ['a', 'c']);
    assert.deepEqual(await driver.get(['c', 'x', 'a']), [
      { key: 'c', value: Buffer.from('') },
      { key: 'a', value: Buffer.from('1') },
    ]);
    await driver.set([entry('a', 'other')]);
    assert.equal(String((await driver.get(['a']))[0]?.value), 'other');
    await driver.delete(['a', 'x']);
    assert.deepEqual(await driver.has(['a', 'b', 'c']), ['b', 'c']);
    await driver.clear();
    assert.deepEqual(await driver.get(['a', 'b', 'c']), []);
    await driver.set([entry('b', 'after')]);
    assert.equal(String((await driver.get(['b']))[0]?.value), 'after');
  });

  test(`${name}: nothing to do is no error`, async (t) => {
    const driver = await harness.open(t);
    await driver.set([]);
    await driver.expire([]);
    await driver.delete([]);
    await driver.clear();
    assert.deepEqual(await driver.has([]), []);
    assert.deepEqual(await driver.get([]), []);
    assert.deepEqual(await driver.expiries([]), []);
  });

  test(`${name}: ends are kept, changed without touching the value, and taken away by a new value`, async (t) => {
    const driver = await harness.open(t);
    const end = Date.now() + 3_600_000;
    await driver.set([entry('ends', 'value', end), entry('stays', 'for ever')]);
    const before = await driver.expiries(['ends', 'stays', 'nowhere']);
    assert.deepEqual(
      before.map(({ key }) => key),
      ['ends', 'stays'],
    );
    near(before[0]?.expiresAt, end);
    assert.equal(before[1]?.expiresAt, undefined);
    const later = end + 7_200_000;
    await driver.expire([
      { key: 'ends', expiresAt: later },
      { key: 'stays', expiresAt: later },
      { key: 'nowhere', expiresAt: later },
    ]);
    for (const { expiresAt } of await driver.expiries(['ends', 'stays'])) near(expiresAt, later);
    assert.deepEqual(
      (await driver.get(['ends', 'stays', 'nowhere'])).map(({ value }) => String(value)),
      ['value', 'for ever'],
    );
    await driver.set([entry('ends', 'new')]);
    assert.deepEqual(await driver.expiries(['ends']), [{ key: 'ends', expiresAt: undefined }]);
  });

  test(`${name}: an end in the past stores nothing and removes what is there`, async (t) => {
    const driver = await harness.open(t);
    await driver.set([entry('a', '1'), entry('b', '2')]);
    await driver.set([entry('a', 'late', Date.now() - 1), entry('new', 'late', 1)]);
    await driver.expire([{ key: 'b', expiresAt: Date.now() - 1000 }]);
    assert.deepEqual(await driver.has(['a', 'b', 'new']), []);
  });

  test(`${name}: what has ended does not exist, to the millisecond and not before`, async (t) => {
    const driver = await harness.open(t);
    const end = Date.now() + 150;
    await driver.set([entry('short', 'x', end), entry('cut', 'x'), entry('long', 'x', Date.now() + 60_000)]);
    await driver.expire([{ key: 'cut', expiresAt: end }]);
    const seen = await driver.has(['short', 'cut', 'long']);
    if (Date.now() < end - 20) assert.deepEqual(seen, ['short', 'cut', 'long']);
    await eventually(async () => (await driver.has(['short', 'cut'])).length === 0, 'the end of both keys', 20_000);
    assert.ok(Date.now() >= end - 2, 'not before its end');
    assert.deepEqual(await driver.get(['short', 'cut']), []);
    assert.deepEqual(await driver.expiries(['short', 'cut']), []);
    await driver.expire([{ key: 'short', expiresAt: Date.now() + 60_000 }]);
    assert.deepEqual(await driver.has(['short', 'long']), ['long'], 'a new end brings nothing back');
  });

  test(`${name}: odd keys are kept apart`, async (t) => {
    const driver = await harness.open(t);
    await driver.set(ODD_KEYS.map((key, index) => entry(key, `value ${index}`)));
    const found = await driver.get(ODD_KEYS);
    assert.deepEqual(
      found.map(({ key, value }) => [key, String(value)]),
      ODD_KEYS.map((key, index) => [key, `value ${index}`]),
    );
    await driver.delete(ODD_KEYS.slice(1));
    assert.deepEqual(await driver.has(ODD_KEYS), ODD_KEYS.slice(0, 1));
    t.diagnostic(`${ODD_KEYS.length} keys`);
  });

  test(`${name}: values are bytes, up to a megabyte and more`, async (t) => {
    const driver = await harness.open(t);
    const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const large = Buffer.alloc(1024 * 1024, all);
    const larger = Buffer.alloc(5 * 1024 * 1024, 'x');
    await driver.set([entry('all', all), entry('large', large), entry('larger', larger)]);
    const found = await driver.get(['all', 'large', 'larger']);
    assert.deepEqual(
      found.map(({ value }) => value.length),
      [all.length, large.length, larger.length],
    );
    assert.ok(found[0]?.value.equals(all) && found[1]?.value.equals(large) && found[2]?.value.equals(larger));
  });

  test(`${name}: a driver keeps the bytes it was given, whatever becomes of the buffer`, async (t) => {
    const driver = await harness.open(t);
    const value = Buffer.from('before');
    await driver.set([{ key: 'a', value, expiresAt: undefined }]);
    value.fill('x');
    assert.equal(String((await driver.get(['a']))[0]?.value), 'before');
  });

  test(`${name}: 10,000 keys`, async (t) => {
    const driver = await harness.open(t);
    const keys = Array.from({ length: 10_000 }, (_, index) => `key ${index}`);
    const begin = performance.now();
    await driver.set(keys.map((key) => entry(key, `value of ${key}`, Date.now() + 600_000)));
    const found = await driver.get(keys);
    assert.equal(found.length, keys.length);
    assert.ok(found.every(({ key, value }) => String(value) === `value of ${key}`));
    await driver.expire(keys.map((key) => ({ key, expiresAt: Date.now() + 1_200_000 })));
    await driver.delete(keys.slice(0, 5000));
    assert.equal((await driver.has(keys)).length, 5000);
    await driver.clear();
    assert.deepEqual(await driver.has(keys), []);
    t.diagnostic(`10,000 keys set, read, prolonged, cleared in ${Math.round(performance.now() - begin)} ms`);
  });

  test(`${name}: many callers at the same time`, async (t) => {
    const driver = await harness.open(t);
    const callers = Array.from({ length: 100 }, async (_, caller) => {
      for (let round = 0; round < 10; round++) {
        const key = `caller ${caller}`;
        await driver.set([entry(key, `${caller}/${round}`), entry('shared', `${caller}/${round}`)]);
        const [own] = await driver.get([key]);
        assert.equal(String(own?.value), `${caller}/${round}`, 'what was answered is there for whoever comes after');
        if (round % 3 === 0) await driver.expire([{ key, expiresAt: Date.now() + 60_000 }]);
        if (round % 5 === 0) {
          await driver.delete([key]);
          assert.deepEqual(await driver.has([key]), []);
        }
      }
    });
    await within(Promise.all(callers), 30_000, '1000 rounds');
    assert.equal((await driver.has(Array.from({ length: 100 }, (_, caller) => `caller ${caller}`))).length, 100);
    t.diagnostic('100 callers, 1000 rounds');
  });

  test(`${name}: two storages do not see one another`, async (t) => {
    const [one, other] = [await harness.open(t), await harness.open(t)];
    await one.set([entry('key', 'one')]);
    await other.set([entry('key', 'other')]);
    assert.equal(String((await one.get(['key']))[0]?.value), 'one');
    await one.clear();
    assert.deepEqual(await one.has(['key']), []);
    assert.deepEqual(await other.has(['key']), ['key']);
  });
}

/** Redis tells the time that is left, which is then added to a clock that has gone on. */
function near(actual: number | undefined, wanted: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - wanted) < 500, `${actual} is near ${wanted}`);
}
