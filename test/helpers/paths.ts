// Where the tests find the repository, its command line and its PHP fixtures.

import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The path of a PHP fixture: `fixture('misbehaving/bad-crc.php')`. */
export function fixture(name: string): string {
  return join(ROOT, 'test', 'fixtures', 'php', name);
}

/** Whether something exists at a path. */
export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

let command: readonly string[] | undefined;

/** The rrts command: the compiled one when it is as new as the sources, which starts quicker, or else the sources. */
export function cliCommand(): readonly string[] {
  command ??= isBuildFresh() ? [BUILT] : ['--import', TSX, join(ROOT, 'src', 'cli', 'main.ts')];
  return [process.execPath, ...command];
}

/** The loader by its path: in the folder of a test there are no packages. */
const TSX = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
const BUILT = join(ROOT, 'dist', 'cli', 'main.js');

function isBuildFresh(): boolean {
  const built = statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return sources.every((name) => !name.endsWith('.ts') || statSync(join(ROOT, 'src', name)).mtimeMs < built);
}
