// The metrics that `metrics.collect` declares for the application.

import { isDeepStrictEqual } from 'node:util';
import { Counter, Gauge, Histogram, type Metric, type Registry, Summary } from 'prom-client';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { CollectorConfig } from './config.ts';

interface Declared {
  readonly config: CollectorConfig;
  readonly metric: Metric;
}

/** The metrics of the application in one registry. They print from the start, the ones with labels once a value has come. */
export class AppMetrics {
  readonly #registry: Registry;
  #declared: ReadonlyMap<string, Declared> = new Map();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /**
   * Registers what is declared and removes what is not any more; a metric whose declaration did not change keeps its value.
   * @throws RrtsError ERR_CONFIG_INVALID when a name is there twice or a declaration makes no sense; then nothing has changed.
   */
  declare(collect: Readonly<Record<string, CollectorConfig>>): void {
    const before = this.#declared;
    const now = new Map([...before].filter(([key, { config }]) => isDeepStrictEqual(collect[key], config)));
    this.#drop(before, now);
    try {
      for (const [key, config] of Object.entries(collect)) {
        if (!now.has(key)) now.set(key, { config, metric: this.#register(key, config) });
      }
    } catch (error) {
      this.#drop(now, before);
      for (const [key, { metric }] of before)
        if (now.get(key)?.metric !== metric) this.#registry.registerMetric(metric);
      throw error;
    }
    this.#declared = now;
  }

  /** Unregisters those of `from` that are not the same in `kept`. */
  #drop(from: ReadonlyMap<string, Declared>, kept: ReadonlyMap<string, Declared>): void {
    for (const [key, declared] of from) {
      if (kept.get(key) !== declared) this.#registry.removeSingleMetric(nameOf(key, declared.config));
    }
  }

  #register(key: string, config: CollectorConfig): Metric {
    try {
      return registerOne(this.#registry, key, config);
    } catch (thrown) {
      throw new RrtsError('ERR_CONFIG_INVALID', `metrics.collect.${key}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

function nameOf(key: string, { namespace, subsystem }: CollectorConfig): string {
  return [namespace, subsystem, key].filter((part) => part !== '').join('_');
}

function registerOne(registry: Registry, key: string, config: CollectorConfig): Metric {
  const name = nameOf(key, config);
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
