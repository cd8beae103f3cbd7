// The working directory by the name people gave it: symbolic links in it are kept, so that whoever starts a process there follows them anew.

import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/**
 * The absolute path of this process's working directory, or of `wanted` seen from there, with its symbolic links.
 * The system tells only the resolved path: /srv/releases/1 where the shell is in /srv/current, and a link that is switched
 * later would go unnoticed. `pwd` is the environment's PWD, the shell's name for the directory; it counts when it is right.
 */
export function logicalDirectory(pwd: string | undefined, wanted = '.'): string {
  const physical = resolve(wanted);
  if (pwd === undefined || !isAbsolute(pwd) || !isSame(pwd, '.')) return physical;
  const logical = resolve(pwd, wanted);
  // `..` after a link is another directory to the system than it is to the shell; the system's was entered.
  return isSame(logical, wanted) ? logical : physical;
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }));
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}
