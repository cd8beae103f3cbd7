// A hundred thousand waiting jobs: what they cost, how quickly they are there again, and how quickly they go. In processes of their own, one of which is killed.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Delivery } from '../../../../src/plugins/jobs/driver.ts';
import { eventually, within } from '../../../helpers/wait-for.ts';
import { job, now } from '../driver-contract.ts';
import { openRig, tempDir } from './local-rig.ts';

const SCRIPT = fileURLToPath(new URL('queue-process.ts', import.meta.url));

/** Starts the process, and gives it with what it says. */
async function queueProcess(
  t: TestContext,
  what: string,
  directory: string,
): Promise<[ChildProcess, Record<string, number | string>]> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', SCRIPT, what, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await within(once(createInterface(child.stdout), 'line'), 120_000, `what ${what} says`);
  return [child, JSON.parse(String(line)) as Record<string, number | string>];
}

test('100,000 waiting jobs take little memory, survive kill -9, and are there again within 2 s', async (t) => {
  const directory = tempDir(t).file('queue');
  const [filler, filled] = await queueProcess(t, 'fill', directory);
  const [, refused] = await queueProcess(t, 'hold', directory);
  assert.deepEqual(
    [refused['code'], refused['message']],
    ['ERR_JOBS_STORE', `the queue's directory ${directory} is in use by another server or pipeline`],
  );
  filler.kill('SIGKILL');
  await once(filler, 'exit');
  const startMs: number[] = [];
  const quickest = (): number => Math.min(...startMs);
  // Without what the process waited for a processor; and of three starts one is not held up by a disk that others use.
  for (let start = 0; start === 0 || (quickest() >= 2000 && start < 3); start++) {
    const [holder, held] = await queueProcess(t, 'hold', directory);
    startMs.push(Number(held['startMs']));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
  const [, taken] = await queueProcess(t, 'take', directory);
  const grown = [filled, taken].map(({ before, after }) => Number(after) - Number(before));
  t.diagnostic(
    `100,000 jobs of 1 KB: ${Number(filled['perSecond']).toFixed(0)} pushed a second, ${grown[0]} MB more; after kill -9 ` +
      `${startMs.map(Math.round).join(', ')} ms to start, ${grown[1]} MB more, ${Number(taken['perSecond']).toFixed(0)} done a second`,
  );
  assert.equal(taken['waiting'], 100_000);
  assert.ok(grown.every((megabytes) => megabytes < 200));
  assert.ok(quickest() < 2000, `${startMs} ms`);
});

test('space comes back while pushes and acks go on, and nothing is lost on the way', async (t) => {
  const directory = tempDir(t).file('queue');
  const { driver, receiver } = await openRig(t, directory, { segmentBytes: 64 * 1024 }, { prefetch: 20 });
  // Some wait for long, in between many that do not: their files must be emptied to be removed.
  const rounds = 60;
  const done = new Set<string>();
  const settle = (delivery: Delivery): void => {
    assert.ok(!done.has(delivery.job.id), 'twice');
    if (delivery.job.attempt === 1 && delivery.job.id.endsWith('7'))
      delivery.release({ ...delivery.job, attempt: 2 }, 1);
    else {
      done.add(delivery.job.id);
      delivery.ack();
    }
  };
  receiver.each((delivery) => setImmediate(settle, delivery));
  driver.resume();
  let largest = 0;
  for (let round = 0; round < rounds; round++) {
    const payload = Buffer.alloc(1000, round);
    await driver.push([
      ...now(...Array.from({ length: 50 }, (_, index) => job(`quick-${round * 50 + index}`, { payload }))),
      { job: job(`slow-${round}`, { payload }), delayMs: 3_600_000 },
    ]);
    await eventually(() => done.size >= (round - 1) * 50, 'the others');
    largest = Math.max(largest, sizeOf(directory));
  }
  await eventually(() => done.size === rounds * 50, 'all quick jobs');
  await driver.stop();
  const written = rounds * 51 * 1100;
  t.diagnostic(`${written} bytes written, at most ${largest} on the disk, ${sizeOf(directory)} at the end`);
  assert.ok(largest < written / 4, `${largest} bytes`);
  const second = await openRig(t, directory, {}, { prefetch: 1000, now: () => Date.now() + 3_600_001 });
  second.driver.resume();
  await second.receiver.count(rounds);
  assert.deepEqual(
    [...second.receiver.ids].sort(),
    Array.from({ length: rounds }, (_, round) => `slow-${round}`).sort(),
  );
  for (const [index, { job: one }] of second.receiver.all.entries()) {
    assert.equal(one.payload.length, 1000);
    assert.equal(one.payload[0], Number(one.id.slice(5)), `the payload of ${index}`);
  }
});

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
