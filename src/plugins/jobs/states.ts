// The RPC method jobs.States, for other parts of rrts: what the probe /jobs and informer.Jobs tell of each pipeline.

import { messageOf } from '../../core/errors.ts';
import type { DriverStats } from './driver.ts';
import type { Pipeline } from './pipeline.ts';

/** Nobody who asks waits longer for a broker. */
const STATS_MS = 2000;

const NOTHING: DriverStats = { waiting: 0, delayed: 0, reserved: 0 };

/** One pipeline, with RoadRunner's words. */
export interface PipelineState {
  readonly pipeline: string;
  readonly priority: number;
  /** Its jobs are run. */
  readonly ready: boolean;
  readonly queue: string;
  readonly active: number;
  readonly delayed: number;
  readonly reserved: number;
  readonly driver: string;
  /** Why the numbers are not known; empty when they are. */
  readonly error_message: string;
}

/** All of them. A store that is away is told in its state, after 2 s at most. */
export function pipelineStates(all: readonly Pipeline[]): Promise<readonly PipelineState[]> {
  return Promise.all(all.map(stateOf));
}

async function stateOf(pipeline: Pipeline): Promise<PipelineState> {
  const { pipeline: name, priority, consuming, queue, driver } = pipeline;
  const { stats, error } = await numbersOf(pipeline);
  return {
    pipeline: name,
    priority,
    ready: consuming,
    queue,
    active: stats.waiting,
    delayed: stats.delayed,
    reserved: stats.reserved,
    driver,
    error_message: error,
  };
}

async function numbersOf(pipeline: Pipeline): Promise<{ stats: DriverStats; error: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the store did not answer within ${STATS_MS} ms`)), STATS_MS);
  });
  try {
    return { stats: await Promise.race([pipeline.stats(), late]), error: '' };
  } catch (thrown) {
    return { stats: { ...NOTHING, reserved: pipeline.runs.length }, error: messageOf(thrown) };
  } finally {
    clearTimeout(timer);
  }
}
