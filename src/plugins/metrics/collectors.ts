// Makes a metric of prom-client from its declaration.

import { Counter, Gauge, Histogram, type Registry, Summary } from 'prom-client';
import type { CollectorConfig } from './config.ts';

/** A metric with its kind, so that a switch over it knows which methods there are. */
export type Collector =
  | { readonly type: 'counter'; readonly metric: Counter }
  | { readonly type: 'gauge'; readonly metric: Gauge }
  | { readonly type: 'histogram'; readonly metric: Histogram }
  | { readonly type: 'summary'; readonly metric: Summary };

/** The name that is printed: namespace, subsystem and key. */
export function printedName(key: string, { namespace, subsystem }: CollectorConfig): string {
  return [namespace, subsystem, key].filter((part) => part !== '').join('_');
}

/** Registers a metric. @throws Error of prom-client when the name is taken or the declaration makes no sense. */
export function registerCollector(registry: Registry, key: string, config: CollectorConfig): Collector {
  // Registered only when it is whole: a constructor that is given the registry registers first and checks its labels after that.
  const collector = makeCollector(key, config);
  registry.registerMetric(collector.metric);
  return collector;
}

function makeCollector(key: string, config: CollectorConfig): Collector {
  const { type, help, labels, buckets } = config;
  const name = printedName(key, config);
  const base = { name, help: help === '' ? key : help, labelNames: labels, registers: [] };
  switch (type) {
    case 'counter':
      return { type, metric: new Counter(base) };
    case 'gauge':
      return { type, metric: new Gauge(base) };
    case 'histogram':
      return { type, metric: new Histogram(isEmpty(buckets) ? base : { ...base, buckets: ascending(buckets) }) };
    case 'summary': {
      const percentiles = quantiles(config.objectives);
      return { type, metric: new Summary(isEmpty(percentiles) ? base : { ...base, percentiles }) };
    }
  }
}

/** Lines that one combination of labels prints, about: a histogram and a summary have one for each bucket or quantile. */
export function linesOf({ type, buckets, objectives }: CollectorConfig): number {
  // 11 buckets and 7 quantiles are those of prom-client.
  if (type === 'histogram') return (isEmpty(buckets) ? 11 : buckets.length) + 3;
  if (type === 'summary') return (quantiles(objectives).length || 7) + 2;
  return 1;
}

function isEmpty<T>(list: readonly T[] | undefined): list is undefined | readonly [] {
  return list === undefined || list.length === 0;
}

/** prom-client counts wrongly when they are in disorder. */
function ascending(buckets: readonly number[]): number[] {
  return [...new Set(buckets)].sort((a, b) => a - b);
}

/** RoadRunner's files have a list of one-key mappings or one mapping; the keys are the quantiles. */
function quantiles(objectives: CollectorConfig['objectives']): number[] {
  const mappings = Array.isArray(objectives) ? objectives : [objectives ?? {}];
  return mappings
    .flatMap((mapping) => Object.keys(mapping).map(Number))
    .filter((quantile) => quantile > 0 && quantile < 1);
}
