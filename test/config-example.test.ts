// .rr.yaml.example explains every key, and every ready-made configuration loads.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { rootSchema } from '../src/server/config.ts';
import { loadConfig } from '../src/server/load-config.ts';
import { declaredPaths } from '../src/server/schema-shape.ts';
import { ROOT } from './helpers/paths.ts';
import { makeTempDir } from './helpers/temp-dir.ts';

const EXAMPLE = join(ROOT, '.rr.yaml.example');

/** The example with the keys that are off switched on. */
function allOn(): string {
  return readFileSync(EXAMPLE, 'utf8').replace(/^(\s*)#(?=[a-z_]+:| {2}- )/gm, '$1');
}

test('the example loads as it is, without a warning', () => {
  const { warnings, config } = loadConfig({ file: EXAMPLE });
  assert.deepEqual(warnings, []);
  assert.deepEqual([...config.plugins.keys()].sort(), ['http', 'kv', 'lock', 'metrics', 'reload', 'rpc', 'status']);
});

test('every key of the schema is in it', () => {
  const present = new Set(pathsOf(parse(allOn())));
  const matches = (declared: string): boolean => {
    const pattern = new RegExp(`^${declared.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`);
    return [...present].some((path) => pattern.test(path));
  };
  // Other pools have the keys of http.pool: once is enough.
  const declared = declaredPaths(rootSchema).filter(
    (path) => !/^(http\.pools\.\*|jobs\.pool|jobs\.pools\.\*)\./.test(path),
  );
  assert.deepEqual(
    declared.filter((path) => !matches(path)),
    [],
  );
});

test('switched on, every key is right as well', (t) => {
  const dir = makeTempDir('example');
  t.after(() => dir.remove());
  const text = allOn()
    .replace(/^include:\n( +- .*\n)+/m, '')
    .replace(/^envfile: .*$/m, '');
  writeFileSync(dir.file('all.yaml'), text);
  const { warnings } = loadConfig({ file: dir.file('all.yaml'), overrides: ['lock.driver=redis'] });
  assert.deepEqual(warnings, []);
});

test('every key has a comment above it or above its section', () => {
  const lines = readFileSync(EXAMPLE, 'utf8').split('\n');
  const first = lines.findIndex((line) => line.startsWith('version:'));
  assert.ok(first > 0);
  assert.ok(lines.filter((line) => /^\s*# /.test(line)).length > 60);
});

const readyMade = readdirSync(join(ROOT, 'config')).filter((name) => name.endsWith('.yaml'));

for (const name of readyMade) {
  test(`config/${name} loads`, () => {
    const { warnings, config } = loadConfig({ file: join(ROOT, 'config', name) });
    assert.ok(config.plugins.has('http'));
    if (name === 'roadrunner.yaml')
      assert.ok(warnings.every((warning) => warning.includes('rrts does not have this yet')));
    else assert.deepEqual(warnings, []);
  });
}

function pathsOf(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return [path, ...pathsOf(child, path)];
  });
}
