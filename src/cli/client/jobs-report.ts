// What rrts jobs shows of a server, and the calls of its RPC service jobs.

import { RrtsError } from '../../core/errors.ts';
import type { ServerStatus } from '../../server/control/report.ts';
import { callSection } from './call-section.ts';
import type { ReachedServer } from './reach-server.ts';
import { QUICK_MS } from './server-report.ts';

/** A queue, with what has happened in it since the start of the server. */
export interface PipelineView {
  readonly pipeline: string;
  readonly driver: string;
  readonly state: 'running' | 'paused' | 'down';
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly dead: number;
}

/** A job that a worker has. */
export interface RunningJob {
  readonly id: string;
  readonly job: string;
  readonly pipeline: string;
  readonly attempt: number;
  readonly seconds: number;
  /** 0 while it waits for its worker. */
  readonly pid: number;
  /** What it says of itself, 0 to 100. */
  readonly percent?: number;
  readonly message?: string;
}

/** What is shown. `status` is absent over rpc.listen. */
export interface JobsView {
  readonly status: ServerStatus | undefined;
  readonly pipelines: readonly PipelineView[];
  readonly running: readonly RunningJob[];
}

/** Asks for all pipelines, or for the named ones. @throws RrtsError ERR_CONTROL_CALL when there is none of a name, or no jobs section. */
export async function askJobs(server: ReachedServer, names: readonly string[]): Promise<JobsView> {
  const overview = callJobs<Omit<JobsView, 'status'>>(server, 'Overview', null, QUICK_MS);
  const [status, { pipelines, running }] = await Promise.all([askStatus(server), overview]);
  refuseUnknown(
    names,
    pipelines.map(({ pipeline }) => pipeline),
  );
  const wanted = ({ pipeline }: { readonly pipeline: string }): boolean =>
    names.length === 0 || names.includes(pipeline);
  return { status, pipelines: pipelines.filter(wanted), running: running.filter(wanted) };
}

/** One call of the service. @throws RrtsError ERR_CONTROL_CALL, ERR_CONTROL_TIMEOUT. */
export function callJobs<T>(server: ReachedServer, method: string, argument: unknown, timeoutMs: number): Promise<T> {
  return callSection<T>(server, { method: `jobs.${method}`, argument, timeoutMs });
}

async function askStatus({ client, via }: ReachedServer): Promise<ServerStatus | undefined> {
  return via === 'control' ? await client.call<ServerStatus>('control.Status', null, QUICK_MS) : undefined;
}

function refuseUnknown(names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const there =
    known.length === 0 ? 'the server has none' : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  throw new RrtsError('ERR_CONTROL_CALL', `no pipeline is called ${unknown}; ${there}`);
}
