// The working directory keeps its symbolic links, unless PWD is wrong.

import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { logicalDirectory } from '../../src/server/working-directory.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

test('PWD counts when it names the working directory, and -w is seen from there', (t) => {
  const dir = makeTempDir('cwd');
  const before = process.cwd();
  t.after(() => {
    process.chdir(before);
    dir.remove();
  });
  mkdirSync(dir.file('releases/1/sub'), { recursive: true });
  mkdirSync(dir.file('elsewhere'));
  symlinkSync('releases/1', dir.file('current'));
  const real = realpathSync(dir.file('releases/1'));
  const current = dir.file('current');
  process.chdir(current);
  const cases: [pwd: string | undefined, wanted: string | undefined, expected: string][] = [
    [current, undefined, current],
    [`${current}/`, undefined, current],
    [current, 'sub', join(current, 'sub')],
    [current, dir.file('elsewhere'), dir.file('elsewhere')],
    // The system goes up from the release, the shell from the link.
    [current, '..', join(real, '..')],
    [undefined, undefined, real],
    [undefined, 'sub', join(real, 'sub')],
    [dir.file('elsewhere'), undefined, real],
    [dir.file('nowhere'), undefined, real],
    ['current', undefined, real],
  ];
  for (const [pwd, wanted, expected] of cases) {
    assert.equal(logicalDirectory(pwd, wanted), expected, `PWD ${pwd}, -w ${wanted}`);
  }
});
