// The schedules of a server as text.

import type { EntryReport } from '../../plugins/cron/entry.ts';
import { formatSpan, printable } from './format.ts';
import { type Column, plainTable } from './plain-table.ts';

const LONGEST_NAME = 40;
const LONGEST_ACTION = 60;

const COLUMNS: readonly Column[] = [
  ['NAME', 'left'],
  ['SCHEDULE', 'left'],
  ['NEXT', 'left'],
  ['IN', 'right'],
  ['LAST', 'right'],
  ['RESULT', 'left'],
  ['TOOK', 'right'],
  ['DOES', 'left'],
];

/** One line for each entry, and why the last run of one did not end well, without a line end. Times are those of the entry's zone. */
export function renderCron(entries: readonly EntryReport[], now: number): string {
  if (entries.length === 0) return 'no entries';
  const table = plainTable(
    COLUMNS,
    entries.map((entry) => cells(entry, now)),
  );
  const reasons = entries
    .filter(({ message }) => message !== '')
    .map(({ name, result, message }) => `${name} ${result}: ${printable(message, 400)}`);
  return [table, ...(reasons.length === 0 ? [] : ['']), ...reasons].join('\n');
}

function cells(entry: EntryReport, now: number): string[] {
  const { name, schedule, timezone, does, next, last, result, seconds, running } = entry;
  return [
    printable(name, LONGEST_NAME),
    printable(schedule, LONGEST_NAME),
    next === null ? 'never' : `${wallTime(next, timezone)} ${timezone}`,
    next === null ? '' : formatSpan(next - now),
    last === null ? '-' : `${formatSpan(now - last)} ago`,
    running > 0 ? `${result ?? '-'}, ${running} running` : (result ?? '-'),
    seconds === null ? '' : formatSpan(seconds * 1000),
    printable(does, LONGEST_ACTION),
  ];
}

/** `2026-11-22 03:00:00` */
function wallTime(at: number, timeZone: string): string {
  // Swedish writes dates as ISO 8601 does.
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(at);
}
