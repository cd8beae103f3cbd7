// Histograms of durations: what a scrape sees of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { addMetric, Durations } from '../../src/core/durations.ts';

test('buckets are cumulative; a value on a bound is in its bucket; those above all are in +Inf only', async () => {
  const durations = new Durations([0.1, 1]);
  durations.observe(0.1);
  durations.observe(0.5, 3);
  durations.observe(7);
  assert.equal(durations.count, 5);
  const registry = new Registry();
  addMetric(registry, 'run_seconds', 'Time of a run.', 'histogram', () =>
    durations.samples('run_seconds', { pipeline: 'emails' }),
  );
  const lines = (await registry.metrics()).trim().split('\n');
  assert.deepEqual(lines, [
    '# HELP run_seconds Time of a run.',
    '# TYPE run_seconds histogram',
    'run_seconds_bucket{le="0.1",pipeline="emails"} 1',
    'run_seconds_bucket{le="1",pipeline="emails"} 4',
    'run_seconds_bucket{le="+Inf",pipeline="emails"} 5',
    'run_seconds_sum{pipeline="emails"} 8.6',
    'run_seconds_count{pipeline="emails"} 5',
  ]);
});

test('samples are made at each scrape, and may take their time', async () => {
  let value = 0;
  const registry = new Registry();
  addMetric(registry, 'jobs', 'Jobs.', 'gauge', async () => [{ labels: {}, value: ++value }]);
  assert.match(await registry.metrics(), /\njobs 1\n/);
  assert.match(await registry.metrics(), /\njobs 2\n/);
});
