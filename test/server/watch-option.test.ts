// `--watch` and `reload.watch`: what wins, what true means, and RoadRunner's old section.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { DEFAULT_WATCH, type ReloadConfig } from '../../src/plugins/reload/config.ts';
import { loadConfig } from '../../src/server/load-config.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

function load(t: TestContext, section: string, options: { watch?: string[]; overrides?: string[] } = {}) {
  const dir = makeTempDir('watch');
  t.after(() => dir.remove());
  writeFileSync(dir.file('a.yaml'), `version: "3"\nserver: {command: php a.php}\nhttp: {address: ":1"}\n${section}`);
  const { config, warnings } = loadConfig({ file: dir.file('a.yaml'), ...options });
  return { reload: config.plugins.get('reload') as ReloadConfig | undefined, warnings };
}

test('off unless somebody asks for it', (t) => {
  assert.equal(load(t, '').reload, undefined);
  assert.deepEqual(load(t, 'reload: {interval: 2s}').reload?.watch, []);
  assert.deepEqual(load(t, 'reload: {watch: false}').reload?.watch, []);
});

test('true, one glob, several; as overrides too', (t) => {
  assert.deepEqual(load(t, 'reload: {watch: true}').reload?.watch, DEFAULT_WATCH);
  assert.deepEqual(load(t, 'reload: {watch: "src/**/*.{php,twig}"}').reload?.watch, ['src/**/*.{php,twig}']);
  assert.deepEqual(load(t, 'reload: {watch: [src, config]}').reload?.watch, ['src', 'config']);
  assert.deepEqual(load(t, '', { overrides: ['reload.watch=true'] }).reload?.watch, DEFAULT_WATCH);
  assert.deepEqual(load(t, '', { overrides: ['reload.watch=a/*.{b,c}'] }).reload?.watch, ['a/*.{b,c}']);
});

test('--watch alone turns it on and keeps the globs of the file; its own globs win', (t) => {
  assert.deepEqual(load(t, '', { watch: [] }).reload?.watch, DEFAULT_WATCH);
  assert.deepEqual(load(t, 'reload: {watch: false}', { watch: [] }).reload?.watch, DEFAULT_WATCH);
  assert.deepEqual(load(t, 'reload: {watch: [src]}', { watch: [] }).reload?.watch, ['src']);
  assert.deepEqual(load(t, 'reload: {watch: [src]}', { watch: ['x/*.{a,b}'] }).reload?.watch, ['x/*.{a,b}']);
});

test("RoadRunner's old section is read as far as it means the same, with warnings, and watches nothing by itself", (t) => {
  const section = 'reload: {interval: 2s, patterns: [".php"], services: {http: {dirs: [src], recursive: true}}}';
  const { reload, warnings } = load(t, section);
  assert.deepEqual([reload?.interval, reload?.watch], [2000, []]);
  assert.equal(warnings.length, 2);
  assert.ok(warnings.every((warning) => /reload\.(patterns|services): rrts does not have this yet/.test(warning)));
});
