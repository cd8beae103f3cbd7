// Removes what the Symfony examples compiled from sources that have changed since: in prod they never look again themselves.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { exists, filesBelow, ROOT } from './paths.mjs';

const EXAMPLES = ['symfony', 'symfony-messenger'].map((name) => join(ROOT, 'examples', name));

/** @returns {Promise<boolean>} whether anything was removed */
export async function discardStaleCache() {
  return EXAMPLES.filter(discard).length > 0;
}

/** @param {string} example */
function discard(example) {
  const compiled = join(example, 'var', 'cache');
  if (!exists(compiled)) return false;
  const time = statSync(compiled).mtimeMs;
  const sources = ['src', 'config'].flatMap((folder) => filesBelow(join(example, folder), ''));
  const all = [...sources, join(example, 'vendor', 'autoload.php')];
  if (all.every((path) => !exists(path) || statSync(path).mtimeMs < time)) return false;
  rmSync(compiled, { recursive: true, force: true });
  return true;
}
