// The workers of a server as text: a table for each pool, its queue and why its workers ended.

import type { ServerStatus, WorkerReport } from '../../server/control/report.ts';
import type { PoolView, ServerView } from '../client/server-report.ts';
import { count, formatBytes, formatSpan, printable } from './format.ts';
import { type Column, plainTable } from './plain-table.ts';

/** Size of what is drawn on. */
export interface Screen {
  readonly columns: number;
  /** Lines; undefined for as many as it takes. */
  readonly rows: number | undefined;
}

/** Characters of a row beside the request. */
const OTHER_COLUMNS = 78;
const NARROWEST_REQUEST = 12;
const SHOWN_EXITS = 3;
/** Lines of a pool beside its workers: title, heading, exits twice, an empty one. */
const OTHER_LINES = 5;

const COLUMNS: readonly Column[] = [
  ['PID', 'right'],
  ['STATE', 'left'],
  ['REQUESTS', 'right'],
  ['MEMORY', 'right'],
  ['CPU', 'right'],
  ['AGE', 'right'],
  ['FOR', 'right'],
  ['RUNS', 'left'],
];

/** The whole text, without a line end. `now` is the clock for ages where the server does not tell its own. */
export function renderServer(view: ServerView, screen: Screen, now: number): string {
  const clock = view.status?.now ?? now;
  const rows = rowsPerPool(view, screen);
  const pools = view.pools.map((pool) => renderPool(pool, screen, rows, clock));
  if (pools.length === 0) pools.push(view.status?.phase === 'starting' ? 'no workers yet' : 'no pools');
  return [...(view.status === undefined ? [] : [serverTitle(view.status)]), ...pools].join('\n\n');
}

/** The first line of every view. */
export function serverTitle({ version, pid, phase, startedAt, now, config }: ServerStatus): string {
  return `rrts ${version}, pid ${pid}, ${phase}, up ${formatSpan(now - startedAt)}, ${printable(config, 200)}`;
}

/** Workers that can be shown of each pool; undefined for all. */
function rowsPerPool({ pools, status }: ServerView, { rows }: Screen): number | undefined {
  if (rows === undefined || pools.length === 0) return undefined;
  const left = rows - (status === undefined ? 0 : 2) - pools.length * OTHER_LINES - 1;
  return Math.max(1, Math.floor(left / pools.length));
}

function renderPool(pool: PoolView, screen: Screen, limit: number | undefined, now: number): string {
  const { workers } = pool;
  const shown = limit === undefined || workers.length <= limit ? workers : workers.slice(0, Math.max(0, limit - 1));
  const lines = [poolTitle(pool)];
  if (shown.length > 0) lines.push(renderWorkers(shown, screen, now));
  if (shown.length < workers.length) lines.push(`... and ${workers.length - shown.length} more`);
  return [...lines, ...exitLines(pool, now)].join('\n');
}

function poolTitle({ name, workers, target, queueLength, bootFailures }: PoolView): string {
  const counts = new Map<string, number>();
  for (const { state } of workers) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, number]) => `${number} ${state}`);
  const waiting = queueLength === null ? [] : [`${queueLength} waiting`];
  const failing = bootFailures === 0 ? [] : [`${count(bootFailures, 'boot')} in a row failed`];
  const wanted =
    target === workers.length ? count(target, 'worker') : `${count(workers.length, 'worker')}, ${target} wanted`;
  return `${name}: ${[wanted, ...states, ...waiting, ...failing].join(', ')}`;
}

function renderWorkers(workers: readonly WorkerReport[], { columns }: Screen, now: number): string {
  const width = Math.max(NARROWEST_REQUEST, columns - OTHER_COLUMNS);
  return plainTable(
    COLUMNS,
    workers.map((worker) => cells(worker, width, now)),
  );
}

function cells(worker: WorkerReport, width: number, now: number): string[] {
  const { pid, state, leaving, requests, memoryBytes, cpuPercent, startedAt, activity, busyMs, held } = worker;
  const ahead = held === 0 ? '' : ` (+${held})`;
  return [
    String(pid),
    leaving === null ? state : `${state}, leaves`,
    String(requests),
    formatBytes(memoryBytes),
    cpuPercent === null ? '-' : `${Math.round(cpuPercent)} %`,
    formatSpan(now - startedAt),
    activity === null ? '' : formatSpan(busyMs),
    activity === null ? '' : printable(activity, width - ahead.length) + ahead,
  ];
}

/** Why workers ended since the start, the most frequent reason first, and the last few of them. */
function exitLines({ exits, recentExits }: PoolView, now: number): string[] {
  const reasons = Object.entries(exits).sort(([, a], [, b]) => b - a);
  if (reasons.length === 0) return [];
  const last = recentExits
    .slice(-SHOWN_EXITS)
    .reverse()
    .map(({ pid, reason, at }) => `${pid} ${printable(reason, 40)} ${formatSpan(now - at)} ago`);
  const ended = `ended: ${reasons.map(([reason, number]) => `${printable(reason, 40)} ${number}`).join(', ')}`;
  return last.length === 0 ? [ended] : [ended, `last:  ${last.join(', ')}`];
}
