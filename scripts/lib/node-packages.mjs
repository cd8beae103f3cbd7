// Installs the Node packages and compiles the server when that is needed.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, CLI, exists, filesBelow, foldersWith, ROOT } from './paths.mjs';
import { EXIT_UNAVAILABLE, run, runOrFail, ScriptError } from './run.mjs';

const OLDEST_NODE = [20, 19];
const NPM_TIMEOUT = 600_000;
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];
const BUILD_STAMP = join(CACHE, 'build-stamp');

/** @throws {ScriptError} when this Node is too old to run the server */
export function ensureNodeVersion() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const wanted = OLDEST_NODE.join('.');
  throw new ScriptError(`rrts needs Node ${wanted} or newer; this is ${process.versions.node}.`, EXIT_UNAVAILABLE);
}

/**
 * Runs `npm ci` when node_modules does not hold what package-lock.json says.
 * @param {string} [folder] of the package
 * @returns {Promise<boolean>} whether anything was done
 */
export async function ensureNodePackages(folder = ROOT) {
  if (nodePackagesAreInstalled(folder)) return false;
  const options = { cwd: folder, timeout: NPM_TIMEOUT };
  const result = await run('npm', ['ci', ...QUIET], options);
  // A lock written where the registry lacks the binaries of some other platform does not name them, and `npm ci` then
  // refuses it. `npm install` takes the same versions and adds what is missing; --no-save leaves the lock as it is.
  if (result.code !== 0) await runOrFail('npm', ['install', '--no-save', ...QUIET], options);
  return true;
}

/**
 * The same for every example that has npm packages of its own.
 * @returns {Promise<boolean>} whether anything was done
 */
export async function ensureExamplePackages() {
  const done = [];
  for (const folder of foldersWith(join(ROOT, 'examples'), 'package-lock.json')) {
    done.push(await ensureNodePackages(folder));
  }
  return done.includes(true);
}

/**
 * Compiles src to dist when a source file changed since the last build.
 * @returns {Promise<boolean>} whether anything was done
 */
export async function ensureBuild() {
  const wanted = sourceFingerprint();
  if (exists(CLI) && readIfThere(BUILD_STAMP) === wanted) return false;
  await runOrFail('npm', ['run', '--silent', 'build'], { timeout: 300_000 });
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(BUILD_STAMP, wanted);
  return true;
}

/**
 * Versions are compared, not file times: a fresh checkout gives package-lock.json any time it likes.
 * @param {string} folder
 */
function nodePackagesAreInstalled(folder) {
  const installedText = readIfThere(join(folder, 'node_modules', '.package-lock.json'));
  if (installedText === undefined) return false;
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(installedText).packages;
  const complete = Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || entry.peer || installed[path]?.version === entry.version,
  );
  const known = ([path, entry]) => (wanted[path] ?? entry).version === entry.version;
  return complete && Object.entries(installed).every(known);
}

function sourceFingerprint() {
  const hash = createHash('sha256');
  const settings = ['package.json', 'tsconfig.json', 'package-lock.json'].map((name) => join(ROOT, name));
  for (const path of [...settings, ...filesBelow(join(ROOT, 'src'), '.ts')]) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest('hex');
}

/** @param {string} path */
function readIfThere(path) {
  return exists(path) ? readFileSync(path, 'utf8') : undefined;
}
