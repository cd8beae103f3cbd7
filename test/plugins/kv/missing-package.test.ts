// A driver whose npm package is not installed says what to install. In a file of its own, because it hides the packages.

import assert from 'node:assert/strict';
import { register } from 'node:module';
import { test } from 'node:test';
import { LmdbDriver } from '../../../src/plugins/kv/lmdb/lmdb-driver.ts';
import { RedisDriver } from '../../../src/plugins/kv/redis/redis-driver.ts';
import { redisOptions } from '../../../src/plugins/redis-client/redis-settings.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { driverContext } from './driver-contract.ts';

const HIDE = `export async function resolve(name, context, next) {
  if (name === 'lmdb' || name === 'ioredis') throw new Error('Cannot find package ' + name);
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(HIDE)}`);

test('lmdb', async (t) => {
  const dir = makeTempDir('missing');
  t.after(() => dir.remove());
  const options = { key: 'kv.a.config', file: dir.file('a.lmdb'), mode: 0o600, intervalMs: 1000 };
  await assert.rejects(new LmdbDriver(options, driverContext()).start(), {
    code: 'ERR_STORE',
    place: 'kv.a.config',
    message: 'the package lmdb, which kv.a.config needs, cannot be loaded: Cannot find package lmdb',
    cure: 'Run npm install lmdb.',
  });
});

test('ioredis', async () => {
  const driver = new RedisDriver({ ...redisOptions({}, 'kv.a.config'), prefix: '' }, driverContext());
  await assert.rejects(driver.start(), { code: 'ERR_STORE', place: 'kv.a.config', cure: 'Run npm install ioredis.' });
});
