// The services as Prometheus metrics, read at the moment of a scrape.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { UsageReader } from '../../worker/usage.ts';
import type { Services } from './services.ts';

/** Registers the metrics. The series of a service end with it. */
export function registerServiceMetrics(registry: Registry, services: Services, readUsage: UsageReader): void {
  const registers = [registry];
  new Gauge({
    name: 'rrts_service_processes',
    help: 'Processes of a service that run.',
    labelNames: ['service'],
    registers,
    collect() {
      this.reset();
      for (const { name, running } of services.all) this.set({ service: name }, running);
    },
  });
  new Counter({
    name: 'rrts_service_restarts_total',
    help: 'Processes of a service that were started again after they had ended.',
    labelNames: ['service'],
    registers,
    collect() {
      this.reset();
      for (const { name, restarts } of services.all) this.inc({ service: name }, restarts);
    },
  });
  new Gauge({
    name: 'rrts_service_memory_bytes',
    help: 'Memory of the processes of a service: sum of their resident sets.',
    labelNames: ['service'],
    registers,
    async collect() {
      const running = services.all.map(({ name, processes }) => {
        return { name, pids: processes.filter((one) => one.running).map(({ pid }) => pid) };
      });
      const usage = await readUsage(running.flatMap(({ pids }) => pids));
      this.reset();
      for (const { name, pids } of running) {
        this.set(
          { service: name },
          pids.reduce((sum, pid) => sum + (usage.get(pid)?.memoryBytes ?? 0), 0),
        );
      }
    },
  });
}
