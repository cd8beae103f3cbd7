// The house stays in order: imports go down only, no cycles, no barrels, small files that say what they are for.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './helpers/paths.ts';

const SRC = join(ROOT, 'src');
const RANKS: Readonly<Record<string, number>> = {
  core: 0,
  protocol: 1,
  worker: 2,
  pool: 3,
  plugins: 4,
  server: 5,
  cli: 6,
};
/** Files beside the layers: `index.ts` re-exports from everywhere and nobody imports it; everybody may import `version.ts`. */
const VERSION_FILE = 'version.ts';
const INDEX_FILE = 'index.ts';
/** Folders below plugins that are no plugin: what several of them, and the server, are made of. */
const SHARED_FOLDERS = new Set(['program', 'redis-client', 'rpc-listener', 'rpc-router']);
const MAX_LINES = 400;

interface Source {
  readonly path: string;
  readonly text: string;
  /** Paths of imported files of our own. */
  readonly imports: readonly string[];
  /** Names of imported packages, and `node:` modules. */
  readonly packages: readonly string[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map(readSource);

function readSource(path: string): Source {
  const text = readFileSync(join(SRC, path), 'utf8');
  const found = [
    ...text.matchAll(/^(?:import|export)\b[^'"`;]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'|^import\s+'([^']+)'/gm),
  ];
  const targets = found.map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? '');
  const own = targets.filter((target) => target.startsWith('.'));
  return {
    path,
    text,
    imports: own.map((target) => relative(SRC, resolve(SRC, dirname(path), target))),
    packages: targets.filter((target) => !target.startsWith('.')),
  };
}

const layerOf = (path: string): string => path.split('/')[0] ?? '';

test('there are sources, and their imports are found', () => {
  assert.ok(sources.length > 40);
  const known = new Set(sources.map(({ path }) => path));
  const missing = sources.flatMap(({ path, imports }) =>
    imports.filter((target) => !known.has(target)).map((target) => `${path} -> ${target}`),
  );
  assert.deepEqual(missing, []);
});

test('imports go down only', () => {
  const upward: string[] = [];
  for (const { path, imports } of sources) {
    if (path === INDEX_FILE) continue;
    for (const target of imports) {
      if (target === VERSION_FILE) continue;
      const [from, to] = [RANKS[layerOf(path)], RANKS[layerOf(target)]];
      if (from === undefined || to === undefined || to > from) upward.push(`${path} -> ${target}`);
    }
  }
  assert.deepEqual(upward, []);
});

test('plugins meet through the contract, never through one another', () => {
  const crossing: string[] = [];
  for (const { path, imports } of sources) {
    const [layer, plugin, ...rest] = path.split('/');
    if (layer !== 'plugins') continue;
    for (const target of imports) {
      const [otherLayer, other, ...otherRest] = target.split('/');
      const sameFolder = rest.length > 0 && other === plugin;
      if (otherLayer !== 'plugins' || otherRest.length === 0 || sameFolder) continue;
      if (!SHARED_FOLDERS.has(other ?? '')) crossing.push(`${path} -> ${target}`);
    }
  }
  assert.deepEqual(crossing, []);
});

test('there are no cycles, type imports apart', () => {
  const graph = new Map(sources.map((source) => [source.path, valueImports(source)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  assert.deepEqual(cycles, []);
});

/** `import type` vanishes when compiled; a worker may know the type of its pool's request, and the other way round. */
function valueImports(source: Source): string[] {
  const types = new Set<string>();
  for (const [, target] of source.text.matchAll(/^import type\b[^'"`;]*?from\s+'(\.[^']+)'/gm)) {
    types.add(relative(SRC, resolve(SRC, dirname(source.path), target ?? '')));
  }
  return source.imports.filter((target) => !types.has(target));
}

test('the core knows only node and zod; the protocol does no input or output', () => {
  const wrong: string[] = [];
  for (const { path, packages } of sources) {
    if (layerOf(path) === 'core')
      wrong.push(...packages.filter((name) => !/^(node:|zod$)/.test(name)).map((name) => `${path}: ${name}`));
    if (layerOf(path) === 'protocol') {
      wrong.push(
        ...packages
          .filter((name) => /^node:(fs|net|http|child_process|tls|dgram)/.test(name))
          .map((name) => `${path}: ${name}`),
      );
    }
  }
  assert.deepEqual(wrong, []);
});

test('no file but the index of the package only re-exports', () => {
  const barrels = sources.filter(({ path, text }) => {
    const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//'));
    return (
      path !== INDEX_FILE && lines.length > 0 && lines.every((line) => /^export (\*|\{|type \{).* from '/.test(line))
    );
  });
  assert.deepEqual(
    barrels.map(({ path }) => path),
    [],
  );
  assert.deepEqual(
    sources.filter(({ path }) => path.endsWith('/index.ts')).map(({ path }) => path),
    [],
  );
});

test('the first line of a file says what it is for', () => {
  const silent = sources.filter(({ text }) => !/^(#!.*\n)?(\/\/ \S|\/\*\*)/.test(text));
  assert.deepEqual(
    silent.map(({ path }) => path),
    [],
  );
});

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = sources.filter(({ text }) => text.split('\n').length > MAX_LINES);
  assert.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});

test('below cli and server nothing ends the process, prints, or reads its environment', () => {
  const wrong = sources.filter(({ path, text }) => {
    const below = (RANKS[layerOf(path)] ?? 0) < (RANKS['server'] ?? 0);
    return below && /\bprocess\.(exit|env|stdout|stderr)\b|\bconsole\./.test(withoutComments(text));
  });
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
  const exits = sources.filter(({ text }) => /\bprocess\.exit\(/.test(withoutComments(text)));
  assert.deepEqual(
    exits.map(({ path }) => path),
    ['cli/main.ts'],
  );
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
