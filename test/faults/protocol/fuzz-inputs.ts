// Inputs for the fuzz of the frame decoders: noise, damaged frames, and frames that lie about their lengths.

import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FIXED_HEADER, headerChecksum } from '../../../src/protocol/frame.ts';
import type { Random } from './random.ts';

/** Largest payload that the decoders under test take. */
export const MAX_PAYLOAD = 1 << 20;

/** Largest input; Node reads no more of a channel at once. */
const MAX_INPUT = 64 * 1024;

/** Lengths that are worth a lie. */
const LIES = [0, 1, 2, 11, 12, 255, 256, 65_535, MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 2 ** 31 - 1, 2 ** 31];

/** One kind of input. */
type Recipe = (random: Random) => Buffer;

const RECIPES: readonly Recipe[] = [
  noise,
  mutated,
  mutated,
  truncated,
  liesAboutLength,
  liesAboutOptions,
  textBetween,
  alike,
];

/** The input of a number: the same generator state gives the same input. */
export function fuzzInput(random: Random): Buffer {
  return random.pick(RECIPES)(random).subarray(0, MAX_INPUT);
}

/** A length: mostly short. */
function anyLength(random: Random): number {
  return random.below(random.pick([16, 64, 64, 600, 600, 4000, MAX_INPUT]));
}

function noise(random: Random): Buffer {
  return random.bytes(anyLength(random));
}

function frames(random: Random): Buffer {
  const parts: Buffer[] = [];
  for (let count = 1 + random.below(5); count > 0; count--) {
    const options = Array.from({ length: random.below(11) }, () => random.next());
    parts.push(encodeFrame(random.below(256), random.below(16), options, random.bytes(random.below(300))));
  }
  return Buffer.concat(parts);
}

/** Bytes changed, left out, put in, or doubled. */
function mutated(random: Random): Buffer {
  let bytes = frames(random);
  for (let count = 1 + random.below(6); count > 0 && bytes.length > 0; count--) {
    const at = random.below(bytes.length);
    const length = random.below(20);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const what = random.below(4);
    if (what === 0) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    else if (what === 1) bytes = Buffer.concat([before, after.subarray(length)]);
    else if (what === 2) bytes = Buffer.concat([before, random.bytes(length), after]);
    else bytes = Buffer.concat([before, after.subarray(0, length), after]);
  }
  return bytes;
}

function truncated(random: Random): Buffer {
  const bytes = frames(random);
  return bytes.subarray(0, random.below(bytes.length));
}

/** A header that is right in itself, with another payload length than follows. */
function liesAboutLength(random: Random): Buffer {
  const bytes = frames(random);
  bytes.writeUInt32LE(random.below(2) === 0 ? random.pick(LIES) : random.next(), 2);
  bytes.writeUInt32LE(headerChecksum(bytes, 0), 6);
  return Buffer.concat([bytes, frames(random)]);
}

/** A header that is right in itself, with another number of options than follows. */
function liesAboutOptions(random: Random): Buffer {
  const bytes = frames(random);
  bytes[0] = random.below(256);
  bytes.writeUInt32LE(headerChecksum(bytes, 0), 6);
  return bytes;
}

function textBetween(random: Random): Buffer {
  const text = Buffer.from(
    'PHP Warning:  Undefined variable $x in /app/worker.php on line 3\n'.repeat(1 + random.below(20)),
  );
  return Buffer.concat([frames(random), text.subarray(0, random.below(text.length)), frames(random)]);
}

/** The same few bytes over and over: headers of nothing, or what looks like the start of one. */
function alike(random: Random): Buffer {
  const unit = random.pick([
    encodeFrame(0, 0, [], Buffer.alloc(0)),
    encodeFrame(0x10, 0, [2], Buffer.from('xy')),
    Buffer.from([0x13]),
    Buffer.from([0x1d, 0x00]),
    Buffer.alloc(FIXED_HEADER, 0x14),
    Buffer.from([0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]);
  return Buffer.alloc(anyLength(random), unit);
}
