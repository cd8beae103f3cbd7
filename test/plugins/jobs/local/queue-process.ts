// A process that has a queue of the local driver, for tests that measure it, kill it, or want a second one. Words: what to do, and a directory.

import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { silentLogger } from '../../../../src/core/logger.ts';
import { LocalDriver } from '../../../../src/plugins/jobs/local/local-driver.ts';
import { job } from '../driver-contract.ts';

const COUNT = 100_000;
const BATCH = 500;
const PAYLOAD = 1024;

const [what, directory = ''] = process.argv.slice(2);
let got = 0;
let all: () => void = () => undefined;
const driver = new LocalDriver(
  { directory, parents: 0, mode: 0o600, boltFile: undefined, segmentBytes: 16 * 1024 * 1024, open },
  {
    pipeline: 'test',
    key: 'key',
    logger: silentLogger,
    directory: '/',
    now: Date.now,
    prefetch: 100,
    maxWaiting: 1_000_000,
    deliver: (delivery) => {
      delivery.ack();
      if (++got === COUNT) all();
    },
  },
);

/** Resident memory in MB, without what may be collected. */
function memory(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return Math.round(process.memoryUsage().rss / 1024 ** 2);
}

/** Milliseconds for which this process could have run, and others had the processors. 0 where the system does not tell. */
function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

function say(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

async function push(): Promise<number> {
  const begun = performance.now();
  for (let at = 0; at < COUNT; at += BATCH) {
    const jobs = Array.from({ length: BATCH }, (_, index) =>
      job(`job-${at + index}`, { payload: Buffer.alloc(PAYLOAD, at + index) }),
    );
    await driver.push(jobs.map((one) => ({ job: one, delayMs: 0 })));
  }
  return performance.now() - begun;
}

async function run(): Promise<void> {
  const before = memory();
  const [begun, waited] = [performance.now(), waitedMs()];
  await driver.start();
  const startMs = performance.now() - begun - (waitedMs() - waited);
  if (what === 'fill') {
    const pushMs = await push();
    say({ count: COUNT, before, after: memory(), perSecond: COUNT / (pushMs / 1000) });
  } else if (what === 'take') {
    const { waiting } = await driver.stats();
    const done = new Promise<void>((resolve) => {
      all = resolve;
    });
    const after = memory();
    const from = performance.now();
    driver.resume();
    await done;
    say({ startMs, waiting, before, after, perSecond: COUNT / ((performance.now() - from) / 1000) });
    await driver.stop();
    return;
  } else say({ startMs });
  // Until it is killed.
  setInterval(() => undefined, 60_000);
}

run().catch((error: { code?: string; message: string }) => {
  say({ code: error.code, message: error.message });
});
