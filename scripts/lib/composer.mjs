// Installs the Composer packages of the PHP client, the examples and the PHP test projects.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { exists, filesBelow, foldersWith, ROOT } from './paths.mjs';
import { run, ScriptError } from './run.mjs';

const CLIENT = join(ROOT, 'php-client');
const COMPAT = join(ROOT, 'examples', 'hello-roadrunner');
const PARALLEL = 3;

/**
 * Installs every project whose composer.json changed since its last installation.
 * @returns {Promise<string[]>} the projects that were installed
 * @throws {ScriptError} with Composer's output when one cannot be installed
 */
export async function ensureComposerPackages() {
  const projects = [
    CLIENT,
    ...foldersWith(join(CLIENT, 'tests', 'projects'), 'composer.json'),
    ...filesBelow(join(ROOT, 'test', 'fixtures'), 'composer.json').map(dirname),
    ...foldersWith(join(ROOT, 'examples'), 'composer.json').filter((folder) => folder !== COMPAT),
  ];
  const stale = projects.filter((folder) => hasComposerFile(folder) && !isInstalled(folder));
  const failed = await inParallel(stale, async (folder) => (await install(folder)).code !== 0);
  // Installations at once share Composer's cache, and one can read an archive that another still writes: try those alone.
  const errors = [];
  for (const folder of failed) {
    const result = await install(folder);
    if (result.code !== 0) errors.push(`composer update in ${name(folder)} failed\n${result.output.trimEnd()}`);
  }
  if (errors.length > 0) throw new ScriptError(errors.join('\n\n'));
  return stale.map(name);
}

/**
 * Tries to install the projects that use RoadRunner's own packages, which not every Composer repository serves. What
 * somebody installed by hand is taken as it is.
 * @returns {Promise<Map<string, string>>} why it was not possible, by folder relative to the repository
 */
export async function ensureCompat() {
  const projects = [COMPAT, ...foldersWith(join(ROOT, 'test', 'compat'), 'composer.json')];
  const reasons = /** @type {Map<string, string>} */ (new Map());
  for (const folder of projects.filter((project) => !hasVendor(project))) {
    const result = await install(folder);
    if (result.code !== 0) reasons.set(name(folder), `Composer: ${composerReason(result.output)}`);
  }
  return reasons;
}

/** @param {string} folder */
async function install(folder) {
  const args = ['update', '--no-interaction', '--no-progress', '--no-ansi'];
  const env = { COMPOSER_ALLOW_SUPERUSER: '1', COMPOSER_NO_INTERACTION: '1', COMPOSER_DISABLE_XDEBUG_WARN: '1' };
  const result = await run('composer', args, { cwd: folder, env, timeout: 600_000 });
  if (result.code === 0) {
    mkdirSync(join(folder, 'vendor'), { recursive: true });
    writeFileSync(stampOf(folder), fingerprint(folder));
  }
  return result;
}

/** @param {string} folder */
function isInstalled(folder) {
  return hasVendor(folder) && exists(stampOf(folder)) && readFileSync(stampOf(folder), 'utf8') === fingerprint(folder);
}

/** @param {string} folder */
function hasVendor(folder) {
  return exists(join(folder, 'vendor', 'autoload.php'));
}

/**
 * A linked package is part of the fingerprint: its autoload rules are copied into the project that requires it.
 * @param {string} folder
 */
function fingerprint(folder) {
  const text = readFileSync(join(folder, 'composer.json'), 'utf8');
  const hash = createHash('sha256').update(text);
  const repositories = Object.values(JSON.parse(text).repositories ?? {});
  for (const repository of repositories.filter((entry) => entry.type === 'path')) {
    const linked = join(resolve(folder, repository.url), 'composer.json');
    if (exists(linked)) hash.update(readFileSync(linked));
  }
  return hash.digest('hex');
}

/**
 * The line that tells why Composer could not resolve a project.
 * @param {string} output
 */
function composerReason(output) {
  const lines = output.split('\n').map((line) => line.trim());
  const telling = lines.find((line) => /could not be found|requires|failed to download|404/i.test(line));
  return (telling ?? lines.filter(Boolean).at(-1) ?? 'unknown reason').replace(/^- /, '');
}

/**
 * @param {string[]} folders
 * @param {(folder: string) => Promise<boolean>} work
 * @returns {Promise<string[]>} those for which the work answered true
 */
async function inParallel(folders, work) {
  const waiting = [...folders];
  const chosen = /** @type {string[]} */ ([]);
  const lane = async () => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
      if (await work(folder)) chosen.push(folder);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  return chosen;
}

/** @param {string} folder */
function hasComposerFile(folder) {
  return exists(join(folder, 'composer.json'));
}

/** @param {string} folder */
function stampOf(folder) {
  return join(folder, 'vendor', '.rrts-installed');
}

/** @param {string} folder */
function name(folder) {
  return relative(ROOT, folder);
}
