// Random pushes, acks, releases, kills and losses of power against a model: what was confirmed and is not done comes, whatever happens.

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Delivery } from '../../../../src/plugins/jobs/driver.ts';
import { eventually } from '../../../helpers/wait-for.ts';
import { job } from '../driver-contract.ts';
import { openRig, type Rig, tempDir } from './local-rig.ts';
import { LossyDisk } from './lossy-disk.ts';

const RUNS = process.env['RUN_LONG'] === '1' ? 2000 : 50;
const PREFETCH = 20;

type Step =
  | { readonly kind: 'push'; readonly count: number; readonly size: number; readonly wait: boolean }
  | { readonly kind: 'ack' | 'release' | 'put back'; readonly count: number }
  | { readonly kind: 'turn' | 'kill' | 'power' | 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      count: fc.integer({ min: 1, max: 12 }),
      size: fc.integer({ min: 0, max: 900 }),
      wait: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('ack' as const, 'ack' as const, 'release' as const, 'put back' as const),
      count: fc.integer({ min: 1, max: 20 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'turn' as const,
        'turn' as const,
        'turn' as const,
        'kill' as const,
        'power' as const,
        'restart' as const,
      ),
    }),
  },
);

/** What is known of a job. `must`: stored for certain and not done. `may`: nobody can know. `never`: done, and told to the disk. */
type Known = 'must' | 'may' | 'never';

class Trial {
  readonly known = new Map<string, Known>();
  readonly #t: TestContext;
  readonly #directory: () => string;
  readonly #chance: () => number;
  #disk = new LossyDisk();
  #place: string;
  #rig: Rig | undefined;
  /** Handed over by this process, by id. */
  readonly #out = new Map<string, Delivery>();
  /** Done in this process: they must not come again in it. */
  readonly #done = new Set<string>();
  #pushes: Promise<unknown>[] = [];
  #number = 0;

  constructor(t: TestContext, directory: () => string, chance: () => number) {
    this.#t = t;
    this.#directory = directory;
    this.#chance = chance;
    this.#place = directory();
  }

