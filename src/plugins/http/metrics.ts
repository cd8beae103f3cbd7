// Counters of the HTTP front. Counting is two additions per request; Prometheus text is made when somebody asks.

import type { Registry } from 'prom-client';
import { type AddedMetric, addMetric, Durations, type Sample } from '../../core/durations.ts';

/** What the front counts. RoadRunner's http_metrics names, and the time requests wait for a worker. */
export class HttpMetrics {
  /** Requests that are being handled: RoadRunner calls this its queue. */
  inFlight = 0;
  /** Requests that no worker could take in time. */
  noFreeWorkers = 0;
  readonly #byStatus = new Map<number, Durations>();
  readonly #queueTimes = new Map<string, Durations>();
  readonly #startedAt = performance.now();

  /** A request was answered. @param seconds - since its headers were read. */
  answered(status: number, seconds: number): void {
    let durations = this.#byStatus.get(status);
    if (durations === undefined) {
      durations = new Durations();
      this.#byStatus.set(status, durations);
    }
    durations.observe(seconds);
  }

  /** The times that requests wait for a worker of this pool: `http`, `http.reports`. Ask before {@link register}. */
  queueTimeOf(pool: string): Durations {
    const known = this.#queueTimes.get(pool);
    if (known !== undefined) return known;
    const durations = new Durations();
    this.#queueTimes.set(pool, durations);
    return durations;
  }

  /** Puts the metrics into `registry`. Called once. */
  register(registry: Registry): void {
    const add = (...metric: AddedMetric): void => addMetric(registry, ...metric);
    const perStatus = (map: (durations: Durations, labels: { status: string }) => Sample[]) =>
      [...this.#byStatus].flatMap(([status, durations]) => map(durations, { status: String(status) }));
    add('rr_http_request_total', 'Answered requests by status.', 'counter', () =>
      perStatus((durations, labels) => [{ labels, value: durations.count }]),
    );
    add(
      'rr_http_request_duration_seconds',
      'From the headers of a request to the end of its response.',
      'histogram',
      () => perStatus((durations, labels) => durations.samples('rr_http_request_duration_seconds', labels)),
    );
    add('rr_http_requests_queue', 'Requests that are being handled, waiting ones included.', 'gauge', () => [
      { labels: {}, value: this.inFlight },
    ]);
    add('rr_http_uptime_seconds', 'Age of the HTTP front.', 'counter', () => [
      { labels: {}, value: (performance.now() - this.#startedAt) / 1000 },
    ]);
    add('rr_http_no_free_workers_total', 'Requests that no worker could take in time.', 'counter', () => [
      { labels: {}, value: this.noFreeWorkers },
    ]);
    for (const [pool, durations] of this.#queueTimes) {
      const name = `rrts_${pool.replaceAll('.', '_')}_queue_seconds`;
      add(name, 'Time requests waited for a worker.', 'histogram', () => durations.samples(name, {}));
    }
  }
}
