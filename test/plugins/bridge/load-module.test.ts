// What the configuration names is found and loaded; what cannot be is explained.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { isRrtsError, RrtsError } from '../../../src/core/errors.ts';
import { loadModule } from '../../../src/plugins/bridge/load-module.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';

const dir = makeTempDir('modules');
test.after(() => dir.remove());

function put(name: string, text: string): void {
  mkdirSync(dirname(dir.file(name)), { recursive: true });
  writeFileSync(dir.file(name), text);
}

put('node_modules/cjs-function/package.json', '{"name":"cjs-function","main":"main.js"}');
put('node_modules/cjs-function/main.js', 'module.exports = () => 7; module.exports.part = () => 8;');
put('node_modules/esm-only/package.json', '{"name":"esm-only","type":"module","exports":{"import":"./main.js"}}');
put('node_modules/esm-only/main.js', 'export default () => 9; export const name = "esm";');
put('node_modules/@scope/thing/package.json', '{"name":"@scope/thing","exports":{".":"./a.cjs","./part":"./b.cjs"}}');
put('node_modules/@scope/thing/a.cjs', 'exports.a = 1;');
put('node_modules/@scope/thing/b.cjs', 'exports.b = 2;');
put('node_modules/needs-more/package.json', '{"name":"needs-more"}');
put('node_modules/needs-more/index.js', 'require("left-out");');
put('plain.mjs', 'export const shape = "mjs";');
put('old.cjs', 'exports.shape = "cjs";');
put('typed.ts', 'import { other } from "./other.ts"; export const shape: string = other;');
put('other.ts', 'export type T = 1; export const other: string = "ts";');
put('uses-rrts.ts', 'import { RrtsError } from "rrts"; export const own = RrtsError;');
put('uses-rrts.mjs', 'import { RrtsError } from "rrts"; export const own = RrtsError;');
put('throws.mjs', '\n\nthrow new TypeError("no licence key");');

const load = async (name: string) => (await loadModule(name, dir.path)) as Record<string, unknown>;

const called = (method: unknown): unknown => (method as () => unknown)();

async function refusal(name: string): Promise<RrtsError> {
  const error = await loadModule(name, dir.path).then(
    () => assert.fail(`${name} was loaded`),
    (thrown) => thrown,
  );
  assert.ok(isRrtsError(error) && error.code === 'ERR_BRIDGE_MODULE', String(error));
  return error;
}

test('packages of the application, CommonJS and ESM, with scope and with parts', async () => {
  assert.equal(called((await load('cjs-function'))['default']), 7);
  assert.equal(called((await load('esm-only'))['default']), 9);
  assert.equal((await load('@scope/thing'))['a'], 1);
  assert.equal((await load('@scope/thing/part'))['b'], 2);
});

test('modules of Node, with and without node:', async () => {
  assert.equal(typeof (await load('node:os'))['cpus'], 'function');
  assert.equal(typeof (await load('os'))['cpus'], 'function');
});

test('files: .mjs, .cjs, .ts with its own imports, without extension, absolute', async () => {
  assert.equal((await load('./plain.mjs'))['shape'], 'mjs');
  assert.equal((await load('./old.cjs'))['shape'], 'cjs');
  assert.equal((await load('./typed.ts'))['shape'], 'ts');
  assert.equal((await load('./typed'))['shape'], 'ts');
  assert.equal((await load(dir.file('plain.mjs')))['shape'], 'mjs');
});

test('rrts in a file is this very server, not a second copy of it', async () => {
  assert.equal((await load('./uses-rrts.ts'))['own'], RrtsError);
  assert.equal((await load('./uses-rrts.mjs'))['own'], RrtsError);
});

test('a package that is not installed: what to run, and where', async () => {
  const error = await refusal('sharp');
  assert.equal(error.message, `the package sharp cannot be found from ${dir.path}`);
  assert.equal(error.cure, `Run npm install sharp in ${dir.path}.`);
  assert.equal((await refusal('@img/sharp/lib')).cure, `Run npm install @img/sharp in ${dir.path}.`);
});

test('a file that is not there: what was tried', async () => {
  const { message } = await refusal('./nothing');
  for (const extension of ['js', 'mjs', 'ts']) assert.ok(message.includes(dir.file(`nothing.${extension}`)), message);
});

test('a module that fails while it loads: its words, its line, and what it misses', async () => {
  const thrown = await refusal('./throws.mjs');
  assert.equal(thrown.message, './throws.mjs cannot be loaded: no licence key');
  assert.equal(thrown.place, `${dir.file('throws.mjs')}:3`);
  const missing = await refusal('needs-more');
  assert.match(missing.message, /^needs-more cannot be loaded: Cannot find module 'left-out'/);
  assert.equal(missing.cure, `Run npm install left-out in ${dir.path}.`);
});
