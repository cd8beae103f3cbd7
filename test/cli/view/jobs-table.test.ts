// What the tables of queues and of running jobs show.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobsView, PipelineView, RunningJob } from '../../../src/cli/client/jobs-report.ts';
import { renderJobs } from '../../../src/cli/view/jobs-table.ts';

const PIPELINE: PipelineView = {
  pipeline: 'emails',
  driver: 'local',
  state: 'running',
  waiting: 12_000,
  delayed: 3,
  running: 2,
  done: 481_516,
  failed: 9,
  dead: 1,
};
const JOB: RunningJob = {
  id: '5f1c0e4a-7f6f-4d8c-9a53-2a9cbb4ad2ee',
  job: 'App\\Job\\Import',
  pipeline: 'emails',
  attempt: 2,
  seconds: 72.4,
  pid: 4711,
  percent: 42,
  message: 'row 420 of 1000',
};
const WIDE = { columns: 160, rows: undefined };

const render = (view: Partial<JobsView>, screen = WIDE): string[] =>
  renderJobs({ status: undefined, pipelines: [PIPELINE], running: [JOB], ...view }, screen).split('\n');

test('a queue and a job that says how far it is', () => {
  assert.deepEqual(render({}), [
    ' PIPELINE  DRIVER  STATE    WAITING  DELAYED  RUNNING    DONE  FAILED  DEAD',
    ' emails    local   running    12000        3        2  481516       9     1',
    '',
    ' ID                                    JOB             PIPELINE  ATTEMPT       FOR   PID  PROGRESS',
    ' 5f1c0e4a-7f6f-4d8c-9a53-2a9cbb4ad2ee  App\\Job\\Import  emails          2  1 m 12 s  4711  [####......]  42 % row 420 of 1000',
  ]);
});

test('a queue that is away shows no numbers of what it holds', () => {
  const lines = render({ pipelines: [{ ...PIPELINE, state: 'down', waiting: 0, delayed: 0 }], running: [] });
  assert.match(lines[1] ?? '', /^ emails +local +down +- +- +2 +481516 +9 +1$/);
});

test('a job that says nothing, one that waits for its worker, one that is done', () => {
  const { percent: _percent, message: _message, ...silent } = JOB;
  const lines = render({ running: [silent, { ...silent, pid: 0 }, { ...silent, percent: 100 }] }).slice(4);
  assert.ok(lines[0]?.endsWith('  4711'), lines[0]);
  assert.ok(lines[1]?.endsWith('     -  waits for a worker'), lines[1]);
  assert.ok(lines[2]?.endsWith('  4711  [##########] 100 %'), lines[2]);
});

test('names of clients cannot command a terminal; a long message is cut', () => {
  const [line = ''] = render({ running: [{ ...JOB, job: '\u001b[2J\nx', message: 'y'.repeat(500) }] }).slice(4);
  assert.match(line, / \?\[2J\?x +emails /);
  assert.ok(line.length < 170, String(line.length));
});

test('no more lines than the terminal has', () => {
  const running = Array.from({ length: 50 }, () => JOB);
  const lines = render({ running }, { columns: 160, rows: 20 } as never);
  assert.equal(lines.at(-1), '... and 39 more jobs');
  assert.ok(lines.length <= 20, String(lines.length));
});

test('nothing there', () => {
  assert.deepEqual(render({ pipelines: [], running: [] }), ['no pipelines', '', 'no job runs']);
});
