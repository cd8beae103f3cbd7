// The metrics that `metrics.collect` declares for the application.

import { Counter, Gauge, Histogram, type Metric, type Registry, Summary } from 'prom-client';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { CollectorConfig } from './config.ts';

/**
 * Registers all declared metrics. They print from the start, the ones with labels once a value has come.
 * @throws RrtsError ERR_CONFIG_INVALID when a name is there twice or a declaration makes no sense.
 */
export function registerAppMetrics(registry: Registry, collect: Readonly<Record<string, CollectorConfig>>): void {
  for (const [name, config] of Object.entries(collect)) {
    try {
      registerOne(registry, name, config);
    } catch (thrown) {
      throw new RrtsError('ERR_CONFIG_INVALID', `metrics.collect.${name}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

function registerOne(registry: Registry, key: string, config: CollectorConfig): Metric {
  const name = [config.namespace, config.subsystem, key].filter((part) => part !== '').join('_');
  const base = { name, help: config.help === '' ? key : config.help, labelNames: config.labels, registers: [registry] };
  switch (config.type) {
    case 'counter':
      return new Counter(base);
    case 'gauge':
      return new Gauge(base);
    case 'histogram':
      return new Histogram(config.buckets === undefined ? base : { ...base, buckets: config.buckets });
    case 'summary': {
      const percentiles = quantiles(config.objectives);
      return new Summary(percentiles.length === 0 ? base : { ...base, percentiles });
    }
  }
}

/** RoadRunner's files have a list of one-key mappings or one mapping; the keys are the quantiles. */
function quantiles(objectives: CollectorConfig['objectives']): number[] {
  const mappings = Array.isArray(objectives) ? objectives : [objectives ?? {}];
  return mappings
    .flatMap((mapping) => Object.keys(mapping).map(Number))
    .filter((quantile) => quantile > 0 && quantile < 1);
}
