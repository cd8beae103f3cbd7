// Limits of rpc.listen: large calls and results, many calls, many connections, clients that do not read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG } from '../../../src/protocol/frame.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { startListener } from './listener-rig.ts';

const MEGABYTE = 1024 * 1024;

test('a call over max_payload is an error of that call; those before and after it are answered', async (t) => {
  const { connectTo } = await startListener(t, { max_payload: '1mb' });
  const client = connectTo();
  const before = process.memoryUsage().rss;
  const echo = client.call('test.Echo', 'first');
  const tooLarge: readonly [number, number][] = [
    [FLAG.JSON, MEGABYTE],
    [FLAG.MSGPACK, 30 * MEGABYTE],
    [FLAG.PROTO, 200 * MEGABYTE],
    [FLAG.RAW, 2 * MEGABYTE],
  ];
  for (const [flags, bytes] of tooLarge) {
    const reply = await client.send('test.Length', Buffer.alloc(bytes), flags);
    assert.equal(reply.flags, flags | FLAG.ERROR);
    assert.equal(reply.method, '');
    assert.match(reply.text, /the call has \d+ bytes, allowed are 1048576/);
    assert.match(reply.text, flags === FLAG.MSGPACK ? /ERR_RPC_TOO_LARGE/ : /^rpc: /);
  }
  assert.equal(await echo, 'first');
  const most = Buffer.alloc(MEGABYTE - 'test.Length'.length, 'x');
  assert.equal((await client.send('test.Length', most, FLAG.RAW)).text.includes('result'), true);
  assert.equal(await client.call('test.Echo', 'last'), 'last');
  // This process is client too, and holds the 200 MiB that it sends.
  t.diagnostic(`${Math.round((process.memoryUsage().rss - before) / MEGABYTE)} MiB more than before, client included`);
});

test('a call of more than 256 MiB is refused and not read to its end', async (t) => {
  const { connectTo, logger } = await startListener(t);
  const client = connectTo();
  const header = encodeFrame(FLAG.JSON, 0, [3, 9], Buffer.alloc(0));
  header.writeUInt32LE(0xffff_ffff, 2);
  const { headerChecksum } = await import('../../../src/protocol/frame.ts');
  header.writeUInt32LE(headerChecksum(header, 0), 6);
  const reply = client.reply(3);
  client.socket.write(header);
  assert.match((await reply).text, /the call has 4294967295 bytes/);
  const flood = setInterval(() => client.socket.write(Buffer.alloc(MEGABYTE)), 20);
  t.after(() => clearInterval(flood));
  await within(client.closed, 5000, 'the end of the connection');
  assert.ok(logger.lines.some((line) => /is closed: rpc: the call has 4294967295 bytes/.test(line)));
});

test('a result over max_payload is an error of the call', async (t) => {
  const { connectTo } = await startListener(t, { max_payload: '4kb' });
  const client = connectTo();
  // JSON writes four characters for a byte that MessagePack has as one.
  const argument = Buffer.from([0xc4, 200, ...Buffer.alloc(200)]);
  assert.equal((await client.send('test.Echo', argument, FLAG.MSGPACK)).flags, FLAG.MSGPACK);
  const nulls = await client.send('test.Echo', Buffer.from(`"${'\x7f€'.repeat(900)}"`));
  assert.equal(nulls.flags, FLAG.JSON);
});

test('max_in_flight: as many run, the others wait, also over a client that reads nothing', async (t) => {
  const { connectTo, router, seen } = await startListener(t, { max_in_flight: 5 });
  const client = connectTo();
  for (let i = 0; i < 50; i++) client.socket.write(encodeFrame(FLAG.JSON, 0, [i, 9], Buffer.from('test.Wait')));
  await eventually(() => seen.waiting === 5, 'five calls to run');
  const other = connectTo();
  assert.equal(await other.call('test.Echo', 1), 1);
  // A mere end could be that of a client that still waits for its answers.
  client.socket.resetAndDestroy();
  await eventually(() => seen.aborted === 5, 'the calls to be given up');
  await eventually(() => router.inFlight === 0 && router.callers === 1, 'nothing left of the client');
  assert.equal(seen.waiting, 5);
});

test('a client that reads no answers stops being read, whatever it calls', async (t) => {
  const { connectTo, router } = await startListener(t);
  for (const method of ['test.Echo', 'rpc.Authenticate']) {
    const deaf = connectTo();
    deaf.socket.pause();
    const call = encodeFrame(FLAG.JSON, 0, [1, method.length], Buffer.from(`${method}"${'x'.repeat(900)}"`));
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => call));
    let accepted = 0;
    while (accepted < 200 && deaf.socket.writableLength < 8 * MEGABYTE) {
      deaf.socket.write(many);
      accepted++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(accepted < 200, `${method}: 200 MB of calls were read without an answer being taken`);
    assert.equal(await connectTo().call('test.Echo', 1), 1);
    deaf.close();
  }
  await eventually(() => router.callers === 2, 'the deaf ones to be gone');
});

test('max_connections: one more is closed, and told of once', async (t) => {
  const { connectTo, logger } = await startListener(t, { max_connections: 3 });
  const clients = [connectTo(), connectTo(), connectTo()];
  for (const client of clients) assert.equal(await client.call('test.Echo', 1), 1);
  for (let i = 0; i < 5; i++) await within(connectTo().closed, 20_000, 'the end of one too many');
  assert.equal(logger.lines.filter((line) => /3 connections are open; one more was closed/.test(line)).length, 1);
  clients[0]?.close();
  await eventually(async () => {
    const client = connectTo();
    return await client.call('test.Echo', 2).catch(() => false);
  }, 'room for another one');
});

test('none: no listener, and a stop all the same', async (t) => {
  const { plugin, logger } = await startListener(t, { listen: 'none' });
  await within(plugin.stop(60_000), 20_000, 'the stop');
  assert.deepEqual(logger.lines, []);
});
