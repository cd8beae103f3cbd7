// Places and ports of one run: a temporary folder that goes with it, and a copy of the Symfony example.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { uploadBody } from './upload.ts';

/** What the servers are made from. */
export interface Workspace {
  /** Root of the repository. */
  readonly root: string;
  /** The compiled command line of rrts. */
  readonly cli: string;
  /** Temporary; for sockets and generated files. */
  readonly folder: string;
  /** The form of the upload case, for wrk. */
  readonly bodyFile: string;
  /** The Symfony example, with its own compiled container. */
  readonly symfony: string;
  /** Vendor folder with RoadRunner's packages; undefined when they could not be installed. */
  readonly roadRunnerVendor: string | undefined;
  readonly workers: number;
}

/** What a workspace is made with. */
export type WorkspaceOptions = Pick<Workspace, 'root' | 'cli' | 'roadRunnerVendor' | 'workers'>;

/** Makes a workspace; `remove` of the result takes all of it away. */
export function openWorkspace(options: WorkspaceOptions): { workspace: Workspace; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'rrts-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const bodyFile = join(folder, 'upload.bin');
  writeFileSync(bodyFile, uploadBody());
  return { workspace: { ...options, folder, bodyFile, symfony: join(folder, 'symfony') }, remove };
}

/**
 * Copies the Symfony example without its caches and optimises the autoloader: php-fpm, which loads classes for each
 * request, gains most from that.
 */
export async function copySymfony(workspace: Workspace): Promise<void> {
  const source = join(workspace.root, 'examples', 'symfony');
  for (const name of ['composer.json', 'public', 'src', 'assets', 'vendor']) {
    cpSync(join(source, name), join(workspace.symfony, name), { recursive: true });
  }
  const args = ['dump-autoload', '--optimize', '--no-interaction', '--no-plugins', '--no-scripts'];
  await execa('composer', args, { cwd: workspace.symfony, env: { COMPOSER_ALLOW_SUPERUSER: '1' } });
}

/** A port of 127.0.0.1 that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
