// Removes what the Symfony example compiled from sources that have changed since: in prod it never looks again itself.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { exists, filesBelow, ROOT } from './paths.mjs';

const EXAMPLE = join(ROOT, 'examples', 'symfony');
const COMPILED = join(EXAMPLE, 'var', 'cache');

/** @returns {Promise<boolean>} whether anything was removed */
export async function discardStaleCache() {
  if (!exists(COMPILED)) return false;
  const compiled = statSync(COMPILED).mtimeMs;
  const sources = [...filesBelow(join(EXAMPLE, 'src'), '.php'), join(EXAMPLE, 'vendor', 'autoload.php')];
  if (sources.every((path) => !exists(path) || statSync(path).mtimeMs < compiled)) return false;
  rmSync(COMPILED, { recursive: true, force: true });
  return true;
}
