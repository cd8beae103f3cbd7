// Counts calls on bridge modules.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CallError } from '../rpc-router/method.ts';

/** Upper bounds of the duration of calls, in seconds. */
const BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** What came of a call, by the code of its error. */
const OUTCOMES: Readonly<Partial<Record<CallError['code'], string>>> = {
  ERR_BRIDGE_DENIED: 'denied',
  ERR_BRIDGE_THREW: 'threw',
  ERR_BRIDGE_RELEASED: 'released',
  ERR_RPC_ARGUMENT: 'argument',
  ERR_RPC_BUSY: 'busy',
  ERR_RPC_CANCELLED: 'cancelled',
  ERR_RPC_METHOD: 'missing',
  ERR_RPC_RESULT: 'result',
  ERR_RPC_TIMEOUT: 'timeout',
  ERR_RPC_TOO_LARGE: 'too_large',
};

/** Metrics of the bridge. Modules are those of the configuration, so the labels are few. */
export class BridgeMetrics {
  readonly #calls: Counter<'module' | 'outcome'>;
  readonly #seconds: Histogram<'module'>;
  readonly #faults: Counter<'module'>;
  readonly #threadEnds: Counter<'module'>;

  /** `objects` counts the objects that callers hold now. */
  constructor(registry: Registry, objects: () => number) {
    const registers = [registry];
    this.#calls = new Counter({
      name: 'rrts_bridge_calls_total',
      help: 'Calls on Node modules by what came of them.',
      labelNames: ['module', 'outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'rrts_bridge_call_seconds',
      help: 'Duration of calls on Node modules.',
      labelNames: ['module'],
      buckets: BUCKETS,
      registers,
    });
    this.#faults = new Counter({
      name: 'rrts_bridge_faults_total',
      help: 'Errors of Node modules that no call waited for.',
      labelNames: ['module'],
      registers,
    });
    this.#threadEnds = new Counter({
      name: 'rrts_bridge_thread_ends_total',
      help: 'Threads of Node modules that crashed or were ended because a call took too long.',
      labelNames: ['module'],
      registers,
    });
    new Gauge({
      name: 'rrts_bridge_objects',
      help: 'Objects of Node modules that PHP holds.',
      registers,
      collect() {
        this.set(objects());
      },
    });
  }

  /** A call is over; `error` where it failed. */
  count(module: string, startedAt: number, error?: CallError): void {
    const outcome = error === undefined ? 'ok' : (OUTCOMES[error.code] ?? 'failed');
    this.#calls.inc({ module, outcome });
    this.#seconds.observe({ module }, (performance.now() - startedAt) / 1000);
  }

  fault(module: string): void {
    this.#faults.inc({ module });
  }

  threadEnd(module: string): void {
    this.#threadEnds.inc({ module });
  }
}
