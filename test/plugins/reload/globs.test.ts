// Which files count, and which directories are worth a look.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_IGNORE, DEFAULT_WATCH } from '../../../src/plugins/reload/config.ts';
import { Globs } from '../../../src/plugins/reload/globs.ts';

const ROOT = '/srv/my [app] (1)';
const at = (name: string): string => (name.startsWith('/') ? name : `${ROOT}/${name}`);

const CASES: readonly [globs: readonly string[], yes: string, no: string][] = [
  [['**/*.php'], 'a.php src/a.php .hidden/a.php', 'a.txt src/a.phpx'],
  [['src'], 'src/a.php src/b/c.txt', 'a.php srcs/a.php'],
  [['src/'], 'src/a.php', 'a.php'],
  [['./src/*.{php,twig}'], 'src/a.php src/b.twig', 'src/b/c.php src/a.yaml'],
  [['composer.lock', '.env', '.env.*'], 'composer.lock .env .env.local', 'src/composer.lock .environment'],
  [['config/?.yaml'], 'config/a.yaml', 'config/ab.yaml'],
  [['{src,config/packages}/**/*.php'], 'src/a/b.php config/packages/a.php', 'config/a.php'],
  [['.'], 'a b/c', '/srv/other'],
  [['../shared/**/*.php'], '/srv/shared/a.php /srv/shared/b/c.php', 'a.php'],
  [['/srv/shared'], '/srv/shared/a.php', 'shared/a.php'],
  [DEFAULT_WATCH, 'public/index.php templates/a.html.twig config/a.yaml composer.lock .env.test', 'a.js package.json'],
];

for (const [globs, yes, no] of CASES) {
  test(`${globs.join(' ')}`, () => {
    const subject = new Globs(ROOT, globs, []);
    for (const name of yes.split(' ')) {
      assert.ok(subject.matches(at(name)), `${name} counts`);
      // Every directory on the way to it is looked into.
      for (let path = at(name); path !== '/srv'; path = path.slice(0, path.lastIndexOf('/'))) {
        const isAbove = subject.roots.some((root) => path === root || path.startsWith(`${root}/`));
        if (path !== at(name) && isAbove) assert.ok(subject.leadsOn(path), `${path} leads to ${name}`);
      }
    }
    for (const name of no.split(' ')) assert.ok(!subject.matches(at(name)), `${name} does not count`);
  });
}

test('directories that lead nowhere are not looked into', () => {
  const subject = new Globs(ROOT, ['src/*/Entity/*.php', 'composer.lock'], []);
  for (const name of ['src', 'src/a', 'src/a/Entity']) assert.ok(subject.leadsOn(at(name)), name);
  for (const name of ['tests', 'src/a/Other', 'vendor']) assert.ok(!subject.leadsOn(at(name)), name);
  assert.deepEqual(subject.roots, [ROOT]);
});

test('what is ignored by default: vendor and what the application writes', () => {
  const subject = new Globs(ROOT, DEFAULT_WATCH, DEFAULT_IGNORE);
  const ignored = ['vendor', 'packages/a/vendor', 'node_modules', '.git', 'var/cache', 'var/log', 'storage'];
  for (const name of ignored) {
    assert.ok(subject.ignores(at(name)), name);
    assert.ok(!subject.leadsOn(at(name)), name);
    assert.ok(!subject.matches(at(`${name}/x/a.php`)), name);
  }
  assert.ok(subject.matches(at('var/a.php')));
  assert.ok(subject.matches(at('vendors/a.php')));
});
