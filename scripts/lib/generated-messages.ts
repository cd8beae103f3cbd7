// Makes TypeScript of the messages in proto/; a test compares the result with what is committed.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = join(ROOT, 'node_modules', '.bin');

/** Where the generated files are kept, from the root of the repository. */
export const MESSAGES_FOLDER = 'src/protocol/rpc/generated';

/** Writes the generated files into a folder. Rejects with what buf printed; it makes no use of the network. */
export async function generateMessages(folder: string): Promise<void> {
  await buf(['generate', '--output', folder]);
}

/** Whether buf runs here: its program is a package for each platform. */
export async function bufRuns(): Promise<boolean> {
  return buf(['--version']).then(
    () => true,
    () => false,
  );
}

async function buf(args: readonly string[]): Promise<void> {
  const env = { ...process.env, PATH: `${PROGRAMS}:${process.env['PATH'] ?? ''}` };
  await promisify(execFile)(join(PROGRAMS, 'buf'), args, { cwd: join(ROOT, 'proto'), env, timeout: 60_000 });
}
