// Finds out which system programs and PHP libraries are missing and installs them from Debian's packages.
import { constants, readdirSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { exists } from './paths.mjs';
import { EXIT_UNAVAILABLE, run, ScriptError, succeeds } from './run.mjs';

/**
 * @typedef {object} Need one thing that must be on the machine
 * @property {string} name as a person would call it
 * @property {string} debian the package that brings it
 * @property {(php: PhpFacts) => boolean | Promise<boolean>} present
 *
 * @typedef {object} PhpFacts
 * @property {number} versionId for example 80233; 0 when there is no PHP
 * @property {string[]} extensions in lower case
 */

const OLDEST_PHP = 80100;

/** What the server, its examples and the PHP tests need. */
export const PHP_NEEDS = [
  { name: 'PHP 8.1 or newer', debian: 'php-cli', present: (php) => php.versionId >= OLDEST_PHP },
  extension('mbstring', 'php-mbstring'),
  extension('dom', 'php-xml'),
  extension('curl', 'php-curl'),
  extension('msgpack', 'php-msgpack'),
  extension('pdo_sqlite', 'php-sqlite3'),
  extension('redis', 'php-redis'),
  program('composer', 'composer'),
  program('git', 'git'),
  program('unzip', 'unzip'),
  phpLibrary('Symfony/Component/Runtime', 'php-symfony-runtime'),
  phpLibrary('Symfony/Component/Messenger', 'php-symfony-messenger'),
  phpLibrary('Laravel/Lumen', 'php-laravel-lumen-framework'),
  phpLibrary('FastRoute', 'php-nikic-fast-route'),
];

/** What the load tests and the benchmark need besides. */
export const LOAD_NEEDS = [
  program('wrk', 'wrk'),
  program('nginx', 'nginx-light'),
  { name: 'php-fpm', debian: 'php-fpm', present: hasPhpFpm },
  extension('redis', 'php-redis'),
  phpLibrary('Symfony/Component/Messenger/Bridge/Redis', 'php-symfony-redis-messenger'),
  phpLibrary('Symfony/Component/Console', 'php-symfony-console'),
  program('redis-server', 'redis-server'),
  program('rabbitmq-server', 'rabbitmq-server'),
];

/** What tests need besides: an init for the container that they make, what tells systemd, and stores that are not ours. */
export const TEST_NEEDS = [
  program('tini', 'tini'),
  program('systemd-notify', 'systemd'),
  program('redis-server', 'redis-server'),
  program('rabbitmq-server', 'rabbitmq-server'),
  program('faketime', 'faketime'),
];

/**
 * Installs whatever of the given needs is missing.
 * @param {Need[]} needs
 * @returns {Promise<boolean>} whether anything was installed
 * @throws {ScriptError} with the line to type when this user may not install packages
 */
export async function ensureSystemPackages(needs) {
  const missing = await missingOf(needs);
  if (missing.length === 0) return false;
  const packages = [...new Set(missing.map((need) => need.debian))];
  const installer = await findInstaller();
  if (installer === undefined) throw new ScriptError(instruction(missing, packages), EXIT_UNAVAILABLE);
  console.log(`  ...   installing ${packages.join(' ')} (this can take some minutes)`);
  const [command, ...args] = [...installer, 'sh', '-c', INSTALL, 'sh', ...packages];
  const result = await run(command, args, { timeout: 900_000 });
  const still = await missingOf(needs);
  if (result.code !== 0 || still.length > 0) throw new ScriptError(failure(result, still, packages));
  return true;
}

/**
 * A postinst script would start nginx and php-fpm, which then hold ports and compete with what is measured.
 * policy-rc.d is Debian's switch against that; one that exists is the owner's and stays.
 */
const INSTALL = `
set -u
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
marker='# Temporary, from the set-up of rrts: no service is started while packages are installed.'
cleanup() { if grep -qsF "$marker" "$policy"; then rm -f "$policy"; fi; }
trap cleanup EXIT
trap 'exit 143' INT TERM HUP
if [ ! -e "$policy" ]; then printf '#!/bin/sh\\n%s\\nexit 101\\n' "$marker" > "$policy" && chmod 755 "$policy"; fi
for attempt in 1 2 3 4 5; do
  if apt-get update; then break; fi
  echo "apt-get update failed (attempt $attempt)" >&2
  sleep 3
done
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "$@"
`;

/** @param {Need[]} needs */
async function missingOf(needs) {
  const php = await readPhpFacts();
  const present = await Promise.all(needs.map((need) => need.present(php)));
  return needs.filter((_, index) => !present[index]);
}

/** @returns {Promise<PhpFacts>} */
async function readPhpFacts() {
  const code = "echo PHP_VERSION_ID, ' ', strtolower(implode(' ', get_loaded_extensions()));";
  const result = await run('php', ['-r', code], { timeout: 10_000 });
  const match = /^(\d{5}) (.*)$/m.exec(result.output);
  if (result.code !== 0 || match === null) return { versionId: 0, extensions: [] };
  return { versionId: Number(match[1]), extensions: match[2].split(' ') };
}

/** @returns {Promise<string[] | undefined>} what to put in front of the command, undefined when it may not be run */
async function findInstaller() {
  if (!(await isOnPath('apt-get'))) return undefined;
  if (process.getuid?.() === 0) return [];
  return (await succeeds('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined;
}

/**
 * @param {Need[]} missing
 * @param {string[]} packages
 */
function instruction(missing, packages) {
  return [
    `Missing: ${missing.map((need) => need.name).join(', ')}.`,
    'This user may not install packages. Run this once as root on Debian 12, then the same command again:',
    '',
    `  apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`,
  ].join('\n');
}

/**
 * @param {import('./run.mjs').RunResult} result
 * @param {Need[]} still
 * @param {string[]} packages
 */
function failure(result, still, packages) {
  const names = still.map((need) => `${need.name} (${need.debian})`).join(', ');
  const head = names === '' ? 'apt-get reported an error' : `still missing after the installation: ${names}`;
  return `${head}\napt-get install ${packages.join(' ')}\n${result.output.trimEnd()}`;
}

/**
 * @param {string} name
 * @param {string} debian
 * @returns {Need}
 */
function extension(name, debian) {
  return { name: `PHP extension ${name}`, debian, present: (php) => php.extensions.includes(name) };
}

/**
 * @param {string} name
 * @param {string} debian
 * @returns {Need}
 */
function program(name, debian) {
  return { name, debian, present: () => isOnPath(name) };
}

/**
 * @param {string} folder below Debian's folder of PHP libraries
 * @param {string} debian
 * @returns {Need}
 */
function phpLibrary(folder, debian) {
  const autoloader = join('/usr/share/php', folder, 'autoload.php');
  return { name: `PHP library ${folder}`, debian, present: () => exists(autoloader) };
}

function hasPhpFpm() {
  const folders = searchPath().filter(exists);
  return folders.some((folder) => readdirSync(folder).some((name) => /^php-fpm(\d+\.\d+)?$/.test(name)));
}

/** @param {string} name */
async function isOnPath(name) {
  for (const folder of searchPath()) {
    const found = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** nginx and php-fpm live in sbin folders, which are not on the path of an ordinary user. */
function searchPath() {
  return [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/sbin', '/sbin'];
}
