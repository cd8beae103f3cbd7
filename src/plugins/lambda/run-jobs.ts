// Runs the records of an event as jobs, and says which of them failed.

import { isRrtsError, messageOf, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { JobEvent, RecordJob } from './events/job-events.ts';

/** What jobs.Run takes. */
export interface RunCall {
  readonly id: string;
  readonly job: string;
  readonly pipeline: string;
  readonly payload: Buffer;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Milliseconds. */
  readonly timeout: number;
}

/** What the jobs need. */
export interface JobsContext {
  /** Calls jobs.Run. */
  readonly run: (call: RunCall) => Promise<unknown>;
  readonly logger: Logger;
  /** Milliseconds that are left for jobs. */
  readonly left: () => number;
  /** Jobs at the same time. */
  readonly atOnce: number;
  readonly partialFailures: boolean;
}

/** Pipeline that the jobs are told they come from. */
const PIPELINE = 'lambda';

/**
 * Runs all jobs of an event. @returns the answer as JSON.
 * @throws RrtsError ERR_LAMBDA_JOB when the event, or with partial failures all of it, has failed; ERR_LAMBDA_EVENT when there is nothing to run jobs.
 */
export async function runJobs(event: JobEvent, context: JobsContext): Promise<string> {
  const waiting = [...event.lanes];
  const failed: Failed[] = [];
  const work = async (): Promise<void> => {
    for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift()) {
      failed.push(...(await runLane(lane, context)));
    }
  };
  const total = event.lanes.reduce((sum, lane) => sum + lane.length, 0);
  await Promise.all(Array.from({ length: Math.max(1, Math.min(context.atOnce, event.lanes.length)) }, work));
  return answerOf(event, { total, failed }, context);
}

interface Failed {
  readonly job: RecordJob;
  readonly reason: string;
}

/** A job that fails takes those behind it in its lane with it. */
async function runLane(lane: readonly RecordJob[], context: JobsContext): Promise<readonly Failed[]> {
  for (const [index, job] of lane.entries()) {
    const reason = await runOne(job, context);
    if (reason === undefined) continue;
    context.logger.error({ job: job.name, id: job.id }, `the job ${job.name} failed: ${reason}`);
    const behind = lane.slice(index + 1).map((other) => ({ job: other, reason: `${job.id} before it failed` }));
    return [{ job, reason }, ...behind];
  }
  return [];
}

/** Why it failed; undefined when it is done. */
async function runOne({ id, name, payload, headers }: RecordJob, context: JobsContext): Promise<string | undefined> {
  const timeout = context.left();
  if (timeout <= 0) return 'it was not begun before the deadline of the function';
  try {
    const result = await context.run({ id, job: name, pipeline: PIPELINE, payload, headers, timeout });
    const { result: outcome, message } = result as { result?: string; message?: string };
    if (outcome === 'done') return undefined;
    return message || (outcome === 'requeue' ? 'it wants to be run again' : 'it gave no reason');
  } catch (thrown) {
    if (codeOf(thrown) === 'ERR_RPC_METHOD') throw nothingRunsJobs(name);
    return messageOf(thrown);
  }
}

function answerOf(
  event: JobEvent,
  { total, failed }: { total: number; failed: readonly Failed[] },
  context: JobsContext,
): string {
  const [first] = failed;
  const reports = event.failures !== 'whole' && context.partialFailures;
  if (first === undefined) return reports ? JSON.stringify({ batchItemFailures: [] }) : 'null';
  // A failure of all is told as such: that is right with and without ReportBatchItemFailures.
  if (!reports || failed.length === total) throw jobFailed(first, failed.length, total);
  const told = event.failures === 'first' ? [first] : failed;
  context.logger.warn(
    { failed: failed.length, total },
    `${failed.length} of ${total} records failed; they come again if the event source mapping has ReportBatchItemFailures`,
  );
  return JSON.stringify({ batchItemFailures: told.map(({ job }) => ({ itemIdentifier: job.id })) });
}

function jobFailed({ job, reason }: Failed, failed: number, total: number): RrtsError {
  const count = total === 1 ? '' : ` (${failed} of ${total} failed)`;
  return new RrtsError('ERR_LAMBDA_JOB', `the job ${job.name} failed: ${reason}${count}`);
}

function nothingRunsJobs(name: string): RrtsError {
  return new RrtsError(
    'ERR_LAMBDA_EVENT',
    `the event is no HTTP request, and there is no jobs: section to run it as the job ${name}`,
    {
      cure: 'Add jobs: to the configuration, or send only HTTP events to this function.',
    },
  );
}

function codeOf(thrown: unknown): string {
  if (isRrtsError(thrown)) return thrown.code;
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
