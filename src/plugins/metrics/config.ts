// The `metrics:` section: RoadRunner's keys with RoadRunner's meanings.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { LIVE } from '../../core/reload-mark.ts';
import { address } from '../../core/scalars.ts';

/** What a metric may be called. */
export const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** One metric of `metrics.collect`. */
export const collectorSchema = z.strictObject({
  type: z.enum(['counter', 'gauge', 'histogram', 'summary']).describe('Kind of metric.'),
  help: z.string().default('').describe('One sentence about it.'),
  namespace: z.string().default('').describe('First part of its name.'),
  subsystem: z.string().default('').describe('Second part of its name.'),
  labels: z
    .array(
      z.string().regex(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/, 'must be a label name: letters, digits and _, not __ first'),
    )
    .default([]),
  buckets: z.array(z.number()).optional().describe('Upper bounds of a histogram.'),
  objectives: z
    .union([z.array(z.record(z.string(), z.number())), z.record(z.string(), z.number())])
    .optional()
    .describe('Quantiles of a summary, such as 0.9: 0.01. The allowed error is read but not used.'),
});

/** Schema of `metrics:`. */
export const metricsSchema = z.strictObject({
  address: address()
    .default({ kind: 'tcp', host: '127.0.0.1', port: 2112 })
    .describe('Where GET /metrics is answered. Not for the public.'),
  collect: z
    .record(z.string().regex(METRIC_NAME, 'must be a metric name: letters, digits, _ and :'), collectorSchema)
    .meta(LIVE)
    .default({})
    .describe('Metrics of the application, by name. PHP fills them, and declares more, by the RPC service `metrics`.'),
  max_metrics: z
    .int()
    .min(0)
    .meta(LIVE)
    .default(1000)
    .describe('Most metrics of the application. PHP gets an error for one more.'),
  max_series: z
    .int()
    .min(0)
    .meta(LIVE)
    .default(50_000)
    .describe(
      'Most lines that they print together: one for each combination of label values, of a histogram one for each bucket. PHP gets an error for one more; what is there goes on.',
    ),
});

/** `metrics:` as parsed, names in camelCase. */
export type MetricsConfig = CamelCased<z.output<typeof metricsSchema>>;

/** One declared metric of the application. */
export type CollectorConfig = MetricsConfig['collect'][string];
