// Brings a fresh clone to the point where the demo, the tests and the benchmark can run; quick when it is there already.
import { pathToFileURL } from 'node:url';
import { ensureComposerPackages } from './lib/composer.mjs';
import { discardStaleCache } from './lib/example-cache.mjs';
import { withLock } from './lib/lock.mjs';
import { ensureBuild, ensureExamplePackages, ensureNodePackages, ensureNodeVersion } from './lib/node-packages.mjs';
import { runScript } from './lib/run.mjs';
import { step } from './lib/step.mjs';
import { ensureSystemPackages, LOAD_NEEDS, PHP_NEEDS, TEST_NEEDS } from './lib/system-packages.mjs';

/**
 * @typedef {object} SetupWish
 * @property {boolean} [load] also what load tests and the benchmark need: wrk, nginx, php-fpm, Symfony Messenger and the brokers of queues (default false)
 * @property {boolean} [tests] also what tests need: tini, systemd-notify, redis-server, rabbitmq-server (default false)
 * @property {boolean} [project] also the Composer packages and the compiled server (default true)
 */

/**
 * Does what is missing, nothing else. Two calls at once in one checkout wait for each other.
 * @param {SetupWish} [wish]
 * @throws {import('./lib/run.mjs').ScriptError} with an instruction when the user has to act
 */
export async function ensureSetup(wish = {}) {
  ensureNodeVersion();
  await withLock(async () => {
    const needs = [...PHP_NEEDS, ...(wish.load ? LOAD_NEEDS : []), ...(wish.tests ? TEST_NEEDS : [])];
    await step('Debian packages', () => ensureSystemPackages(needs));
    await step('Node packages', ensureNodePackages);
    if (wish.project === false) return;
    await step('Node packages of the examples', ensureExamplePackages);
    await step('Composer packages', async () => (await ensureComposerPackages()).length > 0);
    await step('stale cache of the Symfony example removed', discardStaleCache);
    await step('build', ensureBuild);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runScript(async () => {
    const begin = performance.now();
    await ensureSetup({ load: process.argv.includes('--load') });
    console.log(`ready after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    return 0;
  });
}
