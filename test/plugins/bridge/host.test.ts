// Calls on a module: what is allowed, what comes back, what is thrown.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, type Handle, hostWith } from './host-harness.ts';

test('the module itself, exports, exports in objects, classes', async () => {
  const library = await hostWith([
    '()',
    'echo',
    'constants.nested.deep',
    'new Image',
    'Image.open',
    'constants.answer',
    '.width',
  ]);
  assert.equal(await library.get(await library.object('', 7), 'width'), 7);
  assert.equal(await library.get(await library.object('()', 8), 'width'), 8);
  assert.equal(await library.get(await library.object('default', 9), 'width'), 9);
  assert.deepEqual(await library.call('echo', 1, 'two'), [1, 'two']);
  assert.equal(await library.call('constants.nested.deep'), 'deep');
  assert.equal(await library.call('constants.answer'), 42);
  assert.equal((await library.object('new Image')).class, 'Image');
  assert.equal(await library.get(await library.object('Image.open', 5), 'width'), 5);
});

test('CommonJS, modules of Node, and packages whose main function has their name', async () => {
  const cases: readonly [from: string, allow: string, name: string, values: unknown[], result: unknown][] = [
    ['./cjs-function.cjs', '()', '', [2], 4],
    ['./cjs-function.cjs', 'half', 'half', [4], 2],
    ['./compiled.cjs', '()', '', [3], 9],
    ['./named.mjs', '()', '', ['x'], '<p>x</p>'],
    ['node:path', 'posix.join', 'posix.join', ['a', 'b'], 'a/b'],
    ['./typed.ts', 'shout', 'shout', ['hi'], 'HI!'],
  ];
  for (const [from, allow, name, values, result] of cases) {
    const library = await hostWith([allow], from);
    assert.equal(await library.call(name, ...values), result, `${from} ${name}`);
  }
  const library = await hostWith(['new ()', '.side'], './cjs-class.cjs');
  assert.equal(await library.get(await library.object('new ', 3), 'side'), 3);
});

test('what is not listed is denied, with the line that would allow it', async () => {
  const library = await hostWith(['echo', '()', '.resize']);
  const { code, message } = await failure(library.call('later', 1));
  assert.equal(code, 'ERR_BRIDGE_DENIED');
  assert.equal(message, "library.later is not allowed; to allow it: bridge.modules.library.allow: ['later']");
  assert.match((await failure(library.call('new Image'))).message, /allow: \['new Image'\]$/);
  const image = await library.object('', 1);
  assert.match((await failure(library.on(image, 'copy'))).message, /Image\.copy is not allowed.*\['\.copy'\]$/);
  assert.match((await failure(library.get(image, 'width'))).message, /\['\.width'\]$/);
});

test('names that lead out of a module are denied with every list', async (t) => {
  const library = await hostWith(['*', 'new *', '.*']);
  const image = await library.object('', 1);
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    '__defineGetter__',
    '__lookupSetter__',
    'constructor.constructor',
    '__proto__.x',
    'toString',
    'valueOf',
    'hasOwnProperty',
    'call',
    'apply',
    'bind',
    'echo.call',
    'Image.constructor',
    'x'.repeat(1_000_000),
    '',
    ' ',
    '.',
    '..',
    'a.',
    'new constructor',
    'new Image.prototype',
    '_internal',
  ];
  let denied = 0;
  for (const name of names.filter((one) => one !== '')) {
    const { code, message } = await failure(library.call(name));
    assert.ok(['ERR_BRIDGE_DENIED', 'ERR_RPC_METHOD'].includes(code), `${name}: ${code}`);
    assert.ok(message.length < 500);
    denied++;
  }
  for (const name of names.filter((one) => one !== 'toString')) {
    for (const attempt of [() => library.on(image, name), () => library.get(image, name)]) {
      assert.ok(['ERR_BRIDGE_DENIED', 'ERR_RPC_METHOD'].includes((await failure(attempt)).code), name);
      denied++;
    }
  }
  assert.equal((await failure(library.call('__proto__'))).message, 'library.__proto__ can never be called');
  assert.equal((await failure(library.call('toString'))).code, 'ERR_BRIDGE_DENIED');
  // One that the class itself has is its own.
  assert.equal(await library.on(image, 'toString'), 'Image(1)');
  t.diagnostic(`${denied} calls denied`);
});

