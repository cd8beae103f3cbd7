// Counters of the HTTP front. Counting is two additions per request; Prometheus text is made when somebody asks.

import type { Metric, Registry } from 'prom-client';

/** Upper bounds of RoadRunner's duration histogram, in seconds. */
const BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];

/** One sample as prom-client prints it. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Counts of durations per bucket. prom-client's own histogram hashes its labels at each call, which shows under load. */
export class Durations {
  /** One count per bucket and one for everything above; not cumulative. */
  readonly #counts: number[] = new Array(BUCKETS.length + 1).fill(0);
  #sum = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param seconds - how long something took. */
  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] as number)) bucket++;
    (this.#counts[bucket] as number)++;
    this.#sum += seconds;
    this.#count++;
  }

  /** The samples of a histogram called `name`, with `labels` on each. */
  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    let below = 0;
    const samples: Sample[] = BUCKETS.map((bound, index) => {
      below += this.#counts[index] as number;
      return { metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: below };
    });
    samples.push(
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: this.#count },
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: this.#count },
    );
    return samples;
  }
}

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
    const add = (name: string, help: string, type: string, values: () => Sample[]): void => {
      const metric = {
        name,
        help,
        type,
        aggregator: 'sum',
        get: async () => ({ name, help, type, values: values(), aggregator: 'sum' }),
      };
      registry.registerMetric(metric as unknown as Metric<string>);
    };
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
