// The places of the repository that the scripts share.
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What the scripts remember between runs: stamps, locks, result files. Git ignores it. */
export const CACHE = join(ROOT, '.cache');

/** The compiled command line. */
export const CLI = join(ROOT, 'dist', 'cli', 'main.js');

/**
 * Every file below a folder whose name ends as asked; a missing folder has none.
 * @param {string} folder absolute path
 * @param {string} ending for example ".test.ts"
 * @returns {string[]} absolute paths, sorted
 */
export function filesBelow(folder, ending) {
  if (!isFolder(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.includes('/node_modules/') && !path.includes('/vendor/'))
    .sort();
}

/**
 * The folders directly below a folder that hold a given file.
 * @param {string} folder absolute path
 * @param {string} file for example "composer.json"
 * @returns {string[]} absolute paths, sorted
 */
export function foldersWith(folder, file) {
  if (!isFolder(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => isFolder(path) && exists(join(path, file)))
    .sort();
}

/** @param {string} path */
export function exists(path) {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** @param {string} path */
function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
