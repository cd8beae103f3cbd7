// The `jobs:` section: RoadRunner's keys with RoadRunner's meanings, and ours beside them.

import { z } from 'zod';
import { type CamelCased, camelCased } from '../../core/camel-case.ts';
import { LIVE } from '../../core/reload-mark.ts';
import { duration, size } from '../../core/scalars.ts';
import { poolSchema, supervisorSchema } from '../../pool/config.ts';
import { DRIVERS, findDriver } from './drivers.ts';

const DEFAULT_TIMEOUT_MS = 3_600_000;
const MAX_PAYLOAD = 10 * 1024 ** 2;
/** RoadRunner's `pipeline_size`. */
const MAX_WAITING = 1_000_000;

/** What a pipeline or a pool may be called: it stands in logs, metrics and names of brokers. */
const NAME = /^[A-Za-z0-9_.:-]{1,128}$/;
const name = () => z.string().regex(NAME, 'must be a name of letters, digits and _ . : -');

const retrySchema = z.strictObject({
  max_attempts: z
    .int()
    .min(1)
    .max(10_000)
    .default(3)
    .describe(
      'Runs of a job that may fail: by an exception, the death of its worker, or its timeout. Then it is a dead letter.',
    ),
  delay: duration().default(1000).describe('Wait after the first failed run.'),
  multiplier: z.number().min(1).max(100).default(2).describe('Each further wait is so many times the one before it.'),
  max_delay: duration().default(DEFAULT_TIMEOUT_MS).describe('Longest wait.'),
  jitter: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('Part of the wait that is left to chance, so that jobs that failed together do not come back together.'),
});

/** Keys of `config` that every driver has. */
const commonShape = {
  priority: z
    .int()
    .min(0)
    .default(10)
    .describe('Priority of jobs that are pushed without one. Lower ones are run first.'),
  prefetch: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('Jobs that are taken from the queue ahead of time. Default: as the driver says.'),
  queue: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('redis, amqp: name of the queue in the broker. Default: the name of the pipeline.'),
};

const driverConfigSchema = z.strictObject({
  ...commonShape,
  ...Object.assign({}, ...DRIVERS.map(({ shape }) => shape)),
} as typeof commonShape & Record<string, z.ZodType>);

/** Schema of one pipeline. */
export const pipelineSchema = z
  .strictObject({
    driver: z
      .enum(DRIVERS.map(({ name }) => name))
      .default('local')
      .describe('Where its jobs wait.'),
    pool: name().optional().describe('Which of jobs.pools runs its jobs. Default: jobs.pool.'),
    timeout: duration()
      .optional()
      .describe('Longest run of one job; then its worker is killed. Default: supervisor.exec_ttl of the pool.'),
    max_payload: size().default(MAX_PAYLOAD).describe('Largest payload of a job.'),
    max_waiting: z
      .int()
      .min(1)
      .optional()
      .describe('Most jobs in the queue; further pushes are refused. Default: jobs.pipeline_size.'),
    retry: retrySchema.prefault({}).describe('What happens to a job that fails.'),
    dead_letter: name()
      .optional()
      .describe('Pipeline that takes the jobs that have failed too often. Without one they are logged and dropped.'),
    config: driverConfigSchema.prefault({}).describe('Settings of the driver.'),
  })
  .superRefine(({ driver, config }, context) => {
    const type = findDriver(driver);
    if (type === undefined) return;
    const known = [...Object.keys(commonShape), ...Object.keys(type.shape)];
    for (const key of Object.keys(config)) {
      if (known.includes(key) || config[key as keyof typeof config] === undefined) continue;
      const message = `the driver ${driver} does not read it; it reads ${known.join(', ')}`;
      context.addIssue({ code: 'custom', path: ['config', key], message });
    }
  });

/** A job may run for an hour; a request may not. */
const jobsPoolSchema = poolSchema.extend({
  supervisor: supervisorSchema
    .extend({
      exec_ttl: duration()
        .default(DEFAULT_TIMEOUT_MS)
        .describe('Longest time one job may run, unless its pipeline or the job itself says otherwise. 0: no limit.'),
    })
    .prefault({}),
});

