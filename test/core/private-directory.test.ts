// Directories that are trusted, and those that are not.

import assert from 'node:assert/strict';
import { chmodSync, lchownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { directoryFault, makePrivateDirectory, sharedDirectoryFault } from '../../src/core/private-directory.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

const uid = process.getuid?.() ?? 0;

test('it is made with mode 0700, and taken when it is there', (t) => {
  const dir = makeTempDir('private');
  t.after(() => dir.remove());
  const before = process.umask(0);
  t.after(() => process.umask(before));
  assert.equal(makePrivateDirectory(dir.file('own'), uid), undefined);
  assert.equal(statSync(dir.file('own')).mode & 0o777, 0o700);
  assert.equal(makePrivateDirectory(dir.file('own'), uid), undefined);
});

test('what others can enter, own, or have planted is refused', (t) => {
  const dir = makeTempDir('private');
  t.after(() => dir.remove());
  const at = dir.file('d');
  mkdirSync(at);
  for (const mode of [0o701, 0o710, 0o770, 0o755, 0o777]) {
    chmodSync(at, mode);
    assert.match(directoryFault(at, uid) ?? '', new RegExp(`lets others in \\(mode 0${mode.toString(8)}\\)`));
  }
  chmodSync(at, 0o700);
  assert.equal(directoryFault(at, uid), undefined);
  assert.equal(directoryFault(at, undefined), undefined);
  assert.match(directoryFault(at, uid + 1) ?? '', /belongs to user \d+/);
  symlinkSync(at, dir.file('link'));
  assert.match(makePrivateDirectory(dir.file('link'), uid) ?? '', /is a symbolic link/);
  writeFileSync(dir.file('file'), '');
  assert.match(makePrivateDirectory(dir.file('file'), uid) ?? '', /is no directory/);
  assert.match(makePrivateDirectory(dir.file('no/parent'), uid) ?? '', /cannot be made \(ENOENT\)/);
  assert.match(directoryFault(dir.file('nothing'), uid) ?? '', /does not exist/);
});

test('a directory in which others can replace our files is refused', (t) => {
  const dir = makeTempDir('shared');
  t.after(() => dir.remove());
  const at = dir.file('d');
  mkdirSync(at);
  for (const mode of [0o770, 0o720, 0o702, 0o777]) {
    chmodSync(at, mode);
    assert.match(sharedDirectoryFault(at, [uid]) ?? '', new RegExp(`others can write .*mode 0${mode.toString(8)}`));
  }
  for (const mode of [0o700, 0o755, 0o1777, 0o711]) {
    chmodSync(at, mode);
    assert.equal(sharedDirectoryFault(at, [uid]), undefined);
  }
  assert.match(sharedDirectoryFault(at, [uid + 1]) ?? '', /belongs to user \d+/);
  assert.equal(sharedDirectoryFault(at, [uid + 1, uid]), undefined);
  symlinkSync(at, dir.file('link'));
  assert.equal(sharedDirectoryFault(dir.file('link'), [uid]), undefined);
  if (uid === 0) {
    lchownSync(dir.file('link'), 65534, 65534);
    assert.match(sharedDirectoryFault(dir.file('link'), [uid]) ?? '', /is a symbolic link of user 65534/);
  }
  writeFileSync(dir.file('file'), '');
  assert.match(sharedDirectoryFault(dir.file('file'), [uid]) ?? '', /is no directory/);
  assert.match(sharedDirectoryFault(dir.file('nothing'), [uid]) ?? '', /does not exist/);
});
