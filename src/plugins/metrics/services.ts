// The RPC service `metrics`: RoadRunner's methods over the metrics of the application.

import { z } from 'zod';
import type { Method } from '../rpc-router/method.ts';
import { CallError } from '../rpc-router/method.ts';
import type { AppMetrics, Declared } from './app-metrics.ts';
import type { Collector } from './collectors.ts';
import { collectorSchema, METRIC_NAME } from './config.ts';

/** All label values of one combination together: they are kept as long as the metric is. */
const MAX_LABELS_LENGTH = 1024;
const MAX_TEXT_LENGTH = 1024;
const MAX_LABELS = 32;
const MAX_BUCKETS = 200;

const shortText = z.string().max(MAX_TEXT_LENGTH);

// PHP leaves out nothing: what is not set comes as null, an empty text or an empty list.
const valueArgument = z.object({
  name: shortText,
  value: z.union([z.number(), z.bigint().transform(Number)], { error: 'must be a finite number' }),
  labels: z
    .array(z.union([z.string(), z.number().transform(String)], { error: 'must be texts in UTF-8' }))
    .nullish()
    .transform((labels) => labels ?? []),
});

const orEmpty = shortText.nullish().transform((text) => text ?? '');

const declareArgument = z.object({
  name: shortText.regex(METRIC_NAME, 'must be a metric name: letters, digits, _ and :'),
  collector: z.object({
    type: collectorSchema.shape.type,
    help: orEmpty,
    namespace: orEmpty,
    subsystem: orEmpty,
    labels: collectorSchema.shape.labels.unwrap().max(MAX_LABELS).refine(noneTwice, 'one is there twice').nullish(),
    buckets: z.array(z.number()).max(MAX_BUCKETS).nullish(),
    objectives: collectorSchema.shape.objectives.nullish(),
  }),
});

function noneTwice(labels: readonly string[]): boolean {
  return new Set(labels).size === labels.length;
}

/** One value for one metric. */
type Value = z.output<typeof valueArgument>;

/** The methods. Each answers true; errors name the metric. */
export function metricsServices(metrics: AppMetrics): Record<string, Method> {
  const change = (method: string, apply: (collector: Collector, labels: LabelValues, value: number) => boolean) => {
    return (argument: unknown): boolean => {
      const value = read(valueArgument, argument);
      const declared = metrics.find(value.name);
      const labels = labelsFor(declared, value);
      check(declared, method, value);
      metrics.use(value.name, declared, value.labels);
      return apply(declared.collector, labels, value.value);
    };
  };
  return {
    Add: change('Add', add),
    Sub: change('Sub', (collector, labels, value) => add(collector, labels, -value)),
    Set: change('Set', set),
    Observe: change('Observe', observe),
    Declare: (argument: unknown) => {
      const { name, collector } = read(declareArgument, argument);
      const { labels, buckets, objectives, ...rest } = collector;
      metrics.declare(name, {
        ...rest,
        labels: labels ?? [],
        ...(buckets == null ? {} : { buckets }),
        ...(objectives == null ? {} : { objectives }),
      });
      return true;
    },
    Unregister: (argument: unknown) => {
      metrics.unregister(read(shortText, argument));
      return true;
    },
  };
}

type LabelValues = Record<string, string>;

const METHODS: Readonly<Record<Collector['type'], readonly string[]>> = {
  counter: ['Add'],
  gauge: ['Add', 'Sub', 'Set'],
  histogram: ['Observe'],
  summary: ['Observe'],
};

function check({ collector: { type } }: Declared, method: string, { name, value }: Value): void {
  if (!METHODS[type].includes(method)) {
    refuse(
      `collector ${name} does not support method ${method}: it is a ${type}, which has ${METHODS[type].join(', ')}`,
    );
  }
  if (type === 'counter' && value < 0) refuse(`collector ${name} is a counter and cannot go down by ${-value}`);
}

function labelsFor({ config: { labels } }: Declared, { name, labels: values }: Value): LabelValues {
  if (labels.length > 0 && values.length === 0) refuse(`required labels for collector ${name}: ${labels.join(', ')}`);
  if (labels.length !== values.length) {
    const has = labels.length === 0 ? 'no labels' : `${labels.length} labels (${labels.join(', ')})`;
    refuse(`collector ${name} has ${has}, the call has ${values.length}`);
  }
  const length = values.reduce((sum, value) => sum + value.length, 0);
  if (length > MAX_LABELS_LENGTH) {
    refuse(`collector ${name}: the label values have ${length} characters, ${MAX_LABELS_LENGTH} are allowed`);
  }
  return Object.fromEntries(labels.map((label, index) => [label, values[index] ?? '']));
}

function add({ type, metric }: Collector, labels: LabelValues, value: number): boolean {
  if (type === 'counter' || type === 'gauge') metric.inc(labels, value);
  return true;
}

function set({ type, metric }: Collector, labels: LabelValues, value: number): boolean {
  if (type === 'gauge') metric.set(labels, value);
  return true;
}

function observe({ type, metric }: Collector, labels: LabelValues, value: number): boolean {
  if (type === 'histogram' || type === 'summary') metric.observe(labels, value);
  return true;
}

function read<Schema extends z.ZodType>(schema: Schema, argument: unknown): z.output<Schema> {
  const { data, error } = parsed(schema, argument);
  if (error === undefined) return data as z.output<Schema>;
  const [issue] = error.issues;
  const path = issue?.path.join('.') ?? '';
  return refuse(`metrics: ${path === '' ? 'the argument' : path}: ${issue?.message ?? 'is wrong'}`);
}

function parsed<Schema extends z.ZodType>(schema: Schema, argument: unknown): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return schema.safeParse(argument);
  } catch {
    // zod compares the length of anything that has one, also of a map whose `length` is another map.
    return refuse('metrics: the argument is not what this method takes');
  }
}

function refuse(text: string): never {
  throw new CallError(text, 'ERR_RPC_ARGUMENT');
}
