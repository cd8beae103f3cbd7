// What Prometheus learns of the storages.

import { Counter, type Registry } from 'prom-client';

/** Calls and failures, by storage and method. */
export class KvMetrics {
  readonly #calls: Counter<'storage' | 'method'>;
  readonly #errors: Counter<'storage' | 'method'>;

  constructor(registry: Registry) {
    const labelNames = ['storage', 'method'] as const;
    const registers = [registry];
    this.#calls = new Counter({
      name: 'rrts_kv_operations_total',
      help: 'Calls of the kv service that were done, by storage and method.',
      labelNames,
      registers,
    });
    this.#errors = new Counter({
      name: 'rrts_kv_errors_total',
      help: 'Calls of the kv service that failed, by storage and method.',
      labelNames,
      registers,
    });
  }

  /** A call was done. `storage` is one that exists: callers cannot make series. */
  count(storage: string, method: string): void {
    this.#calls.inc({ storage, method });
  }

  /** A call failed. */
  countError(storage: string, method: string): void {
    this.#errors.inc({ storage, method });
  }
}
