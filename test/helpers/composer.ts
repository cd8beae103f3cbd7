// Installs the Composer project of a fixture for the tests.

import { installOnce } from './install-once.ts';

/** Installs the project of a folder when its vendor folder is missing. The reason, in words, when that is not possible. */
export function ensureComposerProject(folder: string): Promise<string | undefined> {
  const command = ['composer', 'update', '--no-interaction', '--no-progress', '--no-ansi'];
  return installOnce({ folder, proof: 'vendor/autoload.php', command, environment: { COMPOSER_ALLOW_SUPERUSER: '1' } });
}
