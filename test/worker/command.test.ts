// From `server.command` to words and environment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandWords, scriptOf, withPhpSettings, workerEnvironment } from '../../src/worker/command.ts';

test('a command is split on commas, or else on spaces, and a list is taken as it is', () => {
  assert.deepEqual(commandWords('php worker.php'), ['php', 'worker.php']);
  assert.deepEqual(commandWords('/usr/bin/php,/app/my worker.php'), ['/usr/bin/php', '/app/my worker.php']);
  assert.deepEqual(commandWords(['php', 'a b.php', 'c,d']), ['php', 'a b.php', 'c,d']);
  assert.deepEqual(commandWords('  php   worker.php '), ['php', 'worker.php']);
});

test('PHP gets opcache and a harmless msgpack, other commands nothing', () => {
  const settings = ['-d', 'opcache.enable_cli=1', '-d', 'msgpack.php_only=0'];
  for (const php of ['php', '/usr/bin/php8.2', 'php-cgi']) {
    assert.deepEqual(withPhpSettings([php, '-d', 'x=1', 'w.php']), [php, ...settings, '-d', 'x=1', 'w.php']);
  }
  assert.deepEqual(withPhpSettings(['docker', 'run', 'php']), ['docker', 'run', 'php']);
});

test('messages name the script', () => {
  assert.equal(scriptOf(['php', '-d', 'a=b', 'bin/worker.php', '--x']), 'bin/worker.php');
  assert.equal(scriptOf(['php', 'artisan', 'serve']), 'php artisan serve');
});

test('the environment follows RoadRunner: own names in upper case, mode and version last', () => {
  const environment = workerEnvironment({
    inherited: { PATH: '/bin', RR_MODE: 'old', GONE: undefined },
    relay: 'pipes',
    rpc: 'tcp://127.0.0.1:6001',
    extra: { app_env: 'prod' },
    mode: 'http',
    version: '0.1.0',
  });
  assert.deepEqual(environment, {
    PATH: '/bin',
    RR_MODE: 'http',
    RR_RELAY: 'pipes',
    RRTS_RELAY: 'fd://3',
    RR_RPC: 'tcp://127.0.0.1:6001',
    APP_ENV: 'prod',
    RR_VERSION: '2025.1.5',
    RRTS_VERSION: '0.1.0',
  });
  const socket = workerEnvironment({
    inherited: {},
    relay: 'unix:///r',
    rpc: undefined,
    extra: {},
    mode: 'http',
    version: '',
  });
  assert.equal(socket['RRTS_RELAY'], 'unix:///r');
  assert.equal('RR_RPC' in socket, false);
});
