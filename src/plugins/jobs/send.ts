// The RPC method jobs.Send: jobs with everything that rrts adds to RoadRunner's, pushed to one pipeline.

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readHeaders } from '../../protocol/jobs/headers.ts';
import { CallError } from '../rpc-router/method.ts';
import type { NewJob } from './driver.ts';
import type { ChainLink, JobHeaders, JobOptions } from './job.ts';
import type { Pipelines } from './pipelines.ts';

const LONGEST_DELAY_MS = 10 * 366 * 86_400_000;
const NO_HEADERS: JobHeaders = Object.freeze(Object.create(null) as JobHeaders);

const text = (longest: number) => z.string().min(1).max(longest);
const bytes = z.custom<string | Buffer>(
  (value) => typeof value === 'string' || Buffer.isBuffer(value),
  'must be text or bytes',
);

const jobShape = {
  id: text(256).optional(),
  job: text(1024),
  payload: bytes.default(''),
  headers: z.unknown().optional(),
  delay: z.number().min(0).max(LONGEST_DELAY_MS).default(0),
  priority: z.int().min(0).optional(),
  timeout: z.number().min(1).optional(),
  max_attempts: z.int().min(1).optional(),
};

const sendSchema = z.strictObject({
  pipeline: z.string(),
  jobs: z
    .array(
      z.strictObject({
        ...jobShape,
        unique: text(1024).optional(),
        chain: z.array(z.strictObject({ ...jobShape, pipeline: z.string().optional() })).optional(),
      }),
    )
    .min(1)
    .max(100_000),
});

type Sent = z.output<typeof sendSchema>['jobs'][number];

/** `{ids}`: one for each job, null for a duplicate. Settles when all are stored. @throws CallError ERR_JOBS_INVALID, RrtsError as the pipeline's push. */
export async function send(pipelines: Pipelines, argument: unknown, now: number): Promise<{ ids: (string | null)[] }> {
  const { pipeline: name, jobs } = parse(argument);
  const pipeline = pipelines.get(name);
  const batch = jobs.map((sent) => newJob(sent, name, pipelines, now));
  const results = await pipeline.push(batch);
  return { ids: batch.map(({ job }, index) => (results[index] === 'duplicate' ? null : job.id)) };
}

function parse(argument: unknown): z.output<typeof sendSchema> {
  const result = sendSchema.safeParse(argument);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw new CallError(
    `jobs.Send: ${place === '' ? '' : `${place}: `}${issue?.message ?? 'no job'}`,
    'ERR_JOBS_INVALID',
  );
}

function newJob(sent: Sent, name: string, pipelines: Pipelines, now: number): NewJob {
  const chain = chainOf(sent, name, pipelines);
  const options: JobOptions = {
    ...optionsOf(sent),
    ...(sent.unique === undefined ? {} : { unique: sent.unique }),
    ...(chain.length === 0 ? {} : { chain }),
  };
  return {
    delayMs: sent.delay,
    job: {
      id: sent.id ?? randomUUID(),
      name: sent.job,
      payload: Buffer.from(sent.payload as string),
      headers: readHeaders(sent.headers) ?? NO_HEADERS,
      priority: sent.priority ?? pipelines.get(name).priority,
      attempt: 1,
      pushedAt: now,
      options,
    },
  };
}

/** A link goes where the one before it went, unless it says otherwise. */
function chainOf({ chain = [] }: Sent, first: string, pipelines: Pipelines): ChainLink[] {
  let before = first;
  return chain.map((link) => {
    before = link.pipeline ?? before;
    // What cannot be stored one day is refused now, when somebody is there to be told.
    const pipeline = pipelines.get(before);
    const payload = Buffer.from(link.payload as string);
    pipeline.refuseLarge(payload);
    return {
      pipeline: before,
      id: link.id ?? randomUUID(),
      name: link.job,
      payload,
      headers: readHeaders(link.headers) ?? NO_HEADERS,
      priority: link.priority ?? pipeline.priority,
      delayMs: link.delay,
      options: optionsOf(link),
    };
  });
}

function optionsOf(sent: Pick<Sent, 'timeout' | 'max_attempts'>): JobOptions {
  return {
    ...(sent.timeout === undefined ? {} : { timeoutMs: sent.timeout }),
    ...(sent.max_attempts === undefined ? {} : { maxAttempts: sent.max_attempts }),
  };
}
