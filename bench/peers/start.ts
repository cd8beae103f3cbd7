// Starts what a case needs, and stops it.

import type { PeerId } from '../cases.ts';
import type { Workspace } from '../workspace.ts';
import { startFreshFpm, startKeptFpm } from './nginx-fpm.ts';
import { startNode } from './node-http.ts';
import { startPing } from './ping.ts';
import { startCalls, startRrts } from './rrts.ts';
import type { Stack } from './stack.ts';

type Starter = (workspace: Workspace, signal: AbortSignal) => Promise<Stack>;

/** Peers with the same starter share its processes. */
const STARTERS: Readonly<Partial<Record<PeerId, Starter>>> = {
  roadrunner: (workspace, signal) => startRrts(workspace, { config: 'roadrunner', script: 'roadrunner.php' }, signal),
  roadrunnerAhead: (workspace, signal) =>
    startRrts(workspace, { config: 'roadrunner', script: 'roadrunner.php', prefetchSdk: true }, signal),
  psr7: (workspace, signal) => startRrts(workspace, { config: 'native', script: 'native-psr7.php' }, signal),
  lean: (workspace, signal) => startRrts(workspace, { config: 'native', script: 'native-lean.php' }, signal),
  leanAlone: (workspace, signal) =>
    startRrts(workspace, { config: 'native', script: 'native-lean.php', prefetch: 0 }, signal),
  symfony: (workspace, signal) => startRrts(workspace, { config: 'symfony', script: 'public/index.php' }, signal),
  node: startNode,
  fpmPsr7: startKeptFpm,
  fpmFresh: startFreshFpm,
  fpmBare: startKeptFpm,
  fpmSymfony: startKeptFpm,
  ping: startPing,
  pingEight: startPing,
  inBand: startCalls,
  inBandEight: startCalls,
  module: startCalls,
  goridge: startCalls,
  waits: startCalls,
  waitsEight: startCalls,
};

/** The servers of one case while they run. */
export interface RunningPeers {
  urlOf(peer: PeerId): string;
  /** Process ids of the servers behind a peer, without their children. */
  pidsOf(peer: PeerId): number[];
  stop(): Promise<void>;
}

/** Starts the servers of `peers`. @throws what the first one that fails throws; nothing is left running then. */
export async function startPeers(
  peers: readonly PeerId[],
  workspace: Workspace,
  signal: AbortSignal,
): Promise<RunningPeers> {
  const stacks = new Map<Starter, Stack>();
  const stop = async (): Promise<void> => {
    for (const { services } of stacks.values()) for (const service of services) await service.stop();
  };
  try {
    for (const starter of new Set(peers.map(starterOf))) {
      stacks.set(starter, await starter(workspace, signal));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const stackOf = (peer: PeerId): Stack => stacks.get(starterOf(peer)) as Stack;
  return {
    urlOf: (peer) => stackOf(peer).urlOf(peer),
    pidsOf: (peer) => stackOf(peer).services.map(({ pid }) => pid),
    stop,
  };
}

function starterOf(peer: PeerId): Starter {
  const starter = STARTERS[peer];
  if (starter === undefined) throw new Error(`${peer} is no server`);
  return starter;
}
