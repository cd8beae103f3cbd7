// Objects that PHP holds: whose they are, how long they live, how they are iterated.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_OBJECTS } from '../../../src/plugins/bridge/object-table.ts';
import { Ticket } from '../../../src/plugins/bridge/ticket.ts';
import { CallError } from '../../../src/plugins/rpc-router/method.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { failure, type HostCaller, hostWith } from './host-harness.ts';

test('the same object has one id, and is let go when each handout was released', async () => {
  const library = await hostWith(['()', '.resize', '.copy', '.width']);
  const image = await library.object('', 1);
  assert.deepEqual(await library.on(image, 'resize', 2), { __proto__: null, ...image });
  await library.on(image, 'copy');
  assert.equal(library.host.objects, 2);
  library.host.release(1, [image.id]);
  assert.equal(await library.get(image, 'width'), 2);
  library.host.release(1, [image.id, image.id, 12345]);
  assert.equal(library.host.objects, 1);
  const { code, message } = await failure(library.get(image, 'width'));
  assert.deepEqual([code, message], ['ERR_BRIDGE_RELEASED', 'object 1 was released']);
  library.host.release(1, [2]);
  assert.equal(library.host.objects, 0);
  assert.equal((await library.object('', 1)).id, 3);
});

test('callers cannot reach the objects of others, and lose theirs when they go', async () => {
  const library = await hostWith(['()', '.width', 'many']);
  await library.call('many', 5);
  library.caller = 2;
  assert.equal(
    (await failure(library.get({ $rrts: 'object', id: 4, class: '', iterable: false }, 'width'))).code,
    'ERR_BRIDGE_RELEASED',
  );
  await library.object('', 9);
  assert.equal(library.host.objects, 6);
  library.host.release(2, [2, 3, 4]);
  library.host.drop(1);
  assert.equal(library.host.objects, 1);
  library.host.close();
  assert.equal(library.host.objects, 0);
});

test('a caller that keeps everything is told so', async () => {
  const library = await hostWith(['many', '.width']);
  await library.call('many', MAX_OBJECTS);
  const { code, message } = await failure(library.call('many', 1));
  assert.equal(code, 'ERR_RPC_BUSY');
  assert.match(message, /holds 10000 objects of Node already/);
  library.host.release(1, [1]);
  await library.call('many', 1);
  assert.equal((await failure(library.call('many', 2))).code, 'ERR_RPC_BUSY');
  assert.equal(library.host.objects, MAX_OBJECTS);
});

test('iterators of every kind give what is there, up to the count', async () => {
  const library = await hostWith(['count', 'countNow', 'stream', 'echo']);
  for (const name of ['count', 'countNow']) {
    const counter = await library.object(name, 5);
    assert.equal(counter.iterable, true);
    assert.deepEqual(await library.next(counter, 2), { __proto__: null, values: [1, 2], done: false });
    assert.deepEqual(await library.next(counter, 10), { __proto__: null, values: [3, 4, 5], done: true });
    assert.deepEqual(await library.next(counter, 10), { __proto__: null, values: [], done: true });
  }
  const stream = await library.object('stream', 'a', 'b');
  let text = '';
  for (let done = false; !done; ) {
    const batch = (await library.next(stream, 10)) as { values: string[]; done: boolean };
    text += batch.values.join('');
    done = batch.done;
  }
  assert.equal(text, 'ab');
});

test('an object that can be gone through again can be so from PHP', async () => {
  const library = await hostWith(['new Bag']);
  const bag = await library.object('new Bag');
  assert.deepEqual(await library.next(bag, 1), { __proto__: null, values: ['a'], done: false });
  await library.run({ kind: 'return', id: bag.id });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await library.next(bag, 9), { __proto__: null, values: ['a', 'b'], done: true });
  }
});

test('a value that takes its time is waited for, those behind it are not', async () => {
  const library = await hostWith(['slow', 'proceed']);
  const slow = await library.object('slow');
  assert.deepEqual(await library.next(slow, 10), { __proto__: null, values: ['first'], done: false });
  // One that gives up leaves the value to the next.
  const ticket = new Ticket();
  const given = library.next(slow, 1, ticket);
  ticket.abandon(new CallError('late', 'ERR_RPC_TIMEOUT'));
  assert.equal((await failure(given)).code, 'ERR_RPC_TIMEOUT');
  const second = library.next(slow, 10);
  await library.call('proceed');
  const batch = (await within(second, 20_000, 'the second value')) as { values: unknown[] };
  assert.deepEqual(batch.values, ['second']);
});

test('an iterator that fails gives first what came before', async () => {
  const library = await hostWith(['failAfter']);
  const failing = await library.object('failAfter', 2);
  assert.deepEqual(await library.next(failing, 10), { __proto__: null, values: [1, 2], done: false });
  const { code, message } = await failure(library.next(failing, 10));
  assert.deepEqual([code, message], ['ERR_BRIDGE_THREW', 'AsyncGenerator.next: the source dried up']);
  assert.deepEqual(await library.next(failing, 10), { __proto__: null, values: [], done: true });
});

test('an iterator that is left early ends: by Return, by release, with its caller', async () => {
  const library = await hostWith(['count', 'ended']);
  const leave: readonly ((library: HostCaller, id: number) => unknown)[] = [
    (it, id) => it.run({ kind: 'return', id }),
    (it, id) => it.host.release(1, [id]),
    (it) => it.host.drop(1),
  ];
  const to = [101, 102, 103];
  for (const [index, end] of leave.entries()) {
    const counter = await library.object('count', to[index]);
    await library.next(counter, 1);
    await end(library, counter.id);
    await eventually(async () => ((await library.call('ended')) as string[]).includes(`count ${to[index]}`), 'its end');
  }
  const never = await library.object('count', 104);
  library.host.release(1, [never.id]);
  assert.ok(!((await library.call('ended')) as string[]).includes('count 104'));
});

test('what cannot be iterated says so', async () => {
  const library = await hostWith(['()', '.width']);
  const image = await library.object('', 1);
  assert.equal(image.iterable, false);
  const { code, message } = await failure(library.next(image));
  assert.deepEqual([code, message], ['ERR_RPC_ARGUMENT', 'Image cannot be iterated']);
});

test('a promise whose caller has given up leaves no object behind', async () => {
  const library = await hostWith(['later', 'new Image', '.width']);
  const ticket = new Ticket();
  const image = await library.object('new Image');
  const run = library.run({ kind: 'call', module: 'library', name: 'later', values: [image] }, ticket);
  ticket.abandon(new CallError('gone', 'ERR_RPC_CANCELLED'));
  assert.equal((await failure(run)).code, 'ERR_RPC_CANCELLED');
  assert.equal(library.host.objects, 1);
});

test('an error event that nobody listens to is reported, and nothing ends', async () => {
  const library = await hostWith(['emitter', 'emitError', '.on', '.emit']);
  const emitter = await library.object('emitter');
  await library.call('emitError', emitter);
  await eventually(() => library.faults.length > 0, 'the report');
  assert.deepEqual(library.faults, ['library: the connection broke']);
});