/** Schema of `jobs:`. */
export const jobsSchema = z
  .strictObject({
    consume: z
      .array(z.string())
      .default([])
      .describe('Pipelines whose jobs are run from the start. The others take pushes, until somebody resumes them.'),
    timeout: z.number().min(0.1).max(86_400).default(60).describe('Longest time of one push, in seconds.'),
    pipeline_size: z
      .int()
      .min(1)
      .default(MAX_WAITING)
      .describe('Most jobs in one pipeline, where that says nothing itself.'),
    pool: jobsPoolSchema.meta(LIVE).prefault({}).describe('The workers that run jobs; their RR_MODE is "jobs".'),
    pools: z
      .record(name(), jobsPoolSchema)
      .meta(LIVE)
      .default({})
      .describe('Further pools, for pipelines that name one of them.'),
    pipelines: z.record(name(), pipelineSchema).default({}).describe('Queues by name.'),
  })
  .superRefine(({ consume, pipelines, pools }, context) => {
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const names = Object.keys(pipelines);
    consume.forEach((one, index) => {
      if (!names.includes(one)) refuse(['consume', index], `there is no pipeline ${one}${listed(names)}`);
    });
    for (const [one, { pool, dead_letter: dead }] of Object.entries(pipelines)) {
      if (pool !== undefined && pools[pool] === undefined)
        refuse(['pipelines', one, 'pool'], `there is no pool ${pool}${listed(Object.keys(pools))}`);
      if (dead === one) refuse(['pipelines', one, 'dead_letter'], 'is the pipeline itself');
      else if (dead !== undefined && pipelines[dead] === undefined)
        refuse(['pipelines', one, 'dead_letter'], `there is no pipeline ${dead}${listed(names)}`);
    }
    for (const circle of circles(pipelines)) {
      const way = [...circle, circle[0]].join(' -> ');
      const message = `jobs that fail would go round for ever: ${way}; one of them must end without a dead_letter`;
      refuse(['pipelines', circle[0] ?? '', 'dead_letter'], message);
    }
  });

/** `jobs:` as parsed, names in camelCase. */
export type JobsConfig = CamelCased<z.output<typeof jobsSchema>>;

/** One pipeline of it. */
export type PipelineConfig = CamelCased<z.output<typeof pipelineSchema>>;

/** The keys of `config` that every driver has. */
export interface CommonSettings {
  readonly priority: number;
  readonly prefetch?: number;
  readonly queue?: string;
}

/** The common keys of a pipeline's `config`. */
export function commonSettings({ config }: PipelineConfig): CommonSettings {
  return config as unknown as CommonSettings;
}

/** `retry:` of a pipeline; times in milliseconds. */
export type RetryConfig = PipelineConfig['retry'];

/** A pool of jobs. */
export type JobsPoolConfig = JobsConfig['pool'];

/** Parses one pipeline that does not come from the file. Gives the configuration, or what is wrong in one line. */
export function parsePipeline(section: unknown): PipelineConfig | string {
  const result = pipelineSchema.safeParse(section);
  if (result.success) return camelCased(pipelineSchema, result.data);
  return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}

/** The circles of two and more in which dead letters lead, each once, from the first of its pipelines. */
function circles(pipelines: Readonly<Record<string, { readonly dead_letter?: string | undefined }>>): string[][] {
  const found: string[][] = [];
  const seen = new Set<string>();
  for (const start of Object.keys(pipelines)) {
    const way: string[] = [];
    let at: string | undefined = start;
    while (at !== undefined && !seen.has(at)) {
      seen.add(at);
      way.push(at);
      at = pipelines[at]?.dead_letter;
    }
    const begin = at === undefined ? -1 : way.indexOf(at);
    if (begin >= 0 && way.length - begin > 1) found.push(way.slice(begin));
  }
  return found;
}

function listed(names: readonly string[]): string {
  if (names.length < 2) return names.length === 0 ? '; there is none' : `; there is only ${names[0]}`;
  return `; there are ${names.join(', ')}`;
}
