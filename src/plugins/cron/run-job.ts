// Pushes a job. A push that fails because the queue is away or full is tried again: an occurrence is not lost with a broker's restart.

import { type ErrorCode, messageOf } from '../../core/errors.ts';
import type { JobConfig } from './config.ts';
import { type Action, DONE, ELSEWHERE, failed, occurrenceFacts, type RunContext } from './run.ts';
import type { CallRpc } from './shared-lock.ts';
import { sleep } from './sleep.ts';

/** What another attempt may mend. */
const PASSING: ReadonlySet<string> = new Set<ErrorCode>(['ERR_JOBS_STORE', 'ERR_JOBS_FULL', 'ERR_RPC_TIMEOUT']);

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;

/** An action that pushes a job. @param overlap - false: no second job of this entry while one waits or runs. */
export function jobAction(job: JobConfig, overlap: boolean, call: CallRpc): Action {
  return async (run) => {
    const end = run.timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + run.timeoutMs;
    const argument = { pipeline: job.pipeline, jobs: [newJob(job, overlap, run)] };
    let last = false;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const fault = pause === FIRST_PAUSE_MS ? await push(call, argument) : await pushAgain(call, argument, run);
      if (fault === undefined) return ELSEWHERE;
      if (typeof fault === 'boolean') {
        return fault ? DONE : { result: 'skipped', message: 'the job of an earlier run waits or runs still' };
      }
      const left = end - performance.now();
      if (!fault.passing || last || left <= 0 || run.stopping.aborted) return failed(fault.message);
      // A timer may fire a little early: by the clock alone there would be several last ones.
      last = pause >= left;
      if (pause === FIRST_PAUSE_MS) run.logger.warn({}, `cron ${run.name}: the push is tried again: ${fault.message}`);
      await sleep(Math.min(pause, left), run.stopping);
    }
  };
}

interface Fault {
  readonly passing: boolean;
  readonly message: string;
}

/** True when it was stored, false when there is one with its unique key. */
async function push(call: CallRpc, argument: object): Promise<boolean | Fault> {
  try {
    const { ids } = (await call('jobs.Send', argument)) as { readonly ids: readonly (string | null)[] };
    return ids[0] !== null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { passing: PASSING.has(code), message: messageOf(error) };
  }
}

/** Undefined when another server has taken the occurrence over while this one could not push. */
async function pushAgain(call: CallRpc, argument: object, run: RunContext): Promise<boolean | Fault | undefined> {
  try {
    if (!(await run.isOurs())) return undefined;
  } catch (error) {
    return { passing: true, message: messageOf(error) };
  }
  return push(call, argument);
}

function newJob(job: JobConfig, overlap: boolean, run: RunContext): Record<string, unknown> {
  const [name, time] = occurrenceFacts(run);
  const wish = {
    job: job.name,
    payload: job.payload,
    headers: { ...job.headers, 'rrts-cron': name, 'rrts-cron-time': time },
    delay: job.delay,
    priority: job.priority,
    timeout: job.timeout,
    max_attempts: job.maxAttempts,
    unique: job.unique ?? (overlap ? undefined : `cron:${name}`),
  };
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
}
