// Opens files of the log, never through a link that somebody else planted.

import { constants, lstatSync, openSync } from 'node:fs';

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
const ROOT_USER = 0;

/**
 * A descriptor that appends to the file, which is made when it is not there. A symbolic link is followed when it belongs to us or to
 * root, as `/dev/stdout` does: whoever may write to the directory of the log could lead us to any other file.
 * @throws Error that says why not, as the system or with the user whose link it is.
 */
export function openLogFile(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const isLink = found?.isSymbolicLink() === true;
  if (isLink && found.uid !== ROOT_USER && found.uid !== process.getuid?.()) {
    throw new Error(`it is a symbolic link of user ${found.uid}`);
  }
  // From here on it can only become a link by somebody else.
  return openSync(path, O_APPEND | O_CREAT | O_WRONLY | (isLink ? 0 : O_NOFOLLOW), 0o666);
}
