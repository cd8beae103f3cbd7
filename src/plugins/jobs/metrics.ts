// The metrics of queues: RoadRunner's names over all pipelines, and ours by pipeline.

import type { Registry } from 'prom-client';
import { addMetric, type Durations, type Sample } from '../../core/durations.ts';
import { addCounts, type PipelineCounts } from './counts.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pipelines } from './pipelines.ts';
import { type PipelineState, pipelineStates } from './states.ts';

const SOURCES = ['single', 'batch'] as const;

/** Registers them. Asked at each scrape: the pipelines that there are then. */
export function registerJobsMetrics(registry: Registry, pipelines: Pipelines): void {
  roadRunnerMetrics(registry, pipelines);
  const perPipeline = (values: (pipeline: Pipeline, labels: { pipeline: string }) => Sample[]) => (): Sample[] =>
    pipelines.all.flatMap((pipeline) => values(pipeline, { pipeline: pipeline.pipeline }));
  const counter = (name: string, help: string, count: keyof PipelineCounts): void =>
    addMetric(
      registry,
      `rrts_jobs_${name}_total`,
      help,
      'counter',
      perPipeline(({ counts }, labels) => [{ labels, value: counts[count] }]),
    );
  counter('pushed', 'Jobs that were stored.', 'pushed');
  counter('duplicates', 'Jobs that were not stored, because one with their unique key is there.', 'duplicates');
  counter('push_failures', 'Jobs that could not be stored.', 'pushFailures');
  counter('done', 'Jobs that are done.', 'done');
  counter('failed', 'Runs that failed.', 'failed');
  counter('dead', 'Jobs that failed for the last time.', 'dead');
  counter('requeued', 'Runs after which the application wanted another.', 'requeued');
  const histogram = (name: string, help: string, read: (pipeline: Pipeline) => Durations): void =>
    addMetric(
      registry,
      name,
      help,
      'histogram',
      perPipeline((pipeline, labels) => read(pipeline).samples(name, labels)),
    );
  histogram('rrts_jobs_run_seconds', 'Time of a run.', ({ times }) => times.run);
  histogram('rrts_jobs_wait_seconds', 'From a push to the first run, a delay included.', ({ times }) => times.wait);
  gauges(registry, pipelines);
}

function roadRunnerMetrics(registry: Registry, pipelines: Pipelines): void {
  const total = (name: string, help: string, count: keyof PipelineCounts): void =>
    addMetric(registry, `rr_jobs_${name}`, help, 'counter', () => {
      const sum = { ...pipelines.gone };
      for (const { counts } of pipelines.all) addCounts(sum, counts);
      return [{ labels: {}, value: sum[count] }];
    });
  total('push_ok', 'Jobs that were stored.', 'pushed');
  total('push_err', 'Jobs that could not be stored.', 'pushFailures');
  total('jobs_ok', 'Jobs that are done.', 'done');
  total('jobs_err', 'Runs that failed.', 'failed');
  total('jobs_requeue', 'Runs after which the application wanted another.', 'requeued');
  // RoadRunner calls the pipeline `job`.
  const perSource = (values: (pipeline: Pipeline, source: 'single' | 'batch', labels: Labels) => Sample[]) => () =>
    pipelines.all.flatMap((pipeline) =>
      SOURCES.flatMap((source) =>
        values(pipeline, source, { job: pipeline.pipeline, driver: pipeline.driver, source }),
      ),
    );
  const latency = 'rr_jobs_push_latency';
  addMetric(
    registry,
    latency,
    'Time of a push, in seconds.',
    'histogram',
    perSource(({ times }, source, labels) =>
      times.requests[source] === 0 ? [] : times.push[source].samples(latency, labels),
    ),
  );
  addMetric(
    registry,
    'rr_jobs_requests_total',
    'Jobs that somebody tried to push.',
    'counter',
    perSource(({ times }, source, labels) =>
      times.requests[source] === 0 ? [] : [{ labels, value: times.requests[source] }],
    ),
  );
}

type Labels = Readonly<Record<'job' | 'driver' | 'source', string>>;

/** The three gauges of a scrape are read from every store once. */
function gauges(registry: Registry, pipelines: Pipelines): void {
  let reading: Promise<readonly PipelineState[]> | undefined;
  const read = (): Promise<readonly PipelineState[]> => {
    reading ??= readStates(pipelines.all).finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const gauge = (name: string, help: string, value: (state: PipelineState) => number): void =>
    addMetric(registry, `rrts_jobs_${name}`, help, 'gauge', async () =>
      (await read()).map((state) => ({ labels: { pipeline: state.pipeline }, value: value(state) })),
    );
  gauge('waiting', 'Jobs that wait for a worker.', ({ active }) => active);
  gauge('delayed', 'Jobs that wait for their time.', ({ delayed }) => delayed);
  gauge('running', 'Jobs that workers of this server have.', ({ reserved }) => reserved);
}

/** A store that does not answer has no samples: 0 would say that all is done. */
async function readStates(all: readonly Pipeline[]): Promise<readonly PipelineState[]> {
  return (await pipelineStates(all)).filter(({ error_message: error }) => error === '');
}
