// P04: names that are no methods, at both doors and in every codec: each is answered with an error, and nothing runs.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLAG } from '../../../src/protocol/frame.ts';
import { Random } from '../protocol/random.ts';
import { pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { callFrame, startDoors } from './doors.ts';

const MEGABYTE = 1024 * 1024;
const CODECS = [FLAG.JSON, FLAG.MSGPACK, FLAG.RAW, FLAG.PROTO];
const RANDOM_NAMES = pick(300, 30_000);
const BATCH = 100;

/** What an attacker, or a slip of the pen, would call. */
const NAMES: readonly (string | Buffer)[] = [
  ...['__proto__.x', 'x.__proto__', '__proto__.__proto__', 'rpc.__proto__', 'rpc.__proto__.polluted'],
  ...['constructor.constructor', 'rpc.constructor', 'constructor', 'bridge.constructor.constructor'],
  ...[
    'toString',
    'rpc.toString',
    'rpc.valueOf',
    'hasOwnProperty.call',
    'informer.hasOwnProperty',
    'rpc.get',
    'rpc.size',
  ],
  ...['prototype.call', 'Function.call', 'process.exit', 'require.main', 'globalThis.eval', 'eval', 'import'],
  ...['rpc.Nope', 'nope.Version', 'rpc.version', 'RPC.Version', 'rpc.Version.', '.rpc.Version', 'rpc..Version', 'rpc'],
  ...['rpc.Version ', ' rpc.Version', 'rpc.Version\0', 'rpc\0.Version', 'rpc.Version\n', 'rpc/Version', 'rpc:Version'],
  ...[
    '',
    '.',
    '..',
    '...',
    '.'.repeat(1000),
    'a.b.c.d.e',
    '.Version',
    'rpc.',
    'control.Stop',
    'control.Reload',
    'control.Workers',
  ],
  ...[
    'bridge.Load',
    'bridge.waiting',
    'waiting.echo',
    'bridge.modules',
    'rpc.Ｖersion',
    'rpc.Versiоn',
    '\u202erpc.Version',
  ],
  Buffer.from([0x72, 0x70, 0x63, 0x2e, 0xff, 0xfe]),
  Buffer.from([0xc3, 0x28, 0x2e, 0xa0, 0xa1]),
  Buffer.from([0xed, 0xa0, 0x80, 0x2e, 0xf4, 0x90, 0x80, 0x80]),
  Buffer.from('rpc.Version').fill(0x80, 10),
  Buffer.alloc(MEGABYTE, 'a'),
  Buffer.alloc(MEGABYTE, '.'),
  Buffer.alloc(MEGABYTE, 0xff),
  Buffer.concat([Buffer.from('rpc.'), Buffer.alloc(MEGABYTE, 'V')]),
];

function randomName(random: Random): Buffer {
  if (random.below(2) === 0) return random.bytes(random.below(60));
  const words = ['rpc', 'informer', 'bridge', 'Version', 'List', '.', '.', '__proto__', 'constructor', '', '\0', 'é'];
  const name = Array.from({ length: 1 + random.below(5) }, () => random.pick(words)).join('');
  return Buffer.from(['rpc.Version', 'informer.List'].includes(name) ? `${name}x` : name);
}

describe('P04 method names', { concurrency: 1 }, () => {
  test('P04 all are denied at both doors', async (t) => {
    const { app, doors, quiet } = await startDoors(t);
    const random = new Random(20_260_101);
    const names = [...NAMES, ...Array.from({ length: RANDOM_NAMES }, () => randomName(random))];
    const counts = { names: names.length, calls: 0, denied: 0 };
    for (const door of doors) {
      for (const flags of CODECS) {
        for (let from = 0; from < names.length; from += BATCH) {
          const batch = names.slice(from, from + BATCH);
          const frames = batch.map((name, i) => callFrame(i + 1, name, Buffer.alloc(0), { flags }));
          const replies = await door.send(Buffer.concat(frames), frames.length);
          assert.equal(replies.length, frames.length, `${door.name}: every call is answered`);
          counts.calls += frames.length;
          for (const { error, text, sequence } of replies) {
            const name = batch[sequence - 1]?.toString().slice(0, 60);
            assert.ok(error, `${door.name} ran ${name}`);
            assert.match(text, /can't find (service|method)|ill-formed/, `${door.name}: ${name}`);
            assert.ok(text.length < 1000, 'an error does not repeat a megabyte');
            counts.denied++;
          }
        }
      }
    }
    report(t, counts, { denied: 2 * 4 * (NAMES.length + RANDOM_NAMES) });
    assert.equal(counts.denied, counts.calls);
    await quiet();
    const metrics = await app.metrics();
    const services = [...metrics.matchAll(/^rrts_rpc_calls_total\{service="([^"]*)"/gm)].map(([, name]) => name);
    assert.deepEqual(new Set(services), new Set(['rpc', 'informer', 'bridge', 'unknown']), 'names are no series');
    await app.server.stop();
  });
});
