// RoadRunner's methods of the RPC service jobs, for its PHP package.

import {
  DeclareRequestSchema,
  EmptySchema,
  PipelinesSchema,
  type Job as ProtoJob,
  PushBatchRequestSchema,
  PushRequestSchema,
  StatsSchema,
} from '../../protocol/rpc/generated/jobs_pb.ts';
import { CallError, type ProtoMethod, protoMethod } from '../rpc-router/method.ts';
import { parsePipeline } from './config.ts';
import { declaredSection } from './declared.ts';
import type { NewJob } from './driver.ts';
import type { JobHeaders } from './job.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pipelines } from './pipelines.ts';
import { asCallError } from './refusal.ts';

const MS_PER_SECOND = 1000;
const LONGEST_DELAY_SECONDS = 10 * 366 * 86_400;

/** The methods by name. Texts of errors are RoadRunner's where its package, or an application, may look at them. */
export function roadRunnerMethods(pipelines: Pipelines, now: () => number): Record<string, ProtoMethod> {
  const overNames = (work: (pipeline: Pipeline) => void): ProtoMethod =>
    protoMethod(PipelinesSchema, EmptySchema, ({ pipelines: names }) =>
      asCallError(async () => {
        // All are looked up before anything is done: a wrong name leaves nothing half done.
        names.map((name) => pipelines.get(name)).forEach(work);
        return {};
      }),
    );
  return {
    Push: protoMethod(PushRequestSchema, EmptySchema, ({ job }) =>
      asCallError(async () => {
        if (job === undefined) throw new CallError('job is required', 'ERR_JOBS_INVALID');
        const pipeline = pipelines.get(job.options?.pipeline ?? '');
        await pipeline.push([newJob(job, pipeline, now())]);
        return {};
      }),
    ),
    PushBatch: protoMethod(PushBatchRequestSchema, EmptySchema, ({ jobs }) =>
      asCallError(async () => {
        const batches = new Map<Pipeline, NewJob[]>();
        for (const job of jobs) {
          const pipeline = pipelines.get(job.options?.pipeline ?? '');
          const batch = batches.get(pipeline) ?? [];
          batch.push(newJob(job, pipeline, now()));
          batches.set(pipeline, batch);
        }
        for (const [pipeline, batch] of batches) await pipeline.push(batch);
        return {};
      }),
    ),
    Pause: overNames((pipeline) => pipeline.pause()),
    Resume: overNames((pipeline) => pipeline.resume()),
    List: protoMethod(EmptySchema, PipelinesSchema, () => ({ pipelines: pipelines.all.map((one) => one.pipeline) })),
    Declare: protoMethod(DeclareRequestSchema, EmptySchema, ({ pipeline }) =>
      asCallError(async () => {
        const { name, section } = declaredSection(pipeline);
        const config = parsePipeline(section);
        if (typeof config === 'string') throw new CallError(`pipeline ${name}: ${config}`, 'ERR_JOBS_INVALID');
        refuseDeadLetter(name, config.deadLetter, pipelines);
        await pipelines.add(name, config, true);
        return {};
      }),
    ),
    Destroy: protoMethod(PipelinesSchema, PipelinesSchema, ({ pipelines: names }) =>
      asCallError(async () => {
        for (const name of names) pipelines.get(name);
        for (const name of names) await pipelines.destroy(name);
        return { pipelines: names };
      }),
    ),
    Stat: protoMethod(EmptySchema, StatsSchema, () =>
      asCallError(async () => ({ stats: await Promise.all(pipelines.all.map(statOf)) })),
    ),
  };
}

/** As for a pipeline of the file: a job that fails for good must have somewhere to go, and not to where it fails again. */
function refuseDeadLetter(name: string, to: string | undefined, pipelines: Pipelines): void {
  if (to === undefined || (to !== name && pipelines.find(to) !== undefined)) return;
  const fault = to === name ? 'is the pipeline itself' : `there is no pipeline ${to}`;
  throw new CallError(`pipeline ${name}: dead_letter: ${fault}`, 'ERR_JOBS_INVALID');
}

function newJob(job: ProtoJob, pipeline: Pipeline, now: number): NewJob {
  if (job.id === '') throw new CallError('empty ID field not allowed', 'ERR_JOBS_INVALID');
  if (job.job === '') throw new CallError('the job has no name', 'ERR_JOBS_INVALID');
  const { payload, options } = job;
  const delay = Number(options?.delay ?? 0);
  if (delay < 0 || delay > LONGEST_DELAY_SECONDS)
    throw new CallError(`a delay of ${delay} s is none`, 'ERR_JOBS_INVALID');
  const priority = Number(options?.priority ?? 0);
  return {
    delayMs: delay * MS_PER_SECOND,
    job: {
      id: job.id,
      name: job.job,
      payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      headers: headersOf(job),
      priority: priority > 0 ? priority : pipeline.priority,
      attempt: 1,
      pushedAt: now,
      options: options?.autoAck === true ? { autoAck: true } : {},
    },
  };
}

function headersOf({ headers }: ProtoJob): JobHeaders {
  const lists: Record<string, readonly string[]> = Object.create(null);
  for (const [name, { value }] of Object.entries(headers)) lists[name] = value;
  return lists;
}

async function statOf(pipeline: Pipeline) {
  const { waiting, delayed, reserved } = await pipeline.stats();
  return {
    pipeline: pipeline.pipeline,
    driver: pipeline.driver,
    queue: pipeline.queue,
    active: BigInt(waiting),
    delayed: BigInt(delayed),
    reserved: BigInt(reserved),
    ready: pipeline.consuming,
    priority: BigInt(pipeline.priority),
  };
}
