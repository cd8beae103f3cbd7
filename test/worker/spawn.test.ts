// Starting a process: what stands before its command, and what is said when it cannot start.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isRrtsError } from '../../src/core/errors.ts';
import { findLaunchers, guardedWords, type SpawnOptions, spawnProcess } from '../../src/worker/spawn.ts';

const options: SpawnOptions = {
  words: ['php', 'w.php'],
  cwd: '/',
  env: { PATH: '/usr/bin:/bin' },
  user: undefined,
  group: undefined,
};

test('with setpriv a worker dies with its master; without it the command stands alone', () => {
  assert.deepEqual(guardedWords(options, { deathSignal: true }), [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    'php',
    'w.php',
  ]);
  assert.deepEqual(guardedWords(options, { deathSignal: false }), ['php', 'w.php']);
});

test('another user and group come with their supplementary groups and without new privileges', () => {
  assert.deepEqual(guardedWords({ ...options, user: 'www-data', group: 'www-data' }, { deathSignal: true }), [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--reuid=www-data',
    '--init-groups',
    '--regid=www-data',
    '--no-new-privs',
    '--',
    'php',
    'w.php',
  ]);
  assert.throws(() => guardedWords({ ...options, user: 'www-data' }, { deathSignal: false }), /need setpriv/);
});

const FAILURES = [
  [
    { words: ['no-such-php', 'w.php'] },
    /cannot start "no-such-php w\.php": no-such-php: not found in PATH \(\/usr\/bin:\/bin\)/,
  ],
  [{ words: ['/no/such/php', 'w.php'] }, /\/no\/such\/php: not found/],
  [{ cwd: '/no/such/folder' }, /working directory \/no\/such\/folder does not exist/],
  [{ words: [fileURLToPath(new URL('../../LICENSE', import.meta.url))] }, /LICENSE: EACCES/],
  [{ words: ['true', 'x'.repeat(3_000_000)] }, /E2BIG/],
] as const;

for (const deathSignal of [true, false]) {
  for (const [change, message] of FAILURES.slice(0, deathSignal ? 3 : 5)) {
    test(`a failed start names its cause: ${message} (setpriv ${deathSignal})`, async () => {
      await assert.rejects(spawnProcess({ ...options, ...change }, { deathSignal }), (error) => {
        assert.ok(isRrtsError(error) && error.code === 'ERR_WORKER_SPAWN' && error.cure !== undefined);
        assert.match(error.message, message);
        return true;
      });
    });
  }
}

test('setpriv is found where it is', () => {
  assert.equal(typeof findLaunchers().deathSignal, 'boolean');
});

test('in the batch class when that is asked for, and only then', async () => {
  const setpriv = findLaunchers();
  for (const batch of [true, false]) {
    const spawned = await spawnProcess({ ...options, words: ['sh', '-c', 'chrt -p $$'], batch }, setpriv);
    let said = '';
    for await (const chunk of spawned.stdout) said += String(chunk);
    assert.match(said, batch && setpriv.batch === true ? /SCHED_BATCH/ : /SCHED_OTHER/);
  }
});
