// Calls for the fuzz of RPC: well-formed frames for every method there is, with arguments that no client would send, and what such frames become when damaged.

import { FLAG } from '../../../src/protocol/frame.ts';
import { encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';
import { fuzzInput } from '../protocol/fuzz-inputs.ts';
import type { Random } from '../protocol/random.ts';
import { callFrame } from './doors.ts';

/** Names that services read, and names that must mean nothing to them. */
const KEYS = [
  ...['module', 'name', 'arguments', 'id', 'ids', 'count', 'storage', 'items', 'key', 'value', 'timeout', 'collector'],
  ...['type', 'help', 'labels', 'buckets', 'objectives', 'namespace', 'resource', 'ttl', 'wait', 'plugin', 'message'],
  ...['$rrts', '__proto__', 'constructor', 'toString', 'then', 'length', '', '0', 'é\0'],
];
const TEXTS = [
  ...[
    'waiting',
    'echo',
    'sleep',
    'makeThing',
    'memory',
    'counter',
    'gauge',
    'histogram',
    'summary',
    'bytes',
    'date',
    'int',
  ],
  ...[
    'object',
    'map',
    'nope',
    '',
    '\0',
    '*',
    'rr_fuzz',
    '9'.repeat(400),
    '2099-01-01T00:00:00Z',
    '\ud800',
    '../../etc/passwd',
  ],
];
const NUMBERS = [0, -0, 1, -1, 0.5, 2 ** 31, 2 ** 32, -(2 ** 53), 2 ** 53, 1e308, -1e-308, Number.MAX_VALUE, 65_536];
const ODD_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, 2n ** 63n - 1n, -(2n ** 63n)];

/** How many bits of the flags name a codec. */
const CODECS = [FLAG.JSON, FLAG.JSON, FLAG.MSGPACK, FLAG.MSGPACK, FLAG.PROTO, FLAG.RAW, 0, 0x20, FLAG.JSON | FLAG.RAW];
const LONGEST_DEADLINE_MS = 1500;

/** A tree of values that JSON and MessagePack know. */
export function anyValue(random: Random, forJson: boolean, depth = 0): unknown {
  const leaf = depth > 4 || random.below(3) === 0;
  switch (random.below(leaf ? 6 : 9)) {
    case 0:
      return random.pick([null, true, false]);
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return forJson ? random.next() : random.pick<unknown>(ODD_NUMBERS);
    case 3:
    case 4:
      return random.pick(TEXTS);
    case 5:
      return forJson ? random.bytes(random.below(40)).toString('latin1') : random.bytes(random.below(40));
    case 6:
      return Array.from({ length: random.below(5) }, () => anyValue(random, forJson, depth + 1));
    default:
      return anyMap(random, forJson, depth);
  }
}

/** With own keys also where an object of JavaScript has others of that name. */
function anyMap(random: Random, forJson: boolean, depth: number): object {
  const map = Object.create(null) as Record<string, unknown>;
  for (let count = random.below(7); count > 0; count--) {
    map[random.pick(KEYS)] = anyValue(random, forJson, depth + 1);
  }
  return map;
}

/** Something like what the methods take, so that the fuzz gets behind their first checks; parts of it are anything. */
function shaped(random: Random, forJson: boolean): unknown {
  const any = (): unknown => anyValue(random, forJson, 2);
  const maybe = (value: unknown): unknown => (random.below(4) === 0 ? any() : value);
  const id = maybe(random.below(50));
  const items = [{ key: maybe(`k${random.below(50)}`), value: maybe('djE='), timeout: maybe('2099-01-01T00:00:00Z') }];
  const collector = { type: random.pick(TEXTS), help: any(), labels: maybe(['a', 'b']), buckets: maybe([1, 2]) };
  return random.pick<() => unknown>([
    () => ({
      module: 'waiting',
      name: maybe(random.pick(['echo', 'sleep', 'makeThing'])),
      arguments: maybe([any(), 5]),
    }),
    () => ({ id, name: maybe('name'), arguments: maybe([]), count: any(), ids: maybe([id, any()]) }),
    () => ({ storage: maybe('memory'), items: maybe(items) }),
    () => ({ resource: maybe('r'), id: maybe(`i${random.below(9)}`), ttl: maybe(1_000), wait: maybe(1_000) }),
    () => ({ name: maybe('rr_fuzz'), value: maybe(1), labels: maybe(['x']), collector: maybe(collector) }),
    () => ({ message: maybe('text'), log_attrs: maybe([{ key: any(), value: any() }]), plugin: maybe('jobs') }),
    () => maybe('jobs'),
  ])();
}

function anyArgument(random: Random, flags: number): Buffer {
  if (random.below(6) === 0) return random.bytes(random.below(200));
  if (random.below(20) === 0) return nested(random, flags);
  const value = random.below(2) === 0 ? shaped(random, flags === FLAG.JSON) : anyValue(random, flags === FLAG.JSON);
  if (flags === FLAG.JSON) return Buffer.from(JSON.stringify(value) ?? '');
  if (flags === FLAG.MSGPACK) return damaged(random, encodeMessagePack(value));
  if (flags === FLAG.PROTO) return damaged(random, anyMessage(random));
  return random.bytes(random.below(300));
}

/** Lists in lists, far deeper than anybody means. */
function nested(random: Random, flags: number): Buffer {
  const depth = random.pick([100, 127, 128, 129, 1_000, 50_000]);
  if (flags === FLAG.MSGPACK) return Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]);
  return Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`);
}

/** Fields of a protobuf message, by number and kind. */
function anyMessage(random: Random): Buffer {
  const parts: Buffer[] = [];
  for (let count = random.below(6); count > 0; count--) {
    const field = 1 + random.below(8);
    if (random.below(3) === 0) parts.push(Buffer.from([field << 3, random.below(128)]));
    else {
      const bytes =
        random.below(2) === 0 ? Buffer.from(random.pick(TEXTS)).subarray(0, 100) : random.bytes(random.below(30));
      parts.push(Buffer.from([(field << 3) | 2, bytes.length]), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** One time in three. */
function damaged(random: Random, bytes: Buffer): Buffer {
  if (random.below(3) !== 0 || bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  copy[random.below(copy.length)] = random.below(256);
  return random.below(2) === 0 ? copy : copy.subarray(0, random.below(copy.length));
}

/** A well-formed call of one of `methods`; it is answered soon, whatever it asks for. */
export function anyCall(random: Random, sequence: number, methods: readonly string[]): Buffer {
  const flags = random.pick(CODECS);
  const method = random.below(20) === 0 ? random.bytes(random.below(30)) : random.pick(methods);
  const deadlineMs = 1 + random.below(LONGEST_DEADLINE_MS);
  return callFrame(sequence, method, anyArgument(random, flags), { flags, deadlineMs });
}

/** Bytes that need not be a call. */
export function garbage(random: Random, methods: readonly string[]): Buffer {
  if (random.below(2) === 0) return fuzzInput(random);
  const calls = Buffer.concat(Array.from({ length: 1 + random.below(4) }, (_, i) => anyCall(random, i + 1, methods)));
  for (let count = 1 + random.below(4); count > 0; count--) calls[random.below(calls.length)] = random.below(256);
  return random.below(3) === 0 ? calls.subarray(0, random.below(calls.length)) : calls;
}
