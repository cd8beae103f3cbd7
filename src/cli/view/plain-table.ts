// A table without a frame and without colours: read by people, and by awk.

import Table from 'cli-table3';

const FRAME = [
  ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
];

/** A column: its heading, and the side at which its cells stand. */
export type Column = readonly [heading: string, align: 'left' | 'right'];

/** The lines of the table, headings first, no spaces at their ends. */
export function plainTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(([heading]) => heading),
    colAligns: columns.map(([, align]) => align),
    chars: Object.fromEntries(FRAME.map((part) => [part, part === 'middle' ? ' ' : ''])),
    style: { 'padding-left': 1, 'padding-right': 0, head: [], border: [], compact: true },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
