// P02: no bytes make a frame decoder crash, hang, grow or take its time; and both decoders judge them alike.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { isRrtsError } from '../../../src/core/errors.ts';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { within } from '../../helpers/wait-for.ts';
import { pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { fuzzInput, MAX_PAYLOAD } from './fuzz-inputs.ts';
import { runNode, runPhp, scriptWords } from './programs.ts';
import { chooseSeed, Random } from './random.ts';

const FUZZ_MS = pick(5_000, 600_000);
/** A decoder that hangs is found by its process being there after this time. */
const LIMIT_MS = FUZZ_MS + 60_000;
const COMPARED = pick(20_000, 200_000);

/** Megabytes by which a process may be larger after three quarters of its inputs. */
const SIDES = [
  { name: 'TypeScript', script: 'decoder-fuzz.ts', run: runNode, growthMb: 64 },
  { name: 'PHP', script: 'decoder-fuzz.php', run: runPhp, growthMb: 4 },
];

// At the same time: the long form has ten minutes for each.
describe('P02 bytes of all kinds', { concurrency: SIDES.length }, () => {
  for (const { name, script, run, growthMb } of SIDES) {
    test(`P02 ${name}: ${FUZZ_MS / 1000} s of noise, damaged frames and lies`, async (t) => {
      const seed = chooseSeed();
      const counts = await run(script, [String(seed), String(FUZZ_MS)], LIMIT_MS);
      report(t, { side: name, ...counts, seed: `${seed}` }, { inputs: FUZZ_MS / 5, frames: 1 });
      const { inputs = 0, refused = 0, incomplete = 0, grownMb = 0 } = counts;
      assert.ok(refused > inputs / 10 && incomplete > inputs / 100, 'all kinds of ends came');
      assert.ok(grownMb <= growthMb, `memory grew by ${grownMb} MB`);
    });
  }
});

test(`P02 both: the decoders judge ${COMPARED} inputs alike`, async (t) => {
  const seed = chooseSeed();
  const random = new Random(seed);
  const inputs = Array.from({ length: COMPARED }, () => fuzzInput(random));
  const [program = '', ...words] = scriptWords('verdicts.php', []);
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  try {
    const ended = once(child, 'close');
    for (const bytes of inputs) if (!child.stdin.write(`${bytes.toString('hex')}\n`)) await once(child.stdin, 'drain');
    child.stdin.end();
    await within(ended, 120_000, `the verdicts of PHP for seed ${seed}`);
  } finally {
    child.kill('SIGKILL');
  }
  const ends = { whole: 0, waits: 0, fault: 0 };
  const verdicts = output.trimEnd().split('\n');
  assert.equal(verdicts.length, COMPARED);
  inputs.forEach((bytes, i) => {
    const verdict = verdictOf(bytes);
    assert.equal(verdicts[i], verdict, `input ${i} of seed ${seed}: ${bytes.subarray(0, 200).toString('hex')}`);
    ends[verdict.split(' ').at(-1) as keyof typeof ends]++;
  });
  report(t, { side: 'both', inputs: COMPARED, ...ends, seed: `${seed}` }, { whole: 1, waits: 1, fault: 1 });
});

/** What the TypeScript decoder makes of it, in the words of verdicts.php. */
function verdictOf(bytes: Buffer): string {
  const decoder = new FrameDecoder(MAX_PAYLOAD);
  const hash = createHash('sha1');
  let frames = 0;
  let end = 'whole';
  try {
    decoder.push(bytes, ({ flags, stream, options, payload }) => {
      frames++;
      hash.update(encodeFrame(flags, stream, options, payload));
    });
    if (decoder.pendingBytes > 0) end = 'waits';
  } catch (error) {
    if (!isRrtsError(error)) throw error;
    end = 'fault';
  }
  return `${frames} ${hash.digest('hex')} ${end}`;
}
