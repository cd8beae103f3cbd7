// A job that another part of rrts has run without a queue: an event of AWS Lambda, for one.

import { z } from 'zod';
import { readHeaders } from '../../protocol/jobs/headers.ts';
import type { Job } from './job.ts';
import type { RunPlace } from './job-run.ts';

/** Argument of `jobs.Run`. */
export const runSchema = z.object({
  id: z.string().min(1),
  job: z.string().min(1),
  /** For the worker and the log; there need be no such pipeline. */
  pipeline: z.string().min(1),
  driver: z.string().default('unknown'),
  queue: z.string().default(''),
  payload: z.custom<string | Buffer>((value) => typeof value === 'string' || Buffer.isBuffer(value)),
  headers: z.unknown().optional(),
  attempt: z.int().min(1).default(1),
  /** Milliseconds. */
  timeout: z.number().min(1).optional(),
});

/** The job, and what its run is told. */
export function jobOfRun(run: z.output<typeof runSchema>, now: number): { job: Job; place: RunPlace } {
  const { id, job: name, pipeline, driver, queue, payload, headers, attempt, timeout } = run;
  return {
    job: {
      id,
      name,
      payload: Buffer.from(payload as string),
      headers: readHeaders(headers) ?? {},
      priority: 0,
      attempt,
      pushedAt: now,
      options: {},
    },
    place: { pipeline, driver, queue, maxAttempts: attempt, timeoutMs: timeout },
  };
}
