// Installs the npm packages of an example for the tests.

import { installOnce } from './install-once.ts';

/** Installs what the lock of a folder says when it is missing. The reason, in words, when that is not possible. */
export function ensureNodeProject(folder: string): Promise<string | undefined> {
  const command = ['npm', 'ci', '--no-audit', '--no-fund'];
  return installOnce({ folder, proof: 'node_modules/.package-lock.json', command });
}
