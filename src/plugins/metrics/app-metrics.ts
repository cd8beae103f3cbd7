// The metrics that `metrics.collect` declares for the application.

import { isDeepStrictEqual } from 'node:util';
import { Counter, Gauge, Histogram, type Metric, type Registry, Summary } from 'prom-client';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { CollectorConfig } from './config.ts';

type Declarations = Readonly<Record<string, CollectorConfig>>;

/** The metrics of the application in one registry. They print from the start, the ones with labels once a value has come. */
export class AppMetrics {
  readonly #registry: Registry;
  #declared: Declarations = {};

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /**
   * Registers what is declared and removes what is not any more; a metric whose declaration did not change keeps its value.
   * @throws RrtsError ERR_CONFIG_INVALID when a name is there twice or a declaration makes no sense; then nothing has changed.
   */
  declare(collect: Declarations): void {
    const before = this.#declared;
    try {
      this.#change(collect);
    } catch (error) {
      this.#change(before);
      throw error;
    }
  }

  #change(collect: Declarations): void {
    const kept = ([key, config]: [string, CollectorConfig]): boolean => isDeepStrictEqual(collect[key], config);
    for (const [key, config] of Object.entries(this.#declared).filter((one) => !kept(one))) {
      this.#registry.removeSingleMetric(nameOf(key, config));
    }
    this.#declared = Object.fromEntries(Object.entries(this.#declared).filter(kept));
    for (const [key, config] of Object.entries(collect)) {
      if (key in this.#declared) continue;
      try {
        registerOne(this.#registry, key, config);
      } catch (thrown) {
        throw new RrtsError('ERR_CONFIG_INVALID', `metrics.collect.${key}: ${messageOf(thrown)}`, { cause: thrown });
      }
      this.#declared = { ...this.#declared, [key]: config };
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
