// The frame decoder: golden frames, every split, every fault, and what it does with text.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRrtsError } from '../../src/core/errors.ts';
import { FrameDecoder } from '../../src/protocol/decode.ts';
import { encodeFrame } from '../../src/protocol/encode.ts';
import type { Frame } from '../../src/protocol/frame.ts';

interface Vector {
  readonly name: string;
  readonly flags: number;
  readonly stream: number;
  readonly options: number[];
  readonly payload: string;
  readonly hex: string;
}
const vectors = JSON.parse(readFileSync(new URL('../vectors/frames.json', import.meta.url), 'utf8')) as {
  valid: Vector[];
  invalid: { name: string; reason: string; hex: string }[];
};

function decodeAll(chunks: readonly Buffer[], decoder = new FrameDecoder()): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(frame));
  return frames;
}

function plain(frame: Frame): object {
  return { ...frame, payload: frame.payload.toString('hex') };
}

const anyFrame = fc.record({
  flags: fc.constantFrom(0, 1, 8, 9, 0x10, 0x40, 0x80),
  stream: fc.constantFrom(0, 1, 2, 4, 5, 8),
  options: fc.array(fc.nat(0xffffffff), { maxLength: 10 }),
  payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

for (const vector of vectors.valid) {
  test(`golden frame "${vector.name}" decodes whole and byte by byte, and encodes to the same bytes`, () => {
    const bytes = Buffer.from(vector.hex, 'hex');
    const { flags, stream, options, payload } = vector;
    const expected = { flags, stream, options, payload };
    assert.deepEqual(decodeAll([bytes]).map(plain), [expected]);
    assert.deepEqual(decodeAll([...bytes].map((byte) => Buffer.from([byte]))).map(plain), [expected]);
    assert.equal(encodeFrame(flags, stream, options, Buffer.from(payload, 'hex')).toString('hex'), vector.hex);
  });
}

for (const { name, reason, hex } of vectors.invalid) {
  test(`"${name}" is refused for its ${reason}, and for ever after`, () => {
    const decoder = new FrameDecoder();
    const fault = (error: unknown): boolean => {
      assert.ok(isRrtsError(error) && error.code === 'ERR_PROTOCOL_FRAME');
      return error.message.includes(reason);
    };
    assert.throws(() => decoder.push(Buffer.from(hex, 'hex'), () => assert.fail('no frame')), fault);
    const good = Buffer.from((vectors.valid[0] as Vector).hex, 'hex');
    assert.throws(() => decoder.push(good, () => assert.fail('no frame')), fault);
  });
}

test('a fault quotes the text that stood in place of a frame', () => {
  const text = Buffer.from('PHP Warning:  Undefined variable \x1b[31m$x in /app/worker.php on line 3\n');
  assert.throws(
    () => new FrameDecoder().push(text, () => undefined),
    /"PHP Warning: {2}Undefined variable \\x1b\[31m\$x in \/app\/worker\.php on line 3\\n"/,
  );
});

test('a short text is refused at once instead of waiting for the rest of a header', () => {
  assert.throws(() => new FrameDecoder().push(Buffer.from('oops'), () => undefined), /not a frame/);
});

test('every flipped bit of the checked header bytes is a fault', () => {
  const frame = encodeFrame(9, 0, [7], Buffer.from('payload'));
  let flips = 0;
  for (let bit = 0; bit < 10 * 8; bit++) {
    const damaged = Buffer.from(frame);
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.throws(() => decodeAll([damaged]), /not a frame/, `bit ${bit}`);
    flips++;
  }
  assert.equal(flips, 80);
});

test('a payload over the limit is refused from its header, before any of it is kept', () => {
  const header = encodeFrame(0, 0, [], Buffer.alloc(1025)).subarray(0, 12);
  assert.throws(() => new FrameDecoder(1024).push(header, () => undefined), /payload length 1025, the limit is 1024/);
});

test('any frames, split anywhere, decode to the same frames', () => {
  const run = { runs: 0, frames: 0 };
  fc.assert(
    fc.property(
      fc.array(anyFrame, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.map((f) => encodeFrame(f.flags, f.stream, f.options, f.payload)));
        const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
        const chunks = [...places, bytes.length].map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
        const decoder = new FrameDecoder();
        const decoded = decodeAll(
          chunks.filter((chunk) => chunk.length > 0),
          decoder,
        );
        assert.deepEqual(decoded.map(plain), frames.map(plain));
        assert.equal(decoder.pendingBytes, 0);
        run.runs++;
        run.frames += frames.length;
      },
    ),
    { numRuns: 5000 },
  );
  console.log(`# ${run.runs} splits of ${run.frames} frames`);
});

test('any mutation is an error or other frames, never a hang or a foreign exception', () => {
  let errors = 0;
  let runs = 0;
  fc.assert(
    fc.property(
      anyFrame,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (frame, mutations) => {
        const bytes = encodeFrame(frame.flags, frame.stream, frame.options, frame.payload);
        for (const [at, value] of mutations) bytes[at % bytes.length] = value;
        runs++;
        try {
          decodeAll([bytes]);
        } catch (error) {
          assert.ok(isRrtsError(error) && error.code === 'ERR_PROTOCOL_FRAME', String(error));
          errors++;
        }
      },
    ),
    { numRuns: 5000 },
  );
  assert.ok(errors > runs / 4, `${errors} of ${runs} mutations were refused`);
});

test('random bytes are an error or wait for more within the limit', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
      const decoder = new FrameDecoder(4096);
      try {
        for (const chunk of chunks) decoder.push(Buffer.from(chunk), () => undefined);
        assert.ok(decoder.pendingBytes <= 4096 + 52 + 200);
      } catch (error) {
        assert.ok(isRrtsError(error), String(error));
      }
    }),
    { numRuns: 5000 },
  );
});

