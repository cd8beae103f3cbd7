// What the table of workers shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PoolView, ServerView } from '../../../src/cli/client/server-report.ts';
import { formatBytes, formatSpan, printable } from '../../../src/cli/view/format.ts';
import { renderServer } from '../../../src/cli/view/workers-table.ts';
import type { WorkerReport } from '../../../src/server/control/report.ts';

const NOW = 1_800_000_000_000;
const WORKER: WorkerReport = {
  pid: 101,
  state: 'ready',
  requests: 12,
  held: 0,
  startedAt: NOW - 65_000,
  codec: 'native',
  phpVersion: '8.2.0',
  busyMs: 0,
  memoryBytes: 24 * 1024 ** 2,
  cpuPercent: 3.4,
  activity: null,
  leaving: null,
};
const POOL: PoolView = {
  name: 'http',
  command: 'php worker.php',
  target: 2,
  queueLength: 3,
  bootFailures: 0,
  exits: {},
  recentExits: [],
  workers: [
    WORKER,
    { ...WORKER, pid: 102, state: 'working', activity: 'GET /slow', busyMs: 1234, held: 2, leaving: 'ttl' },
  ],
};
const STATUS = {
  pid: 7,
  version: '0.1.0',
  phase: 'ready',
  config: '/app.yaml',
  startedAt: NOW - 3_700_000,
  now: NOW,
} as const;
const WIDE = { columns: 140, rows: undefined };

const render = (view: ServerView, screen = WIDE): string => renderServer(view, screen, NOW);

test('a pool with a busy worker', () => {
  assert.deepEqual(render({ status: STATUS, pools: [POOL] }).split('\n'), [
    'rrts 0.1.0, pid 7, ready, up 1 h 1 m, /app.yaml',
    '',
    'http: 2 workers, 1 ready, 1 working, 3 waiting',
    ' PID  STATE            REQUESTS   MEMORY  CPU      AGE    FOR  RUNS',
    ' 101  ready                  12  24.0 MB  3 %  1 m 5 s',
    ' 102  working, leaves        12  24.0 MB  3 %  1 m 5 s  1.2 s  GET /slow (+2)',
  ]);
});

test('why workers ended, the most frequent reason first; what is wanted; failed boots', () => {
  const exits = { ttl: 1, max_jobs: 12, died: 2 };
  const recentExits = [1, 2, 3, 4].map((pid) => ({ pid, reason: 'max_jobs' as const, at: NOW - (10 - pid) * 1000 }));
  const text = render({ status: STATUS, pools: [{ ...POOL, exits, recentExits, target: 4, bootFailures: 2 }] });
  assert.match(text, /\nhttp: 2 workers, 4 wanted, 1 ready, 1 working, 3 waiting, 2 boots in a row failed\n/);
  assert.match(
    text,
    /\nended: max_jobs 12, died 2, ttl 1\nlast: {2}4 max_jobs 6\.0 s ago, 3 max_jobs 7\.0 s ago, 2 max_jobs 8/,
  );
});

test('over rpc.listen: what is not told is left out', () => {
  const text = render({ status: undefined, pools: [{ ...POOL, queueLength: null }] });
  assert.match(text, /^http: 2 workers, 1 ready, 1 working\n/);
});

test('it fits a small screen', () => {
  const workers = Array.from({ length: 100 }, (_, index) => ({
    ...WORKER,
    pid: 1000 + index,
    activity: `GET /${'x'.repeat(500)}`,
  }));
  const lines = render({ status: STATUS, pools: [{ ...POOL, workers }] }, { columns: 80, rows: 20 } as never).split(
    '\n',
  );
  assert.ok(lines.length <= 20, String(lines.length));
  assert.ok(lines.includes('... and 89 more'), lines.join('\n'));
});

test('no pools yet, and none at all', () => {
  assert.match(render({ status: { ...STATUS, phase: 'starting' }, pools: [] }), /starting.*\n\nno workers yet$/s);
  assert.match(render({ status: STATUS, pools: [] }), /no pools$/);
});

test('what a client sends cannot command the terminal', () => {
  assert.equal(printable('GET /\u001b[2J\u0007\u009b', 20), 'GET /?[2J??');
  assert.equal(printable('GET /0123456789', 10), 'GET /01...');
});

test('sizes and spans', () => {
  assert.deepEqual([null, 2048, 1024 ** 2 * 1.5, 1024 ** 3 * 2].map(formatBytes), ['-', '2 KB', '1.5 MB', '2.00 GB']);
  const spans = [0, 999, 1500, 12_345, 60_000, 3_661_000, 86_400_000 * 2 + 3_600_000];
  assert.deepEqual(spans.map(formatSpan), ['0 ms', '999 ms', '1.5 s', '12 s', '1 m', '1 h 1 m', '2 d 1 h']);
});
