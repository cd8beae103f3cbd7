// Random messages and random splits of their bytes, for the property tests of the frame codec.

import fc from 'fast-check';
import { encodeExchange, encodeFrame } from '../../../src/protocol/encode.ts';
import type { Frame } from '../../../src/protocol/frame.ts';
import { randomBytes } from './random.ts';

/** Payloads are cut from here: making random bytes anew for each would take most of the time. */
const POOL = randomBytes(20_260_217, 512 * 1024);

/** Chunks of a message are at least this part of it, so that a large one is not fed byte by byte. */
const MOST_CHUNKS = 2000;

/** A frame and the bytes that say it. */
export interface Message {
  readonly frame: Frame;
  readonly bytes: Buffer;
}

const payload = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.nat(60) },
      { weight: 3, arbitrary: fc.nat(5000) },
      { weight: 1, arbitrary: fc.nat(200_000) },
    ),
    fc.nat(300_000),
  )
  .map(([length, offset]) => POOL.subarray(offset, offset + length));

const anyFrame = fc
  .record({
    flags: fc.nat(255),
    stream: fc.nat(15),
    options: fc.array(fc.nat(0xffffffff), { maxLength: 10 }),
    payload,
  })
  .map((frame) => ({ frame, bytes: encodeFrame(frame.flags, frame.stream, frame.options, frame.payload) }));

const anyExchange = fc.tuple(fc.constantFrom(0, 8, 0x10, 0x80), payload, payload).map(([flags, head, body]) => ({
  frame: { flags, stream: 0, options: [head.length], payload: Buffer.concat([head, body]) },
  bytes: Buffer.concat(encodeExchange({ flags, head, body }) as readonly Buffer[]),
}));

/** Any frame, or a request as the master writes it. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(anyFrame, anyExchange);

/** Lengths of the chunks of one connection, to be repeated: from one byte to 64 KB. */
export const anySplit: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1, max: 65_536 })),
  { minLength: 1, maxLength: 6 },
);

/** Cuts bytes into chunks of these lengths. */
export function chunksOf(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const least = Math.floor(bytes.length / MOST_CHUNKS);
  const chunks: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const length = Math.max(least, lengths[chunks.length % lengths.length] as number);
    chunks.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return chunks;
}

/** What of two frames differs; undefined when nothing does. */
export function difference(got: Frame | undefined, expected: Frame): string | undefined {
  if (got === undefined) return 'it is missing';
  if (got.flags !== expected.flags) return `flags ${got.flags} instead of ${expected.flags}`;
  if (got.stream !== expected.stream) return `stream bits ${got.stream} instead of ${expected.stream}`;
  if (got.options.join() !== expected.options.join()) return `options ${got.options} instead of ${expected.options}`;
  return got.payload.equals(expected.payload) ? undefined : `another payload of ${got.payload.length} bytes`;
}
