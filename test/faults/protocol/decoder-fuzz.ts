// P02 on the TypeScript side, a process of its own: decoder-fuzz.ts SEED MILLISECONDS. Prints its counts.

import assert from 'node:assert/strict';
import { isRrtsError } from '../../../src/core/errors.ts';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import { FIXED_HEADER } from '../../../src/protocol/frame.ts';
import { fuzzInput, MAX_PAYLOAD } from './fuzz-inputs.ts';
import { chunksOf } from './messages.ts';
import { Random } from './random.ts';

/** Most that one input may take, in milliseconds of processor time. */
const LIMIT_MS = 5;
/** An input that took longer is tried again: a collector run or the compiler may have been at work. */
const ATTEMPTS = 5;
/** Bytes of header and options, the most a decoder keeps beside the payload. */
const HEADER = FIXED_HEADER + 40;

const [seed = 1, duration = 1000] = process.argv.slice(2).map(Number);
const counts = { inputs: 0, bytes: 0, frames: 0, refused: 0, incomplete: 0, slowestMs: 0, grownMb: 0 };

/** Feeds one input to both kinds of decoder. */
function feed(bytes: Buffer, lengths: readonly number[], withText: boolean): void {
  let text = 0;
  const onText = (part: Buffer): void => {
    text += part.length;
  };
  const decoder = new FrameDecoder(MAX_PAYLOAD, withText ? onText : undefined);
  let consumed = 0;
  try {
    for (const chunk of chunksOf(bytes, lengths)) {
      decoder.push(chunk, (frame) => {
        consumed += FIXED_HEADER + 4 * frame.options.length + frame.payload.length;
        counts.frames++;
      });
      assert.ok(decoder.pendingBytes <= MAX_PAYLOAD + HEADER);
    }
  } catch (error) {
    if (!isRrtsError(error) || error.code !== 'ERR_PROTOCOL_FRAME') throw error;
    counts.refused++;
    assert.throws(
      () => decoder.push(bytes, () => assert.fail('a frame after a fault')),
      (again) => again === error,
    );
    return;
  }
  counts.incomplete += decoder.pendingBytes > 0 ? 1 : 0;
  assert.equal(consumed + text + decoder.pendingBytes, bytes.length, 'every byte is a frame, text or kept');
}

/** Processor time of one input. */
function measure(work: () => void): number {
  const begin = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

const random = new Random(seed);
const begin = performance.now();
let warm = 0;
while (performance.now() - begin < duration) {
  const bytes = fuzzInput(random);
  const lengths = random.pick([[1], [7, 1, 300], [1500], [65_536]]);
  const withText = random.below(2) === 0;
  const work = (): void => feed(bytes, lengths, withText);
  let took = measure(work);
  for (let attempt = 1; took > LIMIT_MS && attempt < ATTEMPTS; attempt++) took = Math.min(took, measure(work));
  counts.slowestMs = Math.max(counts.slowestMs, took);
  assert.ok(took <= LIMIT_MS, `input ${counts.inputs} of seed ${seed}, ${bytes.length} bytes, took ${took} ms`);
  counts.inputs++;
  counts.bytes += bytes.length;
  if (counts.inputs % 1000 !== 0) continue;
  if (warm === 0 && performance.now() - begin > duration / 4) {
    globalThis.gc?.();
    warm = process.memoryUsage.rss();
  }
}
globalThis.gc?.();
counts.grownMb = (process.memoryUsage.rss() - warm) / 1e6;
process.stdout.write(`${JSON.stringify(counts)}\n`);
