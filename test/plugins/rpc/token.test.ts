// The token of rpc.listen: who says it, how often one may err, and what a stranger can make the server keep.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG } from '../../../src/protocol/frame.ts';
import { encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { startListener } from './listener-rig.ts';

const TOKEN = 'correct-horse-battery-staple';
const NAMES_IT = /has to call rpc\.Authenticate with the token first/;

test('with the token in JSON, MessagePack or raw bytes every call is answered', async (t) => {
  const { connectTo } = await startListener(t, { token: TOKEN });
  const forms: readonly [number, Buffer][] = [
    [FLAG.JSON, Buffer.from(JSON.stringify(TOKEN))],
    [FLAG.MSGPACK, encodeMessagePack(TOKEN)],
    [FLAG.MSGPACK, encodeMessagePack(Buffer.from(TOKEN))],
    [FLAG.RAW, Buffer.from(TOKEN)],
  ];
  for (const [flags, bytes] of forms) {
    const client = connectTo();
    const reply = await client.send('rpc.Authenticate', bytes, flags);
    assert.equal(reply.flags, flags);
    assert.equal(reply.text, flags === FLAG.MSGPACK ? '\ufffd' : 'true');
    assert.equal(await client.call('test.Echo', 'open'), 'open');
    assert.equal(await client.call('rpc.Authenticate', TOKEN), true);
    client.close();
  }
});

test('token and calls in one write; what is larger than a stranger may send follows at once', async (t) => {
  const { connectTo } = await startListener(t, { token: TOKEN });
  const client = connectTo();
  const authenticated = client.call('rpc.Authenticate', TOKEN);
  const echo = client.call('test.Echo', 'x'.repeat(100_000));
  assert.equal(await authenticated, true);
  assert.equal(await echo, 'x'.repeat(100_000));
});

test('without it every call is an error that names it, and the fifth closes the connection', async (t) => {
  const { connectTo, logger, router } = await startListener(t, { token: TOKEN });
  const wrong: readonly [string, unknown, number, RegExp][] = [
    ['test.Echo', 1, FLAG.JSON, NAMES_IT],
    ['nothing', Buffer.alloc(0), FLAG.RAW, NAMES_IT],
    ['rpc.Authenticate', `${TOKEN}x`, FLAG.JSON, /not the token/],
    ['rpc.Authenticate', { token: TOKEN }, FLAG.JSON, /not the token/],
    ['rpc.Authenticate', Buffer.from('{'), FLAG.JSON, /well-formed JSON/],
  ];
  const client = connectTo();
  for (const [method, argument, flags, text] of wrong) {
    const reply = await client.send(method, argument, flags);
    assert.equal(reply.flags, flags | FLAG.ERROR);
    assert.equal(reply.method, method);
    assert.match(reply.text, text);
  }
  await within(client.closed, 20_000, 'the end of the connection');
  assert.ok(logger.lines.some((line) => /is closed: it called without the token too often/.test(line)));
  assert.ok(logger.lines.every((line) => !line.includes(TOKEN)));
  const second = connectTo();
  const packed = await second.send('test.Echo', Buffer.from([0xc0]), FLAG.MSGPACK);
  assert.match(packed.text, /ERR_RPC_TOKEN/);
  second.close();
  await within(second.closed, 20_000, 'the end');
  assert.equal(router.inFlight, 0);
});

test('a stranger who says nothing, or too much, is closed', async (t) => {
  const { connectTo, router } = await startListener(t, { token: TOKEN });
  const silent = connectTo();
  const begin = performance.now();
  const loud = connectTo();
  const reply = loud.reply(1);
  loud.socket.write(encodeFrame(FLAG.JSON, 0, [1, 9], Buffer.alloc(10_000_000)).subarray(0, 5_000_000));
  assert.match((await reply).text, NAMES_IT);
  await within(loud.closed, 20_000, 'the end of the one who says too much');
  const half = connectTo();
  half.socket.write(encodeFrame(FLAG.JSON, 0, [1, 9], Buffer.alloc(900)).subarray(0, 500));
  await within(Promise.all([silent.closed, half.closed]), 20_000, 'the end of those who say too little');
  const ms = performance.now() - begin;
  assert.ok(ms > 4900 && ms < 15_000, `${ms} ms`);
  await eventually(() => router.callers === 0, 'nothing left of them');
});

test('where no token is asked for, any is taken: a unix socket, or loopback without a token', async (t) => {
  const dir = makeTempDir('token');
  t.after(() => dir.remove());
  for (const section of [{ listen: `unix://${dir.file('rpc.sock')}`, token: TOKEN }, { token: '' }]) {
    const { connectTo } = await startListener(t, section);
    const client = connectTo();
    assert.equal(await client.call('test.Echo', 'open'), 'open');
    assert.equal(await client.call('rpc.Authenticate', 'any'), true);
  }
});
