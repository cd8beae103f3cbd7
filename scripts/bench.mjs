// Measures rrts beside nginx with php-fpm and a bare Node server; a full run writes docs/benchmark.md and its charts.
import { ensureCompat } from './lib/composer.mjs';
import { CLI, exists, ROOT } from './lib/paths.mjs';
import { runOrFail, runScript } from './lib/run.mjs';
import { step } from './lib/step.mjs';
import { ensureSetup } from './setup.mjs';

const APP = `${ROOT}/bench/app`;
/** Where RoadRunner's packages may be: any of them serves, because the worker is booted once. */
const ROADRUNNER = ['examples/hello-roadrunner', 'test/compat/json', 'test/compat/proto'].map(
  (path) => `${ROOT}/${path}`,
);

await runScript(async (takeSignals) => {
  console.log('set-up');
  await ensureSetup({ load: true });
  await step('Composer packages of the benchmark', ensureBenchPackages);
  const roadRunner = await findRoadRunner();
  const { tsImport } = await import('tsx/esm/api');
  const { benchmark } = await tsImport('../bench/main.ts', import.meta.url);
  const abort = new AbortController();
  takeSignals(() => {
    console.log('\nstopping');
    abort.abort();
  });
  return benchmark({ argv: process.argv.slice(2), root: ROOT, cli: CLI, roadRunner, signal: abort.signal });
});

async function ensureBenchPackages() {
  if (exists(`${APP}/vendor/nyholm/psr7`) && exists(`${APP}/vendor/rrts/php-client`)) return false;
  const env = { COMPOSER_ALLOW_SUPERUSER: '1' };
  await runOrFail('composer', ['update', '--no-interaction', '--no-progress', '--no-ansi'], {
    cwd: APP,
    env,
    timeout: 600_000,
  });
  return true;
}

/** @returns {Promise<{ vendor?: string, reason?: string }>} where RoadRunner's packages are, or why they are not there */
async function findRoadRunner() {
  const installed = () => ROADRUNNER.find((folder) => exists(`${folder}/vendor/spiral/roadrunner-http`));
  if (installed() !== undefined) return { vendor: `${installed()}/vendor` };
  const reason = await ensureCompat();
  const folder = installed();
  return folder === undefined ? { reason: reason ?? 'Composer did not install them' } : { vendor: `${folder}/vendor` };
}
