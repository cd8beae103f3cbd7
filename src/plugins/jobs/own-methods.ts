// Our own methods of the RPC service jobs: pushes with everything, progress, an overview, dead letters back, runs without a queue.

import { z } from 'zod';
import { type CallContext, CallError, type PlainMethod } from '../rpc-router/method.ts';
import { jobOfRun, runSchema } from './direct-run.ts';
import type { JobRun } from './job-run.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pipelines } from './pipelines.ts';
import { asCallError } from './refusal.ts';
import { retryDead } from './retry-dead.ts';
import type { Runner } from './runner.ts';
import { send } from './send.ts';

/** What the methods work with. */
export interface OwnMethodsContext {
  readonly pipelines: Pipelines;
  /** The runner of the default pool; undefined until its workers have booted. */
  readonly runner: () => Runner | undefined;
  readonly now: () => number;
}

const progressSchema = z.object({
  id: z.string(),
  pipeline: z.string(),
  percent: z.number(),
  message: z.string().max(1000).default(''),
});

const retrySchema = z.object({ pipeline: z.string(), limit: z.int().min(1).max(100_000).default(1000) });

/** The methods by name: docs/jobs.md. */
export function ownMethods(context: OwnMethodsContext): Record<string, PlainMethod> {
  const { pipelines, now } = context;
  return {
    Send: (argument) => asCallError(() => send(pipelines, argument, now())),
    Progress: (argument) => {
      const { id, pipeline, percent, message } = parse(progressSchema, argument);
      const run = pipelines.find(pipeline)?.runs.find((one) => one.id === id);
      if (run === undefined) return false;
      run.progress = { percent: Math.min(100, Math.max(0, percent)), message };
      return true;
    },
    Overview: () => asCallError(() => overview(pipelines.all)),
    Retry: (argument, call) => {
      const { pipeline, limit } = parse(retrySchema, argument);
      return asCallError(async () => ({ count: await retryDead(pipelines, pipeline, limit, call.signal) }));
    },
    Run: (argument, call) => runDirectly(context, argument, call),
  };
}

async function runDirectly(context: OwnMethodsContext, argument: unknown, call: CallContext): Promise<unknown> {
  if (call.caller.inside !== true) throw new CallError(`${call.method} is for parts of rrts only`, 'ERR_RPC_METHOD');
  const runner = context.runner();
  if (runner === undefined) throw new CallError('no worker has booted yet', 'ERR_JOBS_INVALID');
  const { place, job } = jobOfRun(parse(runSchema, argument), context.now());
  const result = await runner.run(job, place, call.signal);
  if (result.kind === 'not_run') return { result: 'not_run', message: result.error.message };
  return { result: result.kind, message: result.kind === 'done' ? '' : result.message };
}

async function overview(all: readonly Pipeline[]): Promise<object> {
  const listed = await Promise.all(all.map(describe));
  return { pipelines: listed, running: all.flatMap(({ runs }) => runs.map(describeRun)) };
}

async function describe(pipeline: Pipeline): Promise<object> {
  const { pipeline: name, driverName, counts, config } = pipeline;
  const about = { pipeline: name, driver: driverName, dead_letter: config.deadLetter ?? '' };
  const { done, failed, requeued, dead, pushed } = counts;
  const counted = { pushed, done, failed, requeued, dead };
  try {
    const { waiting, delayed, reserved } = await pipeline.stats();
    const state = pipeline.consuming ? 'running' : 'paused';
    return { ...about, state, waiting, delayed, running: reserved, ...counted };
  } catch {
    // The log says why; a broker that is away is no reason to tell nothing of the others.
    return { ...about, state: 'down', waiting: 0, delayed: 0, running: pipeline.runs.length, ...counted };
  }
}

function describeRun(run: JobRun): object {
  const { job, pipeline, progress, worker, startedAt, queuedAt } = run;
  return {
    id: job.id,
    job: job.name,
    pipeline,
    attempt: job.attempt,
    seconds: Math.max(0, performance.now() - (worker === undefined ? queuedAt : startedAt)) / 1000,
    pid: worker?.pid ?? 0,
    ...(progress === undefined ? {} : { percent: progress.percent, message: progress.message }),
  };
}

function parse<T>(schema: z.ZodType<T>, argument: unknown): T {
  const result = schema.safeParse(argument);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new CallError(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, 'ERR_RPC_ARGUMENT');
}