test('text between frames is handed out when asked for, however it is split', () => {
  const frame = encodeFrame(1, 0, [], Buffer.from('{"pid":1}'));
  const colours = Buffer.from('\x1b[31mred\x1b[0m warning\n');
  const bytes = Buffer.concat([Buffer.from('Hello\n'), frame, colours, frame, frame, Buffer.from('bye')]);
  let runs = 0;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 }), (cuts) => {
      const places = [...new Set(cuts)].sort((a, b) => a - b);
      let text = '';
      const decoder = new FrameDecoder(undefined, (part) => {
        text += part.toString();
      });
      const chunks = [...places, bytes.length].map((end, i) => bytes.subarray(places[i - 1] ?? 0, end));
      assert.equal(decodeAll(chunks, decoder).length, 3);
      assert.equal(text, 'Hello\n\x1b[31mred\x1b[0m warning\nbye');
      runs++;
    }),
    { numRuns: 500 },
  );
  assert.ok(runs >= 100);
});

test('a damaged frame is a fault, not text, also where text is allowed', () => {
  const frame = encodeFrame(0x10, 0, [1], Buffer.from('xy'));
  frame[7] = (frame[7] as number) ^ 1;
  assert.throws(() => decodeAll([frame], new FrameDecoder(undefined, () => assert.fail('no text'))), /wrong checksum/);
});

test('a frame over the limit is skipped where somebody is told of it, however it is split', () => {
  const frames = [
    encodeFrame(8, 0, [1, 2], Buffer.from('small')),
    encodeFrame(8, 0, [2, 2], Buffer.alloc(5_000, 'x')),
    encodeFrame(8, 0, [3, 2], Buffer.from('small')),
    encodeFrame(0x80, 0, [4, 2], Buffer.alloc(101)),
    encodeFrame(8, 0, [5, 2], Buffer.alloc(100)),
  ];
  const bytes = Buffer.concat(frames);
  let runs = 0;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 }), (cuts) => {
      const places = [...new Set(cuts)].sort((a, b) => a - b);
      const decoder = new FrameDecoder(100);
      const skipped: number[][] = [];
      decoder.onTooLarge = ({ flags, options, payload }, length) => {
        assert.equal(payload.length, 0);
        skipped.push([flags, ...options, length]);
      };
      const seen: (number | undefined)[] = [];
      [...places, bytes.length].forEach((end, i) => {
        decoder.push(bytes.subarray(places[i - 1] ?? 0, end), ({ options }) => seen.push(options[0]));
      });
      assert.deepEqual(seen, [1, 3, 5]);
      assert.deepEqual(skipped, [
        [8, 2, 2, 5_000],
        [0x80, 4, 2, 101],
      ]);
      assert.equal(decoder.pendingBytes, 0);
      runs++;
    }),
    { numRuns: 500 },
  );
  assert.ok(runs >= 100);
});

test('the limit can be raised between two frames of one chunk', () => {
  const small = encodeFrame(8, 0, [1, 2], Buffer.from('open'));
  const large = encodeFrame(8, 0, [2, 2], Buffer.alloc(1_000));
  const decoder = new FrameDecoder(100);
  const seen: number[] = [];
  decoder.push(Buffer.concat([small, large]), ({ payload }) => {
    decoder.maxPayload = 1_000;
    seen.push(payload.length);
  });
  assert.deepEqual(seen, [4, 1_000]);
});
