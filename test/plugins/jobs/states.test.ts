// What is told of pipelines whose store is away: never a hang, never a 0 that is not one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { noCounts, PipelineTimes } from '../../../src/plugins/jobs/counts.ts';
import type { DriverStats } from '../../../src/plugins/jobs/driver.ts';
import { registerJobsMetrics } from '../../../src/plugins/jobs/metrics.ts';
import type { Pipeline } from '../../../src/plugins/jobs/pipeline.ts';
import type { Pipelines } from '../../../src/plugins/jobs/pipelines.ts';
import { pipelineStates } from '../../../src/plugins/jobs/states.ts';

function pipeline(name: string, stats: () => Promise<DriverStats>): Pipeline {
  const facts = { pipeline: name, driver: 'memory', queue: name, priority: 10, consuming: true, runs: [] };
  return { ...facts, counts: noCounts(), times: new PipelineTimes(), stats } as unknown as Pipeline;
}

const WELL = pipeline('well', async () => ({ waiting: 3, delayed: 2, reserved: 1 }));
const AWAY = pipeline('away', () => Promise.reject(new Error('connect ECONNREFUSED')));
const MUTE = pipeline('mute', () => new Promise(() => undefined));

test('a store that is away or mute is told in its own state, within 2 s', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked = pipelineStates([WELL, AWAY, MUTE]);
  t.mock.timers.tick(2000);
  const [well, away, mute] = await asked;
  assert.deepEqual(well, {
    pipeline: 'well',
    priority: 10,
    ready: true,
    queue: 'well',
    active: 3,
    delayed: 2,
    reserved: 1,
    driver: 'memory',
    error_message: '',
  });
  assert.deepEqual([away?.active, away?.error_message], [0, 'connect ECONNREFUSED']);
  assert.deepEqual([mute?.active, mute?.error_message], [0, 'the store did not answer within 2000 ms']);
});

test('it has no gauges, and its counters are there; the store is asked once for a scrape', async () => {
  let asked = 0;
  const counting = pipeline('counting', async () => {
    asked++;
    return { waiting: 1, delayed: 0, reserved: 0 };
  });
  counting.counts.done = 4;
  const registry = new Registry();
  const gone = { ...noCounts(), done: 5 };
  registerJobsMetrics(registry, { all: [counting, AWAY], gone } as unknown as Pipelines);
  const text = await registry.metrics();
  assert.equal(asked, 1);
  assert.match(text, /\nrrts_jobs_waiting\{pipeline="counting"\} 1\n/);
  assert.doesNotMatch(text, /rrts_jobs_waiting\{pipeline="away"\}/);
  assert.match(text, /\nrrts_jobs_done_total\{pipeline="away"\} 0\n/);
  // Of pipelines that were removed, too: a counter never goes back.
  assert.match(text, /\nrr_jobs_jobs_ok 9\n/);
});
