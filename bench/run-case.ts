// Measures one case: verify, warm up, then round after round through all of its servers.

import { join } from 'node:path';
import { measureCalls } from './calls.ts';
import type { BenchCase, PeerId } from './cases.ts';
import { cpuSeconds } from './cpu-time.ts';
import { type CaseResult, type Measurement, ratiosOf, rowOf } from './figures.ts';
import { runJobsCase } from './jobs.ts';
import { runLambdaCase } from './lambda.ts';
import { type Load, measure, type Sample } from './load.ts';
import { measureMixed } from './mixed.ts';
import type { Options } from './options.ts';
import { type RunningPeers, startPeers } from './peers/start.ts';
import { verify } from './verify.ts';
import type { Workspace } from './workspace.ts';

/** A RabbitMQ of the run. */
export interface Broker {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

/** What measuring needs beside the case. */
export interface Surroundings {
  readonly workspace: Workspace;
  readonly options: Options;
  readonly signal: AbortSignal;
  /** Why some servers cannot be measured. */
  readonly missing: ReadonlyMap<PeerId, string>;
  /** Starts a RabbitMQ. */
  readonly amqp: () => Promise<Broker>;
  /** Told after each measurement. */
  readonly onMeasured: (peer: PeerId, round: number, measured: Measurement) => void;
}

/** @throws WrongAnswer when a server answers something else than it should. */
export async function runCase(bench: BenchCase, surroundings: Surroundings): Promise<CaseResult> {
  if (bench.jobs === true) return await runJobsCase(bench, surroundings);
  if (bench.lambda === true) return await runLambdaCase(bench, surroundings);
  const { workspace, options, signal, missing } = surroundings;
  const peers = bench.peers.filter((peer) => !missing.has(peer));
  const running = await startPeers(peers, workspace, signal);
  try {
    for (const peer of peers) await verify(running.urlOf(peer) + bench.path, bench, signal);
    for (const peer of peers) await measurePeer(bench, peer, running, surroundings, options.warmup);
    const measured = await runRounds(bench, peers, running, surroundings);
    return {
      bench,
      rows: peers.map((peer) => rowOf(peer, measured.get(peer) ?? [])),
      ratios: ratiosOf(bench.ratios, measured),
      missing: bench.peers.flatMap((peer) => (missing.has(peer) ? [{ peer, reason: missing.get(peer) ?? '' }] : [])),
    };
  } finally {
    await running.stop();
  }
}

async function runRounds(
  bench: BenchCase,
  peers: readonly PeerId[],
  running: RunningPeers,
  surroundings: Surroundings,
): Promise<Map<PeerId, Measurement[]>> {
  const measured = new Map<PeerId, Measurement[]>(peers.map((peer) => [peer, []]));
  for (let round = 1; round <= surroundings.options.rounds; round++) {
    for (const peer of peers) {
      const sample = await measurePeer(bench, peer, running, surroundings, surroundings.options.seconds);
      measured.get(peer)?.push(sample);
      surroundings.onMeasured(peer, round, sample);
    }
  }
  return measured;
}

async function measurePeer(
  bench: BenchCase,
  peer: PeerId,
  running: RunningPeers,
  { workspace, options, signal }: Surroundings,
  seconds: number,
): Promise<Measurement> {
  const load = {
    url: running.urlOf(peer) + bench.path,
    seconds,
    bodyFile: bench.upload ? workspace.bodyFile : undefined,
    script: join(workspace.root, 'bench', 'wrk.lua'),
  };
  const before = cpuSeconds(running.pidsOf(peer));
  const { requests, ...sample } = await measureOf(bench, peer, load, options, signal);
  const after = cpuSeconds(running.pidsOf(peer));
  const used = before === undefined || after === undefined ? undefined : after - before;
  return { ...sample, cpuMicroseconds: used === undefined ? undefined : (used * 1e6) / requests };
}

function measureOf(bench: BenchCase, peer: PeerId, load: Load, options: Options, signal: AbortSignal): Promise<Sample> {
  if (bench.calls === true) return measureCalls(peer, load, signal);
  return (bench.mixed === true ? measureMixed : measure)(load, options, signal);
}
