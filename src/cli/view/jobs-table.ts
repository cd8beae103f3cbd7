// The queues of a server as text: a table of its pipelines, and one of the jobs that run.

import type { JobsView, PipelineView, RunningJob } from '../client/jobs-report.ts';
import { count, formatSpan, printable } from './format.ts';
import { type Column, plainTable } from './plain-table.ts';
import { type Screen, serverTitle } from './workers-table.ts';

const LONGEST_NAME = 40;
/** A UUID. */
const LONGEST_ID = 36;
const BAR_WIDTH = 10;
/** Characters of a running job beside its name and its message. */
const OTHER_COLUMNS = 110;
const NARROWEST_MESSAGE = 20;
/** Lines beside the rows: the title, two headings, what stands between them, and a line that says how many are left out. */
const OTHER_LINES = 8;

const PIPELINES: readonly Column[] = [
  ['PIPELINE', 'left'],
  ['DRIVER', 'left'],
  ['STATE', 'left'],
  ['WAITING', 'right'],
  ['DELAYED', 'right'],
  ['RUNNING', 'right'],
  ['DONE', 'right'],
  ['FAILED', 'right'],
  ['DEAD', 'right'],
];

const RUNNING: readonly Column[] = [
  ['ID', 'left'],
  ['JOB', 'left'],
  ['PIPELINE', 'left'],
  ['ATTEMPT', 'right'],
  ['FOR', 'right'],
  ['PID', 'right'],
  ['PROGRESS', 'left'],
];

/** The whole text, without a line end. */
export function renderJobs({ status, pipelines, running }: JobsView, screen: Screen): string {
  const parts = status === undefined ? [] : [serverTitle(status)];
  parts.push(pipelines.length === 0 ? 'no pipelines' : plainTable(PIPELINES, pipelines.map(pipelineCells)));
  parts.push(running.length === 0 ? 'no job runs' : renderRunning(running, screen, pipelines.length));
  return parts.join('\n\n');
}

function pipelineCells(one: PipelineView): string[] {
  // A store that is away cannot tell what it holds: a 0 would say that all is done.
  const held = one.state === 'down' ? ['-', '-'] : [one.waiting, one.delayed];
  const numbers = [...held, one.running, one.done, one.failed, one.dead];
  return [printable(one.pipeline, LONGEST_NAME), one.driver, one.state, ...numbers.map(String)];
}

function renderRunning(running: readonly RunningJob[], { columns, rows }: Screen, pipelines: number): string {
  const limit = rows === undefined ? running.length : Math.max(1, rows - OTHER_LINES - pipelines);
  const width = Math.max(NARROWEST_MESSAGE, columns - OTHER_COLUMNS);
  const shown = running.slice(0, limit);
  const lines = [
    plainTable(
      RUNNING,
      shown.map((job) => runningCells(job, width)),
    ),
  ];
  if (shown.length < running.length) lines.push(`... and ${count(running.length - shown.length, 'more job')}`);
  return lines.join('\n');
}

function runningCells(job: RunningJob, width: number): string[] {
  return [
    printable(job.id, LONGEST_ID),
    printable(job.job, LONGEST_NAME),
    printable(job.pipeline, LONGEST_NAME),
    String(job.attempt),
    formatSpan(job.seconds * 1000),
    job.pid === 0 ? '-' : String(job.pid),
    progress(job, width),
  ];
}

function progress({ pid, percent, message = '' }: RunningJob, width: number): string {
  if (percent === undefined) return pid === 0 ? 'waits for a worker' : '';
  const full = Math.round((percent / 100) * BAR_WIDTH);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${String(Math.round(percent)).padStart(3)} %`;
  return message === '' ? bar : `${bar} ${printable(message, width)}`;
}
