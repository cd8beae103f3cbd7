// The stages of the test command: what each runs and how long it may take.
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { ensureCompat, ensureComposerPackages } from './composer.mjs';
import { discardStaleCache } from './example-cache.mjs';
import { checkExamples } from './example-checks.mjs';
import { withLock } from './lock.mjs';
import { ensureBuild, ensureExamplePackages } from './node-packages.mjs';
import { runNodeTests } from './node-tests.mjs';
import { exists, filesBelow, ROOT } from './paths.mjs';
import { runPhpUnit } from './phpunit.mjs';
import { run } from './run.mjs';
import { Tally } from './tally.mjs';

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {string[]} groups the values of --only that include it
 * @property {number} limit milliseconds it may take
 * @property {(context: StageContext) => Promise<Tally>} run
 *
 * @typedef {object} StageContext
 * @property {number} timeout milliseconds that are left for it
 * @property {string[]} filters only test files whose path contains one of these; empty for all
 */

const MINUTE = 60_000;
const OUTPUT_LINES = 120;
const CLIENT = join(ROOT, 'php-client');
const TEST = join(ROOT, 'test');
const VALIDATE = ['validate', '--strict', '--no-check-lock', '--no-interaction', '--no-ansi'];
const CS_CONFIG = '.php-cs-fixer.dist.php';
const CS_FIXER = [
  'vendor/bin/php-cs-fixer',
  'fix',
  `--config=${CS_CONFIG}`,
  '--dry-run',
  '--diff',
  '--no-ansi',
  '--show-progress=none',
];
const PHPSTAN = ['vendor/bin/phpstan', 'analyse', '--no-progress', '--no-ansi', '--memory-limit=1G'];

const PHPSTAN_CONFIGS = ['phpstan.neon', 'phpstan.neon.dist', 'phpstan.dist.neon'];
const PHPUNIT_CONFIGS = ['phpunit.xml', 'phpunit.xml.dist', 'phpunit.dist.xml'];

/** Folders below test/ that are stages of their own; everything else there is the unit stage. */
const OWN_STAGE = ['e2e', 'faults', 'compat'];

/** RUN_LONG=1 asks for the full counts, one file at a time because they measure; else the short forms, most of which wait. */
const FAULTS =
  process.env['RUN_LONG'] === '1'
    ? { minutes: 60, testMinutes: 15, concurrency: 1 }
    : { minutes: 25, testMinutes: 6, concurrency: availableParallelism() };

const EVERY_GROUP = ['lint', 'php', 'unit', 'e2e', 'examples', 'faults', 'compat'];

/** In the order in which they run: what is quick and tells most comes first. */
export const STAGES = /** @type {Stage[]} */ ([
  { name: 'composer packages', groups: EVERY_GROUP, limit: 10 * MINUTE, run: composerPackages },
  { name: 'packages of the examples', groups: ['e2e', 'examples', 'compat'], limit: 10 * MINUTE, run: examplePackages },
  { name: 'build', groups: ['unit', 'e2e', 'examples', 'faults', 'compat', 'lint'], limit: 3 * MINUTE, run: build },
  tool({
    name: 'biome',
    groups: ['lint'],
    needs: 'biome.json',
    command: bin('biome', 'ci', '--colors=off', '--diagnostic-level=warn', '.'),
  }),
  tool({
    name: 'types',
    groups: ['lint'],
    needs: 'tsconfig.test.json',
    command: bin('tsc', '-p', 'tsconfig.test.json'),
  }),
  clientTool('composer validate', 'composer.json', ['composer', ...VALIDATE]),
  clientTool('php-cs-fixer', CS_CONFIG, ['php', ...CS_FIXER]),
  clientTool('php-cs-fixer examples', CS_CONFIG, [
    'php',
    ...CS_FIXER,
    '--path-mode=override',
    '--using-cache=no',
    ...exampleFiles(),
  ]),
  clientTool('phpstan', PHPSTAN_CONFIGS, ['php', ...PHPSTAN]),
  { name: 'phpunit', groups: ['php'], limit: 8 * MINUTE, run: phpUnit },
  nodeTests('unit', { groups: ['unit'], minutes: 20, testMinutes: 5, concurrency: availableParallelism() }),
  nodeTests('e2e', { groups: ['e2e'], minutes: 25, testMinutes: 8, concurrency: availableParallelism() }),
  { name: 'examples', groups: ['e2e', 'examples'], limit: 3 * MINUTE, run: () => checkExamples() },
  nodeTests('faults', { groups: ['faults'], ...FAULTS }),
  nodeTests('compat', { groups: ['compat'], minutes: 12, testMinutes: 8, concurrency: 1, prepare: prepareCompat }),
]);

