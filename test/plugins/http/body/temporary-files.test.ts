// The sweep of what a killed process left behind.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  removeFiles,
  sweepUploads,
  temporaryPath,
  UPLOAD_PREFIX,
} from '../../../../src/plugins/http/body/temporary-files.ts';

const HOUR = 3_600_000;

test('only stale plain files with our prefix are swept', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rrts-sweep-'));
  const old = new Date(Date.now() - 2 * HOUR);
  const stale = [temporaryPath(dir), temporaryPath(dir)];
  const kept = [temporaryPath(dir), join(dir, 'upload123'), join(dir, 'phpAbC'), join(dir, `x${UPLOAD_PREFIX}`)];
  for (const path of [...stale, ...kept]) await writeFile(path, 'x');
  for (const path of [...stale, ...kept.slice(1)]) await utimes(path, old, old);
  const folder = join(dir, `${UPLOAD_PREFIX}folder`);
  await mkdir(folder);
  await utimes(folder, old, old);
  const link = join(dir, `${UPLOAD_PREFIX}link`);
  await symlink('/etc/passwd', link);
  assert.equal(await sweepUploads(dir, HOUR), 2);
  assert.deepEqual(
    (await readdir(dir)).sort(),
    [...kept, folder, link].map((path) => path.slice(dir.length + 1)).sort(),
  );
  await rm(dir, { recursive: true });
});

test('a directory that is missing has nothing to sweep', async () => {
  assert.equal(await sweepUploads('/nonexistent/rrts', 0), 0);
});

test('removal reports what cannot be removed, and only that', async () => {
  const errors: string[] = [];
  await removeFiles(['/nonexistent/rrts', '/proc/self/stat'], (error, path) => errors.push(`${path} ${error.name}`));
  assert.deepEqual(errors, ['/proc/self/stat Error']);
});
