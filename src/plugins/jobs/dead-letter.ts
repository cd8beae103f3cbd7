// What a job that failed for the last time becomes, and how it comes back.

import type { Job, JobHeaders } from './job.ts';

/** Headers of a dead letter. */
export const DEAD_HEADERS = {
  pipeline: 'rrts-failed-pipeline',
  error: 'rrts-failed-error',
  attempts: 'rrts-failed-attempts',
  at: 'rrts-failed-at',
  unique: 'rrts-failed-unique',
} as const;

/** Longest error that is kept. */
export const LONGEST_ERROR = 2000;

/** The job as it goes to the dead-letter pipeline: with why it is there, and at its first attempt again. Its unique key is kept as a header: there may be others. */
export function deadLetter(job: Job, pipeline: string, error: string, now: number): Job {
  const { unique, ended: _, ...options } = job.options;
  const headers: JobHeaders = {
    ...job.headers,
    [DEAD_HEADERS.pipeline]: [pipeline],
    [DEAD_HEADERS.error]: [error.slice(0, LONGEST_ERROR)],
    [DEAD_HEADERS.attempts]: [String(job.attempt)],
    [DEAD_HEADERS.at]: [new Date(now).toISOString()],
    ...(unique === undefined ? {} : { [DEAD_HEADERS.unique]: [unique] }),
  };
  return { ...job, headers, attempt: 1, options };
}

/** A dead letter as the job that it was, its pipeline, and when it failed (milliseconds since 1970; NaN when it does not say); undefined for what is no dead letter. */
export function revived(
  job: Job,
): { readonly pipeline: string; readonly failedAt: number; readonly job: Job } | undefined {
  const pipeline = job.headers[DEAD_HEADERS.pipeline]?.[0];
  if (pipeline === undefined) return undefined;
  const unique = job.headers[DEAD_HEADERS.unique]?.[0];
  const own = new Set<string>(Object.values(DEAD_HEADERS));
  const headers = Object.fromEntries(Object.entries(job.headers).filter(([name]) => !own.has(name)));
  return {
    pipeline,
    failedAt: Date.parse(job.headers[DEAD_HEADERS.at]?.[0] ?? ''),
    job: { ...job, headers, attempt: 1, options: unique === undefined ? job.options : { ...job.options, unique } },
  };
}
