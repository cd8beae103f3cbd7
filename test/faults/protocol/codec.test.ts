// P01: frames survive any split of their bytes, in TypeScript, in PHP, and between the two.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import type { Frame } from '../../../src/protocol/frame.ts';
import { within } from '../../helpers/wait-for.ts';
import { pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { anyMessage, anySplit, chunksOf, difference, type Message } from './messages.ts';
import { runPhp, scriptWords } from './programs.ts';
import { chooseSeed } from './random.ts';

/** On each side, and between the two. */
const RUNS = pick(10_000, 100_000);
/** Frames that are on their way to PHP at the same time. */
const CROSS_BATCH = 500;

/** One connection: its frames, and how their bytes are split. */
const anyConnection = fc.tuple(fc.array(anyMessage, { minLength: 1, maxLength: 4 }), anySplit);

test(`P01 TypeScript: ${RUNS} times up to three connections, split anywhere and interleaved, decode to what was encoded`, (t) => {
  const seed = chooseSeed();
  const count = { runs: 0, frames: 0, chunks: 0, bytes: 0 };
  fc.assert(
    fc.property(
      fc.array(anyConnection, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }),
      (connections, turns) => {
        const all = connections.map(([messages, lengths]) => ({
          messages,
          chunks: chunksOf(Buffer.concat(messages.map(({ bytes }) => bytes)), lengths),
          decoder: new FrameDecoder(),
          next: 0,
          got: [] as Frame[],
        }));
        for (let open = [...all], turn = 0; open.length > 0; turn++) {
          const one = open[(turns[turn % turns.length] as number) % open.length] as (typeof all)[number];
          const chunk = one.chunks[one.next++] as Buffer;
          one.decoder.push(chunk, (frame) => one.got.push(frame));
          count.chunks++;
          count.bytes += chunk.length;
          if (one.next === one.chunks.length) open = open.filter((other) => other !== one);
        }
        for (const { messages, got, decoder } of all) {
          assertSame(got, messages);
          assert.equal(decoder.pendingBytes, 0);
          count.frames += messages.length;
        }
        count.runs++;
      },
    ),
    { numRuns: RUNS, seed },
  );
  report(t, { side: 'TypeScript', ...count, failures: 0, seed: `${seed}` }, { runs: RUNS });
});

test(`P01 PHP: the same, ${RUNS} times`, async (t) => {
  const seed = chooseSeed();
  const count = await runPhp('codec.php', [String(seed), String(RUNS)], 20 * 60_000);
  report(t, { side: 'PHP', ...count, failures: 0, seed: `${seed}` }, { runs: RUNS });
});

test(`P01 both: ${RUNS} frames that TypeScript encodes are decoded by PHP, encoded again, and decoded here`, async (t) => {
  const seed = chooseSeed();
  const [program = '', ...words] = scriptWords('echo-frames.php', [String(seed)]);
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const count = await exchangeFrames(child, seed);
    report(t, { side: 'both', ...count, failures: 0, seed: `${seed}` }, { frames: RUNS });
  } finally {
    child.kill('SIGKILL');
  }
});

/** Sends batches to a PHP process that decodes each frame and encodes it anew; the bytes must come back as they went. */
async function exchangeFrames(child: ChildProcess, seed: number): Promise<{ frames: number; bytes: number }> {
  const count = { frames: 0, bytes: 0 };
  const echo = new Echo(child);
  for (let batch = 0; count.frames < RUNS; batch++) {
    const messages = fc.sample(anyMessage, { numRuns: CROSS_BATCH, seed: seed + batch });
    const bytes = Buffer.concat(messages.map((message) => message.bytes));
    const back = await within(echo.send(bytes), 60_000, `batch ${batch} of seed ${seed} from PHP`);
    assertSame(back.frames, messages);
    assert.ok(back.bytes.equals(bytes), `batch ${batch} of seed ${seed}: PHP encodes to other bytes`);
    count.frames += messages.length;
    count.bytes += bytes.length;
  }
  return count;
}

/** The other end of echo-frames.php. */
class Echo {
  readonly #child: ChildProcess;
  readonly #decoder = new FrameDecoder();
  #received: Buffer[] = [];
  #length = 0;
  #frames: Frame[] = [];
  #expected = 0;
  #done: (back: { frames: Frame[]; bytes: Buffer }) => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#receive(chunk));
    child.once('exit', (code) => this.#failed(new Error(`echo-frames.php ended with code ${code}`)));
  }

  /** Settles when as many bytes have come back. */
  send(bytes: Buffer): Promise<{ frames: Frame[]; bytes: Buffer }> {
    this.#received = [];
    this.#frames = [];
    this.#length = 0;
    this.#expected = bytes.length;
    this.#child.stdin?.write(bytes);
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
    });
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#length += chunk.length;
    try {
      this.#decoder.push(chunk, (frame) => this.#frames.push(frame));
    } catch (error) {
      this.#failed(error);
    }
    if (this.#length >= this.#expected) this.#done({ frames: this.#frames, bytes: Buffer.concat(this.#received) });
  }
}

function assertSame(got: readonly Frame[], messages: readonly Message[]): void {
  messages.forEach(({ frame }, i) => {
    const what = difference(got[i], frame);
    if (what !== undefined) assert.fail(`frame ${i} of ${messages.length}: ${what}`);
  });
  assert.equal(got.length, messages.length);
}
