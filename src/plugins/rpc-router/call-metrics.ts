// How many calls there were, of which service and with which end. Counting is two lookups per call; Prometheus text is made when somebody asks.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { ErrorCode } from '../../core/errors.ts';
import type { RpcRouter } from './router.ts';

/** How a call ended. */
export type CallOutcome = 'ok' | ErrorCode;

/** The service of calls to what is not there: names that callers make up must not become series. */
export const NO_SERVICE = 'unknown';

/** Calls that were answered, or given up, since the start. */
export class CallCounts {
  readonly #counts = new Map<string, Map<CallOutcome, number>>();

  add(service: string, outcome: CallOutcome): void {
    let outcomes = this.#counts.get(service);
    if (outcomes === undefined) {
      outcomes = new Map();
      this.#counts.set(service, outcomes);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }

  /** Each service with each end that there was. */
  *entries(): Generator<readonly [service: string, outcome: CallOutcome, calls: number]> {
    for (const [service, outcomes] of this.#counts) {
      for (const [outcome, calls] of outcomes) yield [service, outcome, calls];
    }
  }
}

/** Registers what a router knows of itself. */
export function registerCallMetrics(registry: Registry, router: RpcRouter): void {
  const registers = [registry];
  new Counter({
    name: 'rrts_rpc_calls_total',
    help: 'RPC calls that have ended, by service and by outcome: ok or an error code.',
    labelNames: ['service', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const [service, outcome, calls] of router.counts.entries()) this.inc({ service, outcome }, calls);
    },
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('rrts_rpc_calls_in_flight', 'RPC calls that are not answered yet.', () => router.inFlight);
  gauge('rrts_rpc_callers', 'Workers and connections that may make RPC calls.', () => router.callers);
}
