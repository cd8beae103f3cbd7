// What a pipeline counts. Counting is a few additions per job; Prometheus text is made when somebody asks.

import { Durations } from '../../core/durations.ts';

/** What has happened since the start. */
export interface PipelineCounts {
  pushed: number;
  duplicates: number;
  pushFailures: number;
  done: number;
  /** Runs that failed, dead ones included. */
  failed: number;
  /** Runs after which the application itself wanted another. */
  requeued: number;
  /** Jobs that failed for the last time. */
  dead: number;
}

/** Upper bounds in seconds: some jobs take a millisecond, some wait for a day. */
const BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400,
];

/** Nothing has happened. */
export function noCounts(): PipelineCounts {
  return { pushed: 0, duplicates: 0, pushFailures: 0, done: 0, failed: 0, requeued: 0, dead: 0 };
}

/** Adds what another one has counted. */
export function addCounts(to: PipelineCounts, from: PipelineCounts): void {
  for (const name of Object.keys(from) as (keyof PipelineCounts)[]) to[name] += from[name];
}

/** How long pushes, runs and waits took. */
export class PipelineTimes {
  /** Runs that ended, however they did. */
  readonly run = new Durations(BUCKETS);
  /** From the push of a job to its first run, a delay included. */
  readonly wait = new Durations(BUCKETS);
  /** Pushes that settled, as RoadRunner has them: of one job, and the jobs of batches. */
  readonly push = { single: new Durations(), batch: new Durations() };
  /** Jobs that somebody tried to push. */
  readonly requests = { single: 0, batch: 0 };

  /** So many jobs are to be pushed together. @returns what to call when they are stored. */
  pushing(jobs: number): () => void {
    const source = jobs === 1 ? 'single' : 'batch';
    this.requests[source] += jobs;
    const began = performance.now();
    return () => this.push[source].observe((performance.now() - began) / 1000, jobs);
  }
}
