// What Prometheus learns of the locks.

import { Counter, Gauge, type Registry } from 'prom-client';

/** Calls by method and answer, failures, and who waits. */
export class LockMetrics {
  readonly #calls: Counter<'method' | 'ok'>;
  readonly #errors: Counter<'method'>;

  /** @param waiting - asked at each scrape. */
  constructor(registry: Registry, waiting: () => number) {
    const registers = [registry];
    this.#calls = new Counter({
      name: 'rrts_lock_operations_total',
      help: 'Calls of the lock service that were done, by method and answer.',
      labelNames: ['method', 'ok'],
      registers,
    });
    this.#errors = new Counter({
      name: 'rrts_lock_errors_total',
      help: 'Calls of the lock service that failed, by method.',
      labelNames: ['method'],
      registers,
    });
    new Gauge({
      name: 'rrts_lock_waiting',
      help: 'Requests that wait for a lock.',
      registers,
      collect() {
        this.set(waiting());
      },
    });
  }

  /** A call was done. */
  count(method: string, ok: boolean): void {
    this.#calls.inc({ method, ok: String(ok) });
  }

  /** A call failed. */
  countError(method: string): void {
    this.#errors.inc({ method });
  }
}