async function composerPackages() {
  await withLock(async () => {
    await ensureComposerPackages();
    await discardStaleCache();
  });
  return passed();
}

async function examplePackages() {
  await withLock(ensureExamplePackages);
  return passed();
}

async function build() {
  await withLock(ensureBuild);
  return passed();
}

/** @param {string} output a formatter's diff of many files would bury everything else */
function printOutput(output) {
  const lines = output.trimEnd().split('\n');
  for (const line of lines.slice(0, OUTPUT_LINES)) console.log(`    ${line}`);
  if (lines.length > OUTPUT_LINES) console.log(`    ... and ${lines.length - OUTPUT_LINES} more lines`);
}

function exampleFiles() {
  return filesBelow(join(ROOT, 'examples'), '.php').filter((path) => !path.includes('/var/'));
}

/** @param {StageContext} context */
async function phpUnit({ timeout }) {
  if (!PHPUNIT_CONFIGS.some((file) => exists(join(CLIENT, file)))) return absent('phpunit', PHPUNIT_CONFIGS[0]);
  return runPhpUnit(CLIENT, timeout);
}

/**
 * A stage that is one program with nothing to count inside.
 * @param {{ name: string, groups: string[], needs: string | string[], command: string[], cwd?: string }} options
 * @returns {Stage}
 */
function tool({ name, groups, needs, command: [command, ...args], cwd = ROOT }) {
  return {
    name,
    groups,
    limit: 6 * MINUTE,
    run: async ({ timeout }) => {
      const alternatives = [needs].flat();
      if (!alternatives.some((file) => exists(join(cwd, file)))) return absent(name, alternatives[0]);
      const env = { NO_COLOR: '1', COMPOSER_ALLOW_SUPERUSER: '1' };
      const result = await run(command, args, { cwd, timeout, env });
      if (result.code === 0) return passed();
      const tally = new Tally();
      tally.fail(name, result.timedOut ? 'took too long' : `exit code ${result.code}`);
      printOutput(result.output);
      return tally;
    },
  };
}

/**
 * @param {string} name
 * @param {string | string[]} needs a file, or several of which one must be there
 * @param {string[]} command
 */
function clientTool(name, needs, command) {
  return tool({ name, groups: ['php', 'lint'], needs, command, cwd: CLIENT });
}

/**
 * A stage of node:test files, named like its folder below test/.
 * @param {string} name
 * @param {{ groups: string[], minutes: number, testMinutes: number, concurrency: number,
 *   prepare?: () => Promise<NodeJS.ProcessEnv> }} options
 * @returns {Stage}
 */
function nodeTests(name, { groups, minutes, testMinutes, concurrency, prepare }) {
  return {
    name,
    groups,
    limit: minutes * MINUTE,
    run: async ({ timeout, filters }) => {
      const all = testFiles(name);
      const files = all.filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)));
      if (all.length === 0) return absent(name, `a *.test.ts file in test${name === 'unit' ? '' : `/${name}`}`);
      if (files.length === 0) return new Tally();
      const env = (await prepare?.()) ?? {};
      return runNodeTests(files, { timeout, testTimeout: testMinutes * MINUTE, concurrency, env });
    },
  };
}

/** @param {string} stage */
function testFiles(stage) {
  if (stage !== 'unit') return filesBelow(join(TEST, stage), '.test.ts');
  const others = OWN_STAGE.map((folder) => join(TEST, folder) + sep);
  return filesBelow(TEST, '.test.ts').filter((file) => !others.some((folder) => file.startsWith(folder)));
}

/** A compat test whose packages are missing skips itself, and gives this as the reason. */
async function prepareCompat() {
  const reasons = [...(await withLock(ensureCompat)).values()];
  return reasons.length === 0 ? {} : { RRTS_COMPAT_UNAVAILABLE: [...new Set(reasons)].join('; ') };
}

/**
 * Programs of the Node packages are started by Node itself: npx would add seconds and npm's own messages.
 * @param {string} name
 * @param {string[]} args
 */
function bin(name, ...args) {
  return [join(ROOT, 'node_modules', '.bin', name), ...args];
}

/**
 * A check whose settings or files are gone would otherwise pass for ever.
 * @param {string} name
 * @param {string} what
 */
function absent(name, what) {
  const tally = new Tally();
  tally.fail(name, `there is no ${what}`);
  return tally;
}

function passed() {
  const tally = new Tally();
  tally.pass();
  return tally;
}
