// rrts jobs: shows queues and what runs, pauses and resumes them, takes dead letters back, pushes a job.

import { isUtf8 } from 'node:buffer';
import { RrtsError } from '../../core/errors.ts';
import { parseDuration } from '../../core/scalars.ts';
import { askJobs, callJobs } from '../client/jobs-report.ts';
import { type ReachedServer, reachServer } from '../client/reach-server.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { count } from '../view/format.ts';
import { renderJobs } from '../view/jobs-table.ts';
import { watch } from '../view/live-view.ts';

/** Longest wait for a change: a broker may be slow, and a thousand dead letters take a while. */
const CHANGE_MS = 10 * 60_000;
/** Where stdout is no terminal and does not tell. */
const DEFAULT_COLUMNS = 120;

/** Options of `rrts jobs`. */
export interface JobsOptions {
  readonly interactive?: boolean;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly destroy?: boolean;
  readonly retry?: boolean;
  readonly push?: boolean;
  /** Of `retry`. */
  readonly limit?: number;
  /** Of `push`, as the three below. */
  readonly name?: string;
  /** `-`: what stands on stdin. */
  readonly payload?: string;
  readonly delay?: string;
}

type Change = (server: ReachedServer, names: readonly string[], options: JobsOptions) => Promise<string>;

/** What can be done to pipelines; each gives the line that is printed. */
const CHANGES = {
  pause: async (server, names) => {
    await callJobs(server, 'Pause', { pipelines: names }, CHANGE_MS);
    return `paused: ${names.join(', ')}`;
  },
  resume: async (server, names) => {
    await callJobs(server, 'Resume', { pipelines: names }, CHANGE_MS);
    return `resumed: ${names.join(', ')}`;
  },
  destroy: async (server, names) => {
    await callJobs(server, 'Destroy', { pipelines: names }, CHANGE_MS);
    return `destroyed, with all their jobs: ${names.join(', ')}`;
  },
  retry: async (server, names, { limit }) => {
    const lines: string[] = [];
    for (const pipeline of names) {
      const { count: taken } = await callJobs<{ count: number }>(server, 'Retry', { pipeline, limit }, CHANGE_MS);
      lines.push(`${pipeline}: ${count(taken, 'job')} went back to where ${taken === 1 ? 'it' : 'they'} failed`);
    }
    return lines.join('\n');
  },
  push: async (server, names, options) => {
    const { name: job, payload = '', delay = '0' } = options;
    const sent = { job, payload: payload === '-' ? await readStdin() : payload, delay: milliseconds(delay) };
    const lines: string[] = [];
    for (const pipeline of names) {
      const { ids } = await callJobs<{ ids: string[] }>(server, 'Send', { pipeline, jobs: [sent] }, CHANGE_MS);
      lines.push(`${pipeline}: pushed ${ids[0] ?? ''}`);
    }
    return lines.join('\n');
  },
} satisfies Record<string, Change>;

type ChangeName = keyof typeof CHANGES;

/** Options that only one of the changes reads. */
const READ_BY = { limit: 'retry', name: 'push', payload: 'push', delay: 'push' } as const satisfies Partial<
  Record<keyof JobsOptions, ChangeName>
>;

/** What the command line leaves to be asked; undefined when it makes sense. */
function faultOf(names: readonly string[], options: JobsOptions, wanted: readonly ChangeName[]): string | undefined {
  if (wanted.length > 1) return `--${wanted.join(' and --')} cannot be used together`;
  const [one] = wanted;
  if (one !== undefined && names.length === 0) return `--${one} needs the name of a pipeline`;
  const [stray, reader] = Object.entries(READ_BY).find(
    ([option, change]) => options[option as keyof JobsOptions] !== undefined && change !== one,
  ) ?? ['', ''];
  if (stray !== '') return `--${stray} is for --${reader} only`;
  if (one === 'push' && (options.name ?? '') === '') return '--push needs --name, the name of the job';
  const fault = options.delay === undefined ? undefined : parseDuration(options.delay);
  return typeof fault === 'string' ? `--delay ${fault}` : undefined;
}

/**
 * Shows the queues, all or the named ones, or does to the named ones what an option says.
 * @param refuse - told of a command line that makes no sense; ends the command.
 */
export async function jobs(
  options: GlobalOptions,
  names: readonly string[],
  own: JobsOptions,
  refuse: (message: string) => never,
): Promise<number> {
  const wanted = (Object.keys(CHANGES) as ChangeName[]).filter((one) => own[one] === true);
  const fault = faultOf(names, own, wanted);
  if (fault !== undefined) refuse(fault);
  const server = await reachServer(options);
  try {
    const [change] = wanted;
    if (change === undefined) await show(server, names, own);
    else print(await CHANGES[change](server, names, own), options);
    return EXIT.ok;
  } finally {
    server.client.close();
  }
}

async function show(
  server: ReachedServer,
  names: readonly string[],
  { interactive, json, list }: JobsOptions,
): Promise<void> {
  const ask = () => askJobs(server, names);
  const screen = { columns: process.stdout.columns ?? DEFAULT_COLUMNS, rows: undefined };
  if (json === true) console.log(JSON.stringify(await ask(), null, 2));
  else if (list === true) console.log((await ask()).pipelines.map(({ pipeline }) => pipeline).join('\n'));
  else if (interactive === true) await watch(ask, renderJobs);
  else console.log(renderJobs(await ask(), screen));
}

function print(text: string, { silent }: GlobalOptions): void {
  if (silent !== true) console.log(text);
}

function milliseconds(delay: string): number {
  const ms = parseDuration(delay);
  return typeof ms === 'number' ? ms : 0;
}

/** All that stands on stdin until its end. A pipe may have nothing yet when this begins. @throws RrtsError ERR_JOBS_INVALID for what is no text: the client speaks JSON. */
async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  if (isUtf8(bytes)) return bytes.toString();
  throw new RrtsError('ERR_JOBS_INVALID', 'the payload on stdin is no UTF-8 text', {
    cure: 'Push bytes from PHP: Rrts\\Jobs\\Queue takes any.',
  });
}
