// The RPC service `metrics`: every method on every kind of metric, with labels and without, and what it refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { AppMetrics } from '../../../src/plugins/metrics/app-metrics.ts';
import { metricsServices } from '../../../src/plugins/metrics/services.ts';
import type { CallContext, PlainMethod } from '../../../src/plugins/rpc-router/method.ts';

const NO_CALL = {} as CallContext;

function rig(limits: { maxMetrics?: number; maxSeries?: number } = {}) {
  const registry = new Registry();
  const metrics = new AppMetrics(registry, { maxMetrics: 100, maxSeries: 1000, ...limits });
  const methods = metricsServices(metrics) as Record<string, PlainMethod>;
  const call = (method: string, argument: unknown): unknown => methods[method]?.(argument, NO_CALL);
  const declare = (name: string, type: string, more: object = {}): unknown =>
    call('Declare', {
      name,
      collector: { type, namespace: '', subsystem: '', help: '', labels: [], buckets: [], ...more },
    });
  const change = (method: string, name: string, value: unknown, labels: unknown[] = []): unknown =>
    call(method, { name, value, labels });
  return { registry, metrics, call, declare, change, text: () => registry.metrics() };
}

const argumentError = (message: RegExp) => ({ code: 'ERR_RPC_ARGUMENT', message });

test('each kind, without labels and with', async () => {
  const { declare, change, text } = rig();
  for (const labels of [[], ['country', 'kind']]) {
    const suffix = labels.length === 0 ? '' : '_by';
    const values = labels.map((label) => `${label}"1`);
    assert.equal(declare(`orders${suffix}`, 'counter', { labels, help: 'Orders.', namespace: 'shop' }), true);
    assert.equal(declare(`depth${suffix}`, 'gauge', { labels }), true);
    assert.equal(declare(`seconds${suffix}`, 'histogram', { labels, buckets: [1, 0.1] }), true);
    assert.equal(declare(`size${suffix}`, 'summary', { labels, objectives: { 0.5: 0.05 } }), true);
    assert.equal(change('Add', `orders${suffix}`, 2, values), true);
    change('Add', `orders${suffix}`, 0.5, values);
    change('Add', `depth${suffix}`, 5, values);
    change('Sub', `depth${suffix}`, 7n, values);
    change('Set', `depth${suffix}`, -3, values);
    change('Observe', `seconds${suffix}`, 0.5, values);
    change('Observe', `size${suffix}`, 3, values);
  }
  const printed = await text();
  for (const line of [
    '# HELP shop_orders Orders.',
    'shop_orders 2.5',
    'depth -3',
    'seconds_bucket{le="0.1"} 0',
    'seconds_bucket{le="1"} 1',
    'size{quantile="0.5"} 3',
    'shop_orders_by{country="country\\"1",kind="kind\\"1"} 2.5',
    'depth_by{country="country\\"1",kind="kind\\"1"} -3',
    'size_by_count{country="country\\"1",kind="kind\\"1"} 1',
  ]) {
    assert.ok(printed.includes(`${line}\n`), `${line} in\n${printed}`);
  }
});

test('what is refused names the metric and the reason', () => {
  const { declare, change, call } = rig();
  declare('orders', 'counter');
  declare('depth', 'gauge', { labels: ['queue'] });
  declare('seconds', 'histogram');
  assert.throws(() => change('Add', 'other', 1), argumentError(/^undefined collector other: declare it first$/));
  assert.throws(() => call('Unregister', 'other'), argumentError(/^undefined collector other/));
  assert.throws(
    () => change('Sub', 'orders', 1),
    argumentError(/^collector orders does not support method Sub: it is a counter/),
  );
  assert.throws(() => change('Set', 'seconds', 1), argumentError(/^collector seconds does not support method Set/));
  assert.throws(
    () => change('Observe', 'depth', 1, ['a']),
    argumentError(/^collector depth does not support method Observe/),
  );
  assert.throws(
    () => change('Add', 'orders', -1),
    argumentError(/^collector orders is a counter and cannot go down by 1$/),
  );
  assert.throws(() => change('Add', 'depth', 1), argumentError(/^required labels for collector depth: queue$/));
  assert.throws(() => change('Add', 'depth', 1, ['a', 'b']), argumentError(/has 1 labels \(queue\), the call has 2$/));
  assert.throws(
    () => change('Add', 'orders', 1, ['a']),
    argumentError(/^collector orders has no labels, the call has 1$/),
  );
  assert.throws(
    () => change('Add', 'depth', 1, ['x'.repeat(1025)]),
    argumentError(/1025 characters, 1024 are allowed/),
  );
  for (const value of ['1', null, Number.NaN, Number.POSITIVE_INFINITY, undefined, {}]) {
    assert.throws(() => change('Add', 'orders', value), argumentError(/^metrics: value: must be a finite number$/));
  }
  assert.throws(
    () => change('Add', 'depth', 1, [Buffer.from([255])]),
    argumentError(/labels\.0: must be texts in UTF-8/),
  );
  for (const argument of [undefined, null, 1, 'x', [], { name: 1 }]) {
    assert.throws(() => call('Add', argument), argumentError(/^metrics: /));
    assert.throws(() => call('Declare', argument), argumentError(/^metrics: /));
  }
});