  async begin(): Promise<void> {
    this.#disk = new LossyDisk();
    this.#out.clear();
    this.#done.clear();
    this.#pushes = [];
    const options = { open: this.#disk.open, segmentBytes: 3000 };
    const rig = await openRig(this.#t, this.#place, options, { prefetch: PREFETCH });
    this.#rig = rig;
    rig.receiver.each((delivery) => {
      const { id } = delivery.job;
      assert.ok(!this.#out.has(id), `${id} is out twice`);
      assert.ok(!this.#done.has(id), `${id} came back in the process that did it`);
      assert.ok(this.known.has(id) && this.known.get(id) !== 'never', `${id} came back from the dead`);
      this.#out.set(id, delivery);
    });
    rig.driver.resume();
  }

  async do(one: Step): Promise<void> {
    switch (one.kind) {
      case 'push':
        return this.#push(one.count, one.size, one.wait);
      case 'turn':
        await new Promise((resolve) => setTimeout(resolve, 2));
        return;
      case 'kill':
      case 'power':
        return this.#crash(one.kind);
      case 'restart':
        await this.stop();
        return this.begin();
      default:
        for (const [id, delivery] of [...this.#out].slice(0, one.count)) this.#settle(id, delivery, one.kind);
    }
  }

  /** A clean end: what is done is done for ever. */
  async stop(): Promise<void> {
    await Promise.all(this.#pushes);
    await this.#rig?.driver.stop();
    for (const id of this.#done) this.known.set(id, 'never');
  }

  /** Does all that is left, and gives how much that was. */
  async drain(): Promise<number> {
    await this.stop();
    await this.begin();
    let count = 0;
    await eventually(async () => {
      for (const [id, delivery] of [...this.#out]) {
        this.#settle(id, delivery, 'ack');
        count++;
      }
      const stats = await this.#rig?.driver.stats();
      return stats !== undefined && stats.waiting + stats.delayed + stats.reserved === 0;
    }, 'the end of all jobs');
    const missing = [...this.known].filter(([, known]) => known === 'must').map(([id]) => id);
    assert.deepEqual(missing, [], 'confirmed and never handed over');
    await this.stop();
    return count;
  }

  async #push(count: number, size: number, wait: boolean): Promise<void> {
    const ids = Array.from({ length: count }, () => `job-${this.#number++}`);
    for (const id of ids) this.known.set(id, 'may');
    const jobs = ids.map((id) => ({ job: job(id, { payload: Buffer.alloc(size, id) }), delayMs: 0 }));
    const rig = this.#rig;
    const push = rig?.driver.push(jobs).then(() => {
      // Confirmed to a process that was not killed meanwhile.
      if (rig === this.#rig)
        for (const id of ids) if (this.known.get(id) === 'may' && !this.#done.has(id)) this.known.set(id, 'must');
    });
    this.#pushes.push(push ?? Promise.resolve());
    if (wait) await push;
  }

  #settle(id: string, delivery: Delivery, how: 'ack' | 'release' | 'put back'): void {
    this.#out.delete(id);
    assert.equal(delivery.job.payload.toString(), Buffer.alloc(delivery.job.payload.length, id).toString());
    if (how === 'ack') {
      this.#done.add(id);
      this.known.set(id, 'may');
      delivery.ack();
    } else if (how === 'release') delivery.release({ ...delivery.job, attempt: delivery.job.attempt + 1 }, 0);
    else delivery.release(delivery.job, 0);
  }

  /** The files as a kill, or a loss of power, at this very moment would leave them; the old process then matters no more. */
  async #crash(how: 'kill' | 'power'): Promise<void> {
    const old = this.#rig;
    const to = this.#directory();
    if (how === 'kill') copyFiles(this.#place, to);
    else this.#disk.crash(this.#place, to, this.#chance);
    this.#rig = undefined;
    const known = new Map(this.known);
    old?.receiver.each(() => undefined);
    await Promise.all(this.#pushes);
    await old?.driver.stop();
    this.known.clear();
    for (const [id, one] of known) this.known.set(id, one);
    this.#place = to;
    await this.begin();
  }
}

/** All files of a directory; one that is being removed at this moment may be there or not. */
function copyFiles(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    try {
      copyFileSync(join(from, name), join(to, name));
    } catch (error) {
      assert.ok(!existsSync(join(from, name)), String(error));
    }
  }
}

test('whatever happens, what was confirmed and is not done comes, and what is done does not come again in the same process', async (t) => {
  const dir = tempDir(t);
  let directories = 0;
  let [steps, crashes, jobs] = [0, 0, 0];
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }),
    fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
    async (all, chances) => {
      const chance = (): number => chances.next().value as number;
      const trial = new Trial(t, () => dir.file(`queue-${directories++}`), chance);
      await trial.begin();
      for (const one of all) {
        await trial.do(one);
        steps++;
        if (one.kind === 'kill' || one.kind === 'power') crashes++;
      }
      await trial.drain();
      jobs += trial.known.size;
    },
  );
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true, includeErrorInReport: true });
  t.diagnostic(`${RUNS} runs, ${steps} steps, ${crashes} crashes, ${jobs} jobs`);
});

test('power goes right after old files were emptied or given up', async (t) => {
  const dir = tempDir(t);
  let directories = 0;
  for (let round = 0; round < 20; round++) {
    const trial = new Trial(t, () => dir.file(`queue-${directories++}`), Math.random);
    await trial.begin();
    for (const kind of ['release', 'ack', 'release'] as const) {
      await trial.do({ kind: 'push', count: 12, size: 800, wait: true });
      await trial.do({ kind, count: kind === 'ack' ? 6 : 20 });
      for (let turns = 0; turns <= round % 4; turns++) await trial.do({ kind: 'turn' });
      await trial.do({ kind: 'power' });
    }
    await trial.drain();
  }
  t.diagnostic('60 losses of power');
});
