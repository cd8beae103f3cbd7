// The metrics of the application: those of `metrics.collect`, and those that PHP declares while it runs.

import { isDeepStrictEqual } from 'node:util';
import type { Registry } from 'prom-client';
import { messageOf, RrtsError } from '../../core/errors.ts';
import { CallError } from '../rpc-router/method.ts';
import { type Collector, linesOf, printedName, registerCollector } from './collectors.ts';
import type { CollectorConfig } from './config.ts';

/** How much the application may keep here. */
export interface AppMetricsLimits {
  /** Metrics declared over RPC and in the configuration, together. */
  readonly maxMetrics: number;
  /** Lines that all of them print together. */
  readonly maxSeries: number;
}

/** One declared metric. */
export interface Declared {
  readonly config: CollectorConfig;
  readonly collector: Collector;
  /** False for one that was declared over RPC. */
  readonly configured: boolean;
  /** The combinations of labels that have a value. */
  readonly combinations: Set<string>;
}

/** The metrics of the application in one registry. They print from the start, the ones with labels once a value has come. */
export class AppMetrics {
  readonly #registry: Registry;
  #limits: AppMetricsLimits;
  #declared: ReadonlyMap<string, Declared> = new Map();
  #series = 0;

  constructor(registry: Registry, limits: AppMetricsLimits) {
    this.#registry = registry;
    this.#limits = limits;
  }

  /**
   * Registers what the configuration declares and removes what it does not any more; a metric whose declaration did not change keeps its
   * value, and so does one that was declared over RPC. What is in the configuration wins over one of the same name that is not.
   * @throws RrtsError ERR_CONFIG_INVALID when a name is there twice or a declaration makes no sense; then nothing has changed.
   */
  configure(collect: Readonly<Record<string, CollectorConfig>>, limits: AppMetricsLimits = this.#limits): void {
    const before = this.#declared;
    const now = new Map<string, Declared>();
    for (const [key, declared] of before) {
      const wanted = Object.hasOwn(collect, key) ? collect[key] : undefined;
      if (wanted === undefined ? !declared.configured : isDeepStrictEqual(wanted, declared.config))
        now.set(key, { ...declared, configured: wanted !== undefined });
    }
    this.#drop(before, now);
    try {
      for (const [key, config] of Object.entries(collect)) {
        if (!now.has(key)) now.set(key, this.#registerConfigured(key, config));
      }
    } catch (error) {
      this.#drop(now, before);
      for (const [key, { collector }] of before)
        if (now.get(key)?.collector !== collector) this.#registry.registerMetric(collector.metric);
      throw error;
    }
    this.#declared = now;
    this.#limits = limits;
    this.#series = [...now.values()].reduce((sum, one) => sum + seriesOf(one), 0);
  }

  /** The metric of a name. @throws CallError when there is none. */
  find(key: string): Declared {
    const declared = this.#declared.get(key);
    if (declared !== undefined) return declared;
    throw new CallError(`undefined collector ${key}: declare it first`, 'ERR_RPC_ARGUMENT');
  }

  /**
   * Declares one while the server runs; nothing happens when there is one of that name already.
   * @throws CallError when it makes no sense or its printed name belongs to another metric; ERR_METRICS_LIMIT when there are too many.
   */
  declare(key: string, config: CollectorConfig): void {
    if (this.#declared.has(key)) return;
    const { maxMetrics } = this.#limits;
    if (this.#declared.size >= maxMetrics) {
      throw limit(`collector ${key}: ${maxMetrics} metrics are declared, and metrics.max_metrics allows no more`);
    }
    const combinations = new Set(config.labels.length === 0 ? [''] : []);
    this.#admit(key, config, combinations.size);
    try {
      const collector = registerCollector(this.#registry, key, config);
      this.#declared = new Map([...this.#declared, [key, { config, collector, configured: false, combinations }]]);
    } catch (thrown) {
      this.#series -= combinations.size * linesOf(config);
      throw new CallError(`collector ${key}: ${messageOf(thrown)}`, 'ERR_RPC_ARGUMENT');
    }
  }

  /** Removes one with all its values. One of the configuration comes back at the next reload. @throws CallError when there is none. */
  unregister(key: string): void {
    const declared = this.find(key);
    this.#registry.removeSingleMetric(printedName(key, declared.config));
    this.#series -= seriesOf(declared);
    this.#declared = new Map([...this.#declared].filter(([other]) => other !== key));
  }

  /** Takes note of a combination of label values. @throws CallError ERR_METRICS_LIMIT when it is new and one too many. */
  use(key: string, { config, combinations }: Declared, values: readonly string[]): void {
    const combination = values.length === 0 ? '' : JSON.stringify(values);
    if (combinations.has(combination)) return;
    this.#admit(key, config, 1);
    combinations.add(combination);
  }

  #admit(key: string, config: CollectorConfig, count: number): void {
    const more = count * linesOf(config);
    const { maxSeries } = this.#limits;
    if (this.#series + more > maxSeries) {
      throw limit(
        `collector ${key}: the metrics of the application have ${this.#series} lines, and metrics.max_series allows ${maxSeries}; does a label have ever new values?`,
      );
    }
    this.#series += more;
  }

  /** Unregisters those of `from` that are not the same in `kept`. */
  #drop(from: ReadonlyMap<string, Declared>, kept: ReadonlyMap<string, Declared>): void {
    for (const [key, { config, collector }] of from) {
      if (kept.get(key)?.collector !== collector) this.#registry.removeSingleMetric(printedName(key, config));
    }
  }

  #registerConfigured(key: string, config: CollectorConfig): Declared {
    try {
      const collector = registerCollector(this.#registry, key, config);
      return { config, collector, configured: true, combinations: new Set(config.labels.length === 0 ? [''] : []) };
    } catch (thrown) {
      throw new RrtsError('ERR_CONFIG_INVALID', `metrics.collect.${key}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

function seriesOf({ config, combinations }: Declared): number {
  return combinations.size * linesOf(config);
}

function limit(text: string): CallError {
  return new CallError(text, 'ERR_METRICS_LIMIT');
}