test('what is allowed but does not exist says what there is', async () => {
  const library = await hostWith(['*', 'constants.nothing', '.rotate', 'new Image']);
  assert.match(
    (await failure(library.call('reszie'))).message,
    /^library\.reszie does not exist in library; there are .*Image/,
  );
  assert.equal((await failure(library.call('constants.nothing'))).code, 'ERR_RPC_METHOD');
  assert.match(
    (await failure(library.on(await library.object('new Image'), 'rotate'))).message,
    /there are format, width, /,
  );
  const { code, message } = await failure(library.run({ kind: 'call', module: 'other', name: '', values: [] }));
  assert.deepEqual([code, message], ['ERR_BRIDGE_MODULE', 'bridge.modules has no module other; there are library']);
});

test('inherited methods of classes, getters, private names only where listed', async () => {
  const library = await hostWith(['new Derived', '.extra', '.resize', '.width', '._hidden', '.broken']);
  const image = await library.object('new Derived');
  assert.equal(await library.on(image, 'extra'), 'extra');
  assert.equal(((await library.on(image, 'resize', 3)) as Handle).id, image.id);
  assert.equal(await library.on(image, '_hidden'), 'hidden');
  const { code, message, details } = await failure(library.get(image, 'broken'));
  assert.deepEqual(
    [code, message, details.class],
    ['ERR_BRIDGE_THREW', 'Derived.broken: the getter failed', 'RangeError'],
  );
});

test('whatever is thrown arrives with class, message, code and stack', async () => {
  const library = await hostWith(['fail', 'failLater', 'badThenable', 'give.getter']);
  for (const name of ['fail', 'failLater']) {
    const { code, message, details } = await failure(library.call(name, 'error'));
    assert.deepEqual([code, message], ['ERR_BRIDGE_THREW', `library.${name}: wrong colour`]);
    assert.deepEqual([details.class, details.nodeCode], ['TypeError', 'ERR_COLOUR']);
    assert.match(details.stack ?? '', /library\.mjs:\d+/);
    assert.doesNotMatch(details.stack ?? '', /host\.ts/);
    assert.match((await failure(library.call(name, 'text'))).message, /it threw only a text$/);
    assert.match((await failure(library.call(name, 'object'))).message, /it threw \{"reason":"an object"\}$/);
    assert.match((await failure(library.call(name, 'null'))).message, /it threw null$/);
    assert.equal((await failure(library.call(name, 'proxy'))).code, 'ERR_BRIDGE_THREW');
  }
  assert.match((await failure(library.call('badThenable'))).message, /then failed$/);
  assert.match((await failure(library.call('give.getter'))).message, /getter of a value$/);
});

test('promises are waited for; a builder with then is an object where then is listed', async () => {
  const library = await hostWith(['later', 'builder']);
  assert.equal(await library.call('later', 5), 5);
  assert.deepEqual(await library.call('builder'), ['row']);
  const keeping = await hostWith(['builder', '.where', '.then']);
  const builder = await keeping.object('builder');
  assert.equal(((await keeping.on(builder, 'where')) as Handle).id, builder.id);
  assert.deepEqual(await keeping.on(builder, 'then'), ['row']);
});

test('plain objects with an allowed function are objects, others with functions are refused', async () => {
  const library = await hostWith(['client', '.send', '.name']);
  const client = await library.object('client');
  assert.equal(await library.on(client, 'send', 'hello'), 'sent hello');
  assert.equal(await library.get(client, 'name'), 'plain');
  const other = await hostWith(['client', '.other']);
  assert.match((await failure(other.call('client'))).message, /^result\.send is a function/);
  assert.equal((await failure(library.get(client, 'send'))).code, 'ERR_RPC_RESULT');
});
