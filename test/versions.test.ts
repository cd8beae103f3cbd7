// One version for the npm package, the sources and the PHP package; one list of PHP classes for both composer.json files.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROADRUNNER_VERSION, VERSION } from '../src/version.ts';
import { exists, ROOT } from './helpers/paths.ts';

interface ComposerFile {
  readonly name: string;
  readonly autoload: { readonly 'psr-4': Readonly<Record<string, string>> };
  readonly require: Readonly<Record<string, string>>;
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test('package.json and src/version.ts', () => {
  assert.equal((JSON.parse(read('package.json')) as { version: string }).version, VERSION);
});

test('the PHP package', () => {
  const match = /const (?:string )?VERSION\s*=\s*'([^']+)'|const (?:string )?[A-Z_]*\s*=\s*'(\d+\.\d+\.\d+)'/.exec(
    read('php-client/src/Version.php'),
  );
  assert.equal(match?.[1] ?? match?.[2], VERSION);
});

test('the newest entry of the changelog', {
  skip: !exists(join(ROOT, 'CHANGELOG.md')) && 'there is no CHANGELOG.md',
}, () => {
  assert.match(read('CHANGELOG.md'), new RegExp(`^## .*(Unreleased|${VERSION.replaceAll('.', '\\.')})`, 'im'));
});

test('workers are told the RoadRunner version that rr --version prints', () => {
  assert.ok(read('src/worker/command.ts').includes(ROADRUNNER_VERSION));
});

test('composer.json at the root is that of the PHP package, one folder up', {
  skip: !exists(join(ROOT, 'composer.json')) && 'there is no composer.json',
}, () => {
  const [root, client] = ['composer.json', 'php-client/composer.json'].map(
    (path) => JSON.parse(read(path)) as ComposerFile,
  );
  assert.equal(root?.name, client?.name);
  assert.deepEqual(root?.require, client?.require);
  const moved = Object.entries(client?.autoload['psr-4'] ?? {}).map(([prefix, folder]) => [
    prefix,
    `php-client/${folder}`,
  ]);
  assert.deepEqual(root?.autoload['psr-4'], Object.fromEntries(moved));
});
