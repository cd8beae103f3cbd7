// Requests and control messages as bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePidRequest, encodeWelcome, isStopWish, parseControl, STOP_FRAME } from '../../src/protocol/control.ts';
import { FrameDecoder } from '../../src/protocol/decode.ts';
import { encodeControl, encodeExchange, PONG_FRAME, STREAM_STOP_FRAME } from '../../src/protocol/encode.ts';
import type { Frame } from '../../src/protocol/frame.ts';

function decodeOne(...chunks: Buffer[]): Frame {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder();
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(frame));
  assert.equal(frames.length, 1);
  return frames[0] as Frame;
}

test('a small request is one buffer, a large one two, and the first always holds the whole header', () => {
  for (const size of [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000]) {
    const body = Buffer.alloc(size, 'b');
    const chunks = encodeExchange({ flags: 8, head: Buffer.from('{}'), body });
    assert.equal(chunks.length, size > 64 * 1024 ? 2 : 1);
    assert.ok((chunks[0] as Buffer).length >= 16);
    const frame = decodeOne(...(chunks as readonly Buffer[]));
    assert.deepEqual(frame.options, [2]);
    assert.equal(frame.payload.length, size + 2);
    assert.equal(frame.payload.subarray(0, 2).toString(), '{}');
    assert.ok(frame.payload.subarray(2).equals(body));
  }
});

test('the fixed frames are the golden ones', () => {
  assert.equal(encodePidRequest(4242).toString('hex'), '13090c0000005f0c467300007b22706964223a343234327d');
  assert.equal(STOP_FRAME.toString('hex'), '13090d0000003a6bfacb00007b2273746f70223a747275657d');
  assert.equal(PONG_FRAME.toString('hex'), '13000000000096d180340800');
  assert.equal(STREAM_STOP_FRAME.toString('hex'), '13000000000096d180340200');
});

test('welcome names the codec, and what may be called', () => {
  const frame = decodeOne(encodeWelcome('msgpack', true, undefined));
  assert.deepEqual(JSON.parse(frame.payload.toString()), { welcome: 1, codec: 'msgpack', debug: true });
  const calling = decodeOne(encodeWelcome('json', false, 1000));
  const wanted = { welcome: 1, codec: 'json', debug: false, rpc: true, rpc_max: 1000 };
  assert.deepEqual(JSON.parse(calling.payload.toString()), wanted);
});

test('control messages of workers are read, others are refused', () => {
  assert.deepEqual(parseControl(Buffer.from('{"pid":7}')), { kind: 'pid', pid: 7 });
  const hello = parseControl(Buffer.from('{"hello":1,"pid":7,"codecs":["msgpack"]}'));
  assert.ok(hello.kind === 'hello' && hello.hello.codecs[0] === 'msgpack' && hello.hello.features.length === 0);
  for (const bad of ['', 'nope', '[]', '{}', '{"pid":0}', '{"pid":"7"}', '{"hello":1}', '{"stop":true}']) {
    assert.throws(() => parseControl(Buffer.from(bad)), /control/, bad);
  }
  assert.equal(decodeOne(encodeControl({ a: 1 })).flags, 9);
});

test('only {"stop":true} without a body is a stop wish', () => {
  const empty = Buffer.alloc(0);
  assert.equal(isStopWish(Buffer.from('{"stop":true}'), empty), true);
  assert.equal(isStopWish(Buffer.from('{ "stop" : true }'), empty), true);
  assert.equal(isStopWish(Buffer.from('{"stop":true}'), Buffer.from('x')), false);
  for (const head of ['{"stop":false}', '{"stop":1}', '{"status":200}', '{', '', '[true]', '{"stop"']) {
    assert.equal(isStopWish(Buffer.from(head), empty), false, head);
  }
});
