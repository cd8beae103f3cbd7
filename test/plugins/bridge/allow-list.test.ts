// The patterns of `allow`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { camelCased } from '../../../src/core/camel-case.ts';
import { AllowList, isNeverAllowed, patternProblem } from '../../../src/plugins/bridge/allow-list.ts';
import { bridgeSchema, bridgeWarnings } from '../../../src/plugins/bridge/config.ts';

test('what is listed is allowed, and nothing else', () => {
  const list = new AllowList(['()', 'resize', 'cache.clear', 'new Workbook', '.toBuffer', 'new xlsx.Sheet']);
  const calls = ['', 'resize', 'cache.clear', 'cache', 'clear', 'Workbook', 'toBuffer', 'xlsx.Sheet'];
  assert.deepEqual(
    calls.filter((name) => list.mayCall(name)),
    ['', 'resize', 'cache.clear'],
  );
  assert.deepEqual(
    calls.filter((name) => list.mayConstruct(name)),
    ['Workbook', 'xlsx.Sheet'],
  );
  assert.deepEqual(
    calls.filter((name) => list.mayUse(name)),
    ['toBuffer'],
  );
  assert.equal(list.givesObjects, true);
});

test('stars allow one kind each, but no private names and no ways of several names', () => {
  const names = ['', 'read', '_read', 'a.b'];
  const all = new AllowList(['*']);
  assert.deepEqual(
    names.filter((name) => all.mayCall(name)),
    ['', 'read'],
  );
  assert.deepEqual(
    names.filter((name) => all.mayConstruct(name) || all.mayUse(name)),
    [],
  );
  const some = new AllowList(['.*', '._read', 'new *']);
  assert.deepEqual(
    names.filter((name) => some.mayUse(name)),
    ['', 'read', '_read'],
  );
  assert.deepEqual(
    names.filter((name) => some.mayConstruct(name)),
    ['', 'read'],
  );
});

test('the module itself as a class', () => {
  for (const pattern of ['new', 'new ()', 'new default'])
    assert.equal(new AllowList([pattern]).mayConstruct(''), true, pattern);
});

test('wrong patterns say how they are written', () => {
  const problems: readonly [string, RegExp][] = [
    ['', /is empty/],
    ['resize()', /write 'resize'/],
    ['.resize()', /write '\.resize'/],
    ['.a.b', /write '\.b'/],
    ['new .resize', /mixes new and a method/],
    ['fs.*', /stands alone/],
    ['a b', /is no pattern/],
    ['a..b', /is no pattern/],
    ['__proto__', /can never be allowed: __proto__/],
    ['.constructor', /can never be allowed: constructor/],
    ['a.prototype.b', /can never be allowed: prototype/],
    ['.__defineGetter__', /can never be allowed/],
  ];
  for (const [pattern, problem] of problems) assert.match(patternProblem(pattern) ?? 'right', problem, pattern);
  for (const pattern of ['()', '*', '.*', 'new *', 'new', '_private', '.größe', '$', ' .resize ']) {
    assert.equal(patternProblem(pattern), undefined, pattern);
  }
});

test('the configuration names the place of a wrong pattern', () => {
  const { error } = bridgeSchema.safeParse({ modules: { sharp: { allow: ['()', 'resize()'] } } });
  assert.deepEqual(
    error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
    ["modules.sharp.allow.1: has parentheses: write 'resize'"],
  );
  const wrong = (section: unknown): string[] =>
    (bridgeSchema.safeParse(section).error?.issues ?? []).map(({ path }) => path.join('.'));
  assert.deepEqual(wrong({ modules: { sharp: { allow: [] } } }), ['modules.sharp.allow']);
  assert.deepEqual(wrong({ modules: { sharp: { allow: ['()'], from: 'https://x/y.js' } } }), ['modules.sharp.from']);
  assert.deepEqual(wrong({ modules: { sharp: { allow: ['()'], from: 'node:fs/promises' } } }), []);
  assert.deepEqual(wrong({ modules: { 'a b': { allow: ['()'] } } }), ['modules.a b']);
});

test('names that lead out of a module are known at any place of a way', () => {
  for (const name of ['__proto__', 'constructor.constructor', 'a.prototype', '__lookupSetter__'])
    assert.ok(isNeverAllowed(name));
  for (const name of ['proto', 'a.b', 'toString', '']) assert.ok(!isNeverAllowed(name));
});

test('everything of a module that can run programs is a warning', () => {
  const warned = (modules: object): string[] =>
    bridgeWarnings(camelCased(bridgeSchema, bridgeSchema.parse({ modules }))).map(({ path }) => path.join('.'));
  assert.deepEqual(warned({ child_process: { allow: ['*'] }, run: { from: 'node:vm', allow: ['new *'] } }), [
    'modules.child_process.allow',
    'modules.run.allow',
  ]);
  assert.deepEqual(warned({ os: { allow: ['*'] }, child_process: { allow: ['execFileSync'] } }), []);
});
