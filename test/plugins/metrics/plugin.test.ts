// The metrics plugin over HTTP: RoadRunner's names, series that end with their worker, declared metrics.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Counter } from 'prom-client';
import { camelCased } from '../../../src/core/camel-case.ts';
import { metricsSchema } from '../../../src/plugins/metrics/config.ts';
import { metricsPlugin } from '../../../src/plugins/metrics/plugin.ts';
import { PoolMetrics } from '../../../src/plugins/metrics/pool-metrics.ts';
import type { PoolStats, WorkerStats } from '../../../src/pool/stats.ts';
import { freePort } from '../../helpers/free-port.ts';
import { fakeContext, poolStats, workerStats } from '../fake-context.ts';

const worker = (pid: number, state: WorkerStats['state']): WorkerStats => workerStats({ pid, state });

async function startMetrics(t: TestContext, stats: () => PoolStats[], section: object = {}) {
  const port = await freePort();
  const context = fakeContext(stats);
  const config = camelCased(metricsSchema, metricsSchema.parse({ address: `127.0.0.1:${port}`, ...section }));
  const plugin = metricsPlugin.create(config, context);
  t.after(() => plugin.stop(0));
  await plugin.start();
  const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const reload = async (collect: object): Promise<void> => {
    await plugin.reload?.({ ...config, ...camelCased(metricsSchema, metricsSchema.parse({ collect })) });
  };
  return { scrape, port, context, reload };
}

test("a pool has RoadRunner's series; memory of a live process is read", async (t) => {
  const { pid } = process;
  const workers = [worker(pid, 'ready'), worker(999_999_999, 'starting')];
  const { scrape } = await startMetrics(t, () => [poolStats({ workers, ready: 1, starting: 1, queueLength: 7 })]);
  const text = await scrape();
  for (const line of [
    'rr_http_total_workers 2',
    'rr_http_workers_ready 1',
    'rr_http_workers_working 0',
    'rr_http_workers_invalid 1',
    'rrts_http_queue_length 7',
    `rr_http_worker_state{state="ready",pid="${pid}"} 1`,
    'rr_http_worker_state{state="starting",pid="999999999"} 1',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), `${line} in\n${text}`);
  }
  const memory = Number(new RegExp(`rr_http_worker_memory_bytes{pid="${pid}"} (\\d+)`).exec(text)?.[1]);
  assert.ok(memory > 1_000_000, `${memory} bytes`);
  assert.match(text, new RegExp(`\\nrr_http_workers_memory_bytes ${memory}\\n`));
  assert.match(text, /\nprocess_resident_memory_bytes \d+/);
});

test('the series of a worker end with it, so their number does not grow', async () => {
  let pid = 100;
  const context = fakeContext(() => [poolStats({ workers: [worker(pid, 'ready')] })]);
  const metrics = new PoolMetrics(
    context.metrics,
    () => context.pools(),
    async (pids) => {
      return new Map(pids.map((one) => [one, { memoryBytes: 5, cpuRatio: 0.5 }]));
    },
  );
  for (; pid < 200; pid++) await metrics.collect();
  const text = await context.metrics.metrics();
  assert.equal(text.match(/^rr_http_worker_state\{/gm)?.length, 1);
  assert.match(text, /rr_http_worker_memory_bytes\{pid="199"\} 5/);
  assert.match(text, /rrts_http_worker_cpu_ratio\{pid="199"\} 0\.5/);
});

test('pools have names of their own; ended workers are counted by reason', async () => {
  let died = 1;
  const context = fakeContext(() => [
    poolStats({ target: 3, exits: new Map([['died', died] as const, ['surplus', 2] as const]) }),
    poolStats({ name: 'http.reports', target: 1, queueLength: 4, exits: new Map([['exec_ttl', 5]]) }),
  ]);
  const metrics = new PoolMetrics(
    context.metrics,
    () => context.pools(),
    async () => new Map(),
  );
  await metrics.collect();
  died = 7;
  await metrics.collect();
  const text = await context.metrics.metrics();
  for (const line of [
    '# TYPE rrts_http_worker_exits_total counter',
    'rrts_http_worker_exits_total{reason="died"} 7',
    'rrts_http_worker_exits_total{reason="surplus"} 2',
    'rrts_http_reports_worker_exits_total{reason="exec_ttl"} 5',
    'rrts_http_workers_target 3',
    'rrts_http_reports_workers_target 1',
    'rrts_http_reports_queue_length 4',
    'rr_http_reports_workers_ready 0',
  ]) {
    assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
  }
});

test('metrics of the application are registered as declared', async (t) => {
  const collect = {
    orders: { type: 'counter', help: 'Orders.', namespace: 'shop', subsystem: 'checkout', labels: ['country'] },
    depth: { type: 'gauge' },
    seconds: { type: 'histogram', buckets: [0.1, 1] },
    size: { type: 'summary', objectives: [{ 0.5: 0.05 }, { 0.9: 0.01 }] },
  };
  const { scrape } = await startMetrics(t, () => [], { collect });
  const text = await scrape();
  assert.match(text, /# HELP shop_checkout_orders Orders\.\n# TYPE shop_checkout_orders counter/);
  assert.match(text, /# TYPE depth gauge\ndepth 0/);
  assert.match(text, /seconds_bucket\{le="0\.1"\} 0\nseconds_bucket\{le="1"\} 0\nseconds_bucket\{le="\+Inf"\} 0/);
  assert.match(text, /size\{quantile="0\.5"\} 0\nsize\{quantile="0\.9"\} 0/);
});

test('a metric that cannot be is an error of the configuration', async (t) => {
  const collect = { a_x: { type: 'gauge' }, x: { type: 'gauge', namespace: 'a' } };
  await assert.rejects(
    startMetrics(t, () => [], { collect }),
    {
      code: 'ERR_CONFIG_INVALID',
      message: /^metrics\.collect\.x: .*a_x.* already been registered/,
    },
  );
});

test('only /metrics is there', async (t) => {
  const { port } = await startMetrics(t, () => []);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
});

test('a reload registers new metrics and drops those that are gone; others keep their values, mistakes change nothing', async (t) => {
  const section = { collect: { kept: { type: 'counter' }, gone: { type: 'gauge' }, changed: { type: 'gauge' } } };
  const { scrape, context, reload } = await startMetrics(t, () => [], section);
  (context.metrics.getSingleMetric('kept') as Counter).inc(3);
  await reload({ kept: { type: 'counter' }, changed: { type: 'counter' }, added: { type: 'gauge' } });
  const text = await scrape();
  assert.match(text, /^kept 3$/m);
  assert.match(text, /^added 0$/m);
  assert.match(text, /^# TYPE changed counter$/m);
  assert.doesNotMatch(text, /^gone /m);
  // Its name is one of the process metrics.
  await assert.rejects(reload({ added: { type: 'counter' }, process_start_time_seconds: { type: 'gauge' } }), {
    code: 'ERR_CONFIG_INVALID',
  });
  const after = await scrape();
  assert.match(after, /^kept 3$/m);
  assert.match(after, /^# TYPE added gauge$/m);
  assert.match(after, /^process_start_time_seconds \d{3,}/m);
});
