// The state of every pool as Prometheus metrics, with RoadRunner's names, read at the moment of a scrape.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { Pool } from '../../pool/pool.ts';
import type { PoolStats } from '../../pool/stats.ts';
import type { UsageReader, WorkerUsage } from '../../worker/usage.ts';

interface PoolGauges {
  readonly total: Gauge;
  readonly memoryTotal: Gauge;
  readonly state: Gauge<'state' | 'pid'>;
  readonly memory: Gauge<'pid'>;
  readonly ready: Gauge;
  readonly working: Gauge;
  readonly invalid: Gauge;
  readonly queue: Gauge;
  readonly target: Gauge;
  readonly exits: Counter<'reason'>;
  readonly cpu: Gauge<'pid'>;
}

/** Fills gauges from pools. The series of a worker end with the worker. */
export class PoolMetrics {
  readonly #registry: Registry;
  readonly #pools: () => readonly Pool[];
  readonly #usage: UsageReader;
  readonly #gauges = new Map<string, PoolGauges>();

  constructor(registry: Registry, pools: () => readonly Pool[], usage: UsageReader) {
    this.#registry = registry;
    this.#pools = pools;
    this.#usage = usage;
  }

  /** Reads all pools now. */
  async collect(): Promise<void> {
    const stats = this.#pools().map((pool) => pool.stats());
    const usage = await this.#usage(stats.flatMap(({ workers }) => workers.map(({ pid }) => pid)));
    for (const snapshot of stats) this.#fill(snapshot, usage);
  }

  #fill(stats: PoolStats, usage: ReadonlyMap<number, WorkerUsage>): void {
    const gauges = this.#gaugesOf(stats.name);
    let memoryTotal = 0;
    gauges.state.reset();
    gauges.memory.reset();
    gauges.cpu.reset();
    for (const { pid, state } of stats.workers) {
      gauges.state.set({ state, pid: String(pid) }, 1);
      const used = usage.get(pid);
      if (used === undefined) continue;
      memoryTotal += used.memoryBytes;
      gauges.memory.set({ pid: String(pid) }, used.memoryBytes);
      gauges.cpu.set({ pid: String(pid) }, used.cpuRatio);
    }
    gauges.total.set(stats.workers.length);
    gauges.memoryTotal.set(memoryTotal);
    gauges.ready.set(stats.ready);
    gauges.working.set(stats.working);
    gauges.invalid.set(stats.workers.length - stats.ready - stats.working);
    gauges.queue.set(stats.queueLength);
    gauges.target.set(stats.target);
    // The pool counts; here is only written down how far it has come.
    gauges.exits.reset();
    for (const [reason, count] of stats.exits) gauges.exits.inc({ reason }, count);
  }

  #gaugesOf(pool: string): PoolGauges {
    const known = this.#gauges.get(pool);
    if (known !== undefined) return known;
    const prefix = `rr_${pool.replace(/[^a-zA-Z0-9_]/g, '_')}`;
    const registers = [this.#registry];
    const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> =>
      new Gauge({ name, help, labelNames, registers });
    const gauges: PoolGauges = {
      total: gauge(`${prefix}_total_workers`, 'Workers of the pool.'),
      memoryTotal: gauge(`${prefix}_workers_memory_bytes`, 'Memory of all workers: sum of their resident sets.'),
      state: gauge(`${prefix}_worker_state`, 'State of a worker; always 1.', ['state', 'pid']),
      memory: gauge(`${prefix}_worker_memory_bytes`, 'Resident set of a worker.', ['pid']),
      ready: gauge(`${prefix}_workers_ready`, 'Workers that wait for a request.'),
      working: gauge(`${prefix}_workers_working`, 'Workers that handle a request.'),
      invalid: gauge(`${prefix}_workers_invalid`, 'Workers that are neither: starting or stopping.'),
      queue: gauge(`rrts_${prefix.slice(3)}_queue_length`, 'Requests that wait for a worker.'),
      target: gauge(`rrts_${prefix.slice(3)}_workers_target`, 'Workers that the pool wants to have.'),
      exits: new Counter({
        name: `rrts_${prefix.slice(3)}_worker_exits_total`,
        help: 'Workers that have ended since the start, by reason.',
        labelNames: ['reason'],
        registers,
      }),
      cpu: gauge(
        `rrts_${prefix.slice(3)}_worker_cpu_ratio`,
        'Processor use of a worker since the last scrape; 1 is one core.',
        ['pid'],
      ),
    };
    this.#gauges.set(pool, gauges);
    return gauges;
  }
}
