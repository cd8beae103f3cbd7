// The entries as Prometheus metrics, read at the moment of a scrape.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { Entries } from './entries.ts';
import type { Result } from './run.ts';

/** Every series is there from the start: a counter that appears with its first failure has no rate. */
const RESULTS: readonly Result[] = ['done', 'failed', 'skipped', 'elsewhere'];

/** Registers the metrics. The series of an entry end with it. */
export function registerCronMetrics(registry: Registry, entries: Entries): void {
  const registers = [registry];
  new Counter({
    name: 'rrts_cron_runs_total',
    help: 'Runs of an entry that are over, and occurrences that were skipped or left to another server.',
    labelNames: ['name', 'result'],
    registers,
    collect() {
      this.reset();
      for (const { name, counts } of entries.all) {
        for (const result of RESULTS) this.inc({ name, result }, counts.get(result) ?? 0);
      }
    },
  });
  new Counter({
    name: 'rrts_cron_missed_total',
    help: 'Occurrences whose time passed while the server was down, asleep or busy.',
    labelNames: ['name'],
    registers,
    collect() {
      this.reset();
      for (const { name, missed } of entries.all) this.inc({ name }, missed);
    },
  });
  new Gauge({
    name: 'rrts_cron_last_run_seconds',
    help: 'When the last run that was done or failed began, in seconds since 1970.',
    labelNames: ['name'],
    registers,
    collect() {
      this.reset();
      for (const { name, lastRun } of entries.all) if (lastRun !== undefined) this.set({ name }, lastRun.began / 1000);
    },
  });
  new Gauge({
    name: 'rrts_cron_running',
    help: 'Runs of an entry that are under way.',
    labelNames: ['name'],
    registers,
    collect() {
      this.reset();
      for (const { name, running } of entries.all) this.set({ name }, running);
    },
  });
}