test('declarations that make no sense are refused and leave nothing', async () => {
  const { declare, text, registry } = rig();
  assert.throws(() => declare('x', 'meter'), argumentError(/^metrics: collector\.type: /));
  assert.throws(() => declare('a b', 'gauge'), argumentError(/^metrics: name: must be a metric name/));
  assert.throws(() => declare('x', 'gauge', { labels: ['a', 'a'] }), argumentError(/one is there twice/));
  assert.throws(() => declare('x', 'gauge', { labels: ['__proto__'] }), argumentError(/must be a label name/));
  assert.throws(() => declare('x', 'histogram', { labels: ['le'] }), argumentError(/^collector x: .*reserved/));
  assert.throws(() => declare('x', 'gauge', { namespace: 'a b' }), argumentError(/^collector x: Invalid metric name/));
  declare('b', 'gauge', { namespace: 'a' });
  assert.throws(() => declare('a_b', 'gauge'), argumentError(/^collector a_b: .*already been registered/));
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.throws(() => declare(name, 'gauge'), argumentError(/already been registered/));
  }
  assert.equal(registry.getMetricsAsArray().length, 1);
  assert.match(await text(), /^# HELP a_b b\n# TYPE a_b gauge\na_b 0\n$/);
});

test('a name that is declared already stays as it is; an unregistered one is free again', async () => {
  const { declare, change, call, text } = rig();
  declare('hits', 'counter');
  change('Add', 'hits', 4);
  assert.equal(declare('hits', 'gauge'), true);
  assert.match(await text(), /# TYPE hits counter\nhits 4/);
  assert.equal(call('Unregister', 'hits'), true);
  assert.equal((await text()).trim(), '');
  declare('hits', 'gauge');
  assert.match(await text(), /# TYPE hits gauge\nhits 0/);
});

test('metrics and label values beyond the limits are refused; what is there goes on', () => {
  const { declare, change, call } = rig({ maxMetrics: 2, maxSeries: 20 });
  const limit = (message: RegExp) => ({ code: 'ERR_METRICS_LIMIT', message });
  declare('hits', 'counter', { labels: ['user'] });
  declare('depth', 'gauge');
  assert.throws(() => declare('third', 'gauge'), limit(/^collector third: 2 metrics are declared/));
  for (let user = 0; user < 19; user++) change('Add', 'hits', 1, [`user${user}`]);
  assert.throws(
    () => change('Add', 'hits', 1, ['one more']),
    limit(/^collector hits: .* 20 lines, and metrics\.max_series allows 20/),
  );
  assert.equal(change('Add', 'hits', 1, ['user3']), true);
  assert.equal(change('Set', 'depth', 1), true);
  call('Unregister', 'hits');
  assert.throws(
    () => declare('seconds', 'histogram', { buckets: Array.from({ length: 30 }, (_, i) => i) }),
    limit(/max_series/),
  );
  declare('seconds', 'histogram', { buckets: [1, 2], labels: ['user'] });
  for (let user = 0; user < 3; user++) change('Observe', 'seconds', 1, [`user${user}`]);
  assert.throws(() => change('Observe', 'seconds', 1, ['fourth']), limit(/16 lines/));
});

test('metrics of the configuration can be changed, and a reload keeps what PHP declared', async () => {
  const { metrics, declare, change, call, text } = rig();
  const gauge = { type: 'gauge', help: '', namespace: '', subsystem: '', labels: [] as string[] } as const;
  const configured = { ...gauge, labels: [...gauge.labels] };
  metrics.configure({ depth: configured });
  change('Set', 'depth', 7);
  declare('hits', 'counter');
  change('Add', 'hits', 3);
  declare('wins', 'counter');
  declare('constructor', 'counter', { namespace: 'app' });
  metrics.configure({ depth: configured, wins: configured });
  let printed = await text();
  for (const line of ['depth 7', 'hits 3', 'wins 0', '# TYPE wins gauge', 'app_constructor 0'])
    assert.ok(printed.includes(line), printed);
  call('Unregister', 'depth');
  metrics.configure({ depth: configured });
  printed = await text();
  assert.match(printed, /^depth 0$/m);
  assert.match(printed, /^hits 3$/m);
  assert.doesNotMatch(printed, /wins/);
});

test('a map that passes itself off as a list is a wrong argument like any other', () => {
  const { call, declare } = rig();
  const length = Object.create(null) as object;
  const list = Object.assign(Object.create(null) as object, { length });
  for (const more of [{ labels: list }, { buckets: list }, { help: list }, { type: list }]) {
    assert.throws(() => declare('fuzzed', 'counter', more), argumentError(/^metrics: /));
  }
  assert.throws(() => call('Add', { name: list, value: 1, labels: list }), argumentError(/^metrics: /));
});
