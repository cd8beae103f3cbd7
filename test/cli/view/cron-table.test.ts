// What the table of schedules shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderCron } from '../../../src/cli/view/cron-table.ts';
import type { EntryReport } from '../../../src/plugins/cron/entry.ts';

const NOW = Date.parse('2026-11-22T01:59:30Z');
const ENTRY: EntryReport = {
  name: 'nightly',
  schedule: '0 3 * * *',
  timezone: 'Europe/Berlin',
  does: 'push App\\Nightly to reports',
  next: Date.parse('2026-11-22T02:00:00Z'),
  last: NOW - 86_370_000,
  result: 'done',
  message: '',
  seconds: 0.012,
  running: 0,
  missed: 0,
};

test('entries with their times in their own zone, and what went wrong', () => {
  const tick = {
    ...ENTRY,
    name: 'tick',
    schedule: '* * * * * *',
    timezone: 'UTC',
    does: 'GET /\u001b[31m',
    next: NOW + 1000,
    last: null,
    result: null,
    seconds: null,
    running: 1,
  };
  const old = { ...ENTRY, name: 'old', next: null, result: 'failed', message: 'no\nluck', seconds: 61 } as const;
  assert.deepEqual(renderCron([ENTRY, tick, old], NOW).split('\n'), [
    ' NAME     SCHEDULE     NEXT                                  IN           LAST  RESULT           TOOK  DOES',
    ' nightly  0 3 * * *    2026-11-22 03:00:00 Europe/Berlin   30 s  23 h 59 m ago  done            12 ms  push App\\Nightly to reports',
    ' tick     * * * * * *  2026-11-22 01:59:31 UTC            1.0 s              -  -, 1 running           GET /?[31m',
    ' old      0 3 * * *    never                                     23 h 59 m ago  failed        1 m 1 s  push App\\Nightly to reports',
    '',
    'old failed: no?luck',
  ]);
});

test('none', () => assert.equal(renderCron([], NOW), 'no entries'));
