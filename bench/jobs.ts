// The case "jobs": a queue is filled, then PHP processes empty it; the figure is how many jobs a second they do.

import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { BenchCase, PeerId } from './cases.ts';
import { cpuSeconds } from './cpu-time.ts';
import { type CaseResult, type Measurement, ratiosOf, rowOf } from './figures.ts';
import { WrongAnswer } from './load.ts';
import { openMessenger } from './queues/messenger-queue.ts';
import type { Queue, QueueId, QueuePlace } from './queues/queue.ts';
import { startRedisServer } from './queues/redis-server.ts';
import { openRrts } from './queues/rrts-queue.ts';
import type { Surroundings } from './run-case.ts';

/** Jobs of a round, for each second that a measurement shall take. */
const JOBS_PER_SECOND = 10_000;
/** Jobs before the first round: the first ones compile and connect. */
const WARM_UP = 5000;
const LOOK_MS = 2;
/** Longest silence of a queue that is not empty. */
const SILENCE_MS = 30_000;
/** Jobs that wait while the memory of the master is looked at. */
const WAITING = 100_000;

type Open = (place: QueuePlace) => Promise<Queue>;

const QUEUES: Readonly<Record<QueueId, Open>> = {
  messenger: openMessenger,
  jobsMemory: (place) => openRrts(place, { driver: 'memory', script: 'native-jobs.php' }),
  jobsLocal: (place) => openRrts(place, { driver: 'local', script: 'native-jobs.php' }),
  jobsRedis: (place) => openRrts(place, { driver: 'redis', script: 'native-jobs.php' }),
  jobsAmqp: (place) => openRrts(place, { driver: 'amqp', script: 'native-jobs.php' }),
  jobsBus: (place) => openRrts(place, { driver: 'redis', script: 'messenger-jobs.php' }),
};

interface OpenQueue {
  readonly peer: PeerId;
  readonly counts: string;
  readonly queue: Queue;
  /** Of its broker, which others share. */
  readonly broker: readonly number[];
}

/** @throws WrongAnswer when jobs are not done, or are done more than once. */
export async function runJobsCase(bench: BenchCase, surroundings: Surroundings): Promise<CaseResult> {
  const { options, missing, onMeasured } = surroundings;
  const peers = bench.peers.filter((peer) => !missing.has(peer));
  const measured = new Map<PeerId, Measurement[]>(peers.map((peer) => [peer, []]));
  const { queues, notes, stop } = await openQueues(peers, surroundings);
  try {
    for (const one of queues) await emptied(one, WARM_UP);
    for (let round = 1; round <= options.rounds; round++) {
      for (const one of queues) {
        const sample = await emptied(one, options.seconds * JOBS_PER_SECOND);
        measured.get(one.peer)?.push(sample);
        onMeasured(one.peer, round, sample);
      }
    }
  } finally {
    await stop();
  }
  return {
    bench,
    rows: peers.map((peer) => rowOf(peer, measured.get(peer) ?? [])),
    ratios: ratiosOf(bench.ratios, measured),
    missing: bench.peers.flatMap((peer) => (missing.has(peer) ? [{ peer, reason: missing.get(peer) ?? '' }] : [])),
    notes,
  };
}

async function openQueues(peers: readonly PeerId[], { workspace, signal, amqp }: Surroundings) {
  const redis = await startRedisServer(workspace, signal);
  const broker = peers.includes('jobsAmqp') ? await amqp() : undefined;
  const queues: OpenQueue[] = [];
  const notes: string[] = [];
  const stop = async (): Promise<void> => {
    for (const { queue } of queues) await queue.stop();
    await redis.service.stop();
    await broker?.close();
  };
  try {
    for (const peer of peers) {
      const counts = join(workspace.folder, `count-${peer}`);
      mkdirSync(counts);
      const place = { workspace, signal, counts, redisPort: redis.port, amqpUrl: broker?.url };
      const open = QUEUES[peer as QueueId];
      if (peer === 'jobsMemory' || peer === 'jobsLocal') notes.push(await memoryNote(peer, open, place));
      const brokers = { messenger: redis.service.pid, jobsRedis: redis.service.pid, jobsBus: redis.service.pid };
      const pid = peer === 'jobsAmqp' ? broker?.pid : brokers[peer as keyof typeof brokers];
      queues.push({ peer, counts, queue: await open(place), broker: pid === undefined ? [] : [pid] });
    }
    return { queues, notes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Fills a queue, and takes the time from the first job to the last. */
async function emptied({ peer, counts, queue, broker }: OpenQueue, jobs: number): Promise<Measurement> {
  const already = bytesIn(counts);
  await queue.fill(jobs);
  const cpuBefore = cpuSeconds([...queue.pids(), ...broker]);
  await queue.consume();
  const rate = await rateOf(peer, () => bytesIn(counts) - already, jobs);
  const cpuAfter = cpuSeconds([...queue.pids(), ...broker]);
  await queue.rest();
  const done = bytesIn(counts) - already;
  if (done !== jobs) throw new WrongAnswer(`${peer}: ${done} jobs were done instead of ${jobs}`);
  const used = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  return {
    requestsPerSecond: rate,
    p50: Number.NaN,
    p99: Number.NaN,
    cpuMicroseconds: used === undefined ? undefined : (used * 1e6) / jobs,
  };
}

async function rateOf(peer: PeerId, done: () => number, jobs: number): Promise<number> {
  let first: { readonly at: number; readonly done: number } | undefined;
  let last = { at: performance.now(), done: 0 };
  while (last.done < jobs) {
    await wait(LOOK_MS);
    const now = { at: performance.now(), done: done() };
    if (now.done > last.done) last = now;
    if (now.at - last.at > SILENCE_MS)
      throw new WrongAnswer(`${peer}: nothing happens after ${last.done} of ${jobs} jobs`);
    if (now.done > 0) first ??= now;
  }
  if (first === undefined || first === last) throw new WrongAnswer(`${peer}: the jobs were done at once`);
  return ((last.done - first.done) / (last.at - first.at)) * 1000;
}

/** What a server of its own needs for many jobs that wait. */
async function memoryNote(peer: PeerId, open: Open, place: QueuePlace): Promise<string> {
  const counts = `${place.counts}-memory`;
  mkdirSync(counts);
  const queue = await open({ ...place, counts });
  try {
    const [pid = 0] = queue.pids();
    const before = residentMegabytes(pid);
    await queue.fill(WAITING);
    const after = residentMegabytes(pid);
    const driver = peer === 'jobsMemory' ? 'memory' : 'local';
    return `${WAITING / 1000} 000 jobs that wait in \`${driver}\`: the master takes ${after} MB, ${after - before} MB more than with an empty queue`;
  } finally {
    await queue.stop();
  }
}

function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
