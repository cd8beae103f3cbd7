// Counts of durations, and metrics that are made only when somebody asks: prom-client's own hash their labels at each call, which shows under load.

/** Upper bounds of RoadRunner's duration histogram, in seconds. */
const BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];

/** One sample as prom-client prints it. */
export interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Counts of durations per bucket. */
export class Durations {
  readonly #bounds: readonly number[];
  /** One count per bucket and one for everything above; not cumulative. */
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** @param bounds - upper bounds of the buckets in seconds, ascending. Default: those of requests, up to a minute. */
  constructor(bounds: readonly number[] = BUCKETS) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  get count(): number {
    return this.#count;
  }

  /** @param seconds - how long something took. @param times - how often it did. */
  observe(seconds: number, times = 1): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > (this.#bounds[bucket] as number)) bucket++;
    (this.#counts[bucket] as number) += times;
    this.#sum += seconds * times;
    this.#count += times;
  }

  /** The samples of a histogram called `name`, with `labels` on each. */
  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    let below = 0;
    const samples: Sample[] = this.#bounds.map((bound, index) => {
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

/** A metric of {@link addMetric}. */
export type AddedMetric = [
  name: string,
  help: string,
  type: 'counter' | 'gauge' | 'histogram',
  values: () => Sample[] | Promise<Sample[]>,
];

/** Registers a metric whose samples are made at each scrape. @param registry - prom-client's. */
export function addMetric(registry: object, ...[name, help, type, values]: AddedMetric): void {
  const aggregator = 'sum';
  const get = async (): Promise<object> => ({ name, help, type, values: await values(), aggregator });
  (registry as { registerMetric(metric: object): void }).registerMetric({ name, help, type, aggregator, get });
}
