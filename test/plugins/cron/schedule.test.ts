// When schedules are due: tables for the days on which clocks change, and what no schedule may be.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isTimezone, Schedule, scheduleProblem, systemTimezone } from '../../../src/plugins/cron/schedule.ts';

/** Schedule, zone, start, and the next occurrences as the wall shows them, in UTC. */
type Row = readonly [what: string, schedule: string, zone: string, from: string, due: readonly string[]];

const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';
const LORD_HOWE = 'Australia/Lord_Howe';

const TABLE: readonly Row[] = [
  // Berlin, 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
  [
    'a time of the day that is left out comes when the clock has jumped',
    '30 2 * * *',
    BERLIN,
    '2026-03-27T12:00Z',
    ['03-28T01:30', '03-29T01:00', '03-30T00:30'],
  ],
  [
    'so does one of several times',
    '30 2,14 * * *',
    BERLIN,
    '2026-03-28T12:00Z',
    ['03-28T13:30', '03-29T01:00', '03-29T12:30'],
  ],
  [
    'every half hour goes on every half hour',
    '*/30 * * * *',
    BERLIN,
    '2026-03-29T00:00Z',
    ['03-29T00:30', '03-29T01:00', '03-29T01:30', '03-29T02:00'],
  ],
  [
    'a time of the day that is there twice comes once',
    '30 2 * * *',
    BERLIN,
    '2026-10-23T12:00Z',
    ['10-24T00:30', '10-25T00:30', '10-26T01:30'],
  ],
  [
    'so does one of several times',
    '15,45 2 * * *',
    BERLIN,
    '2026-10-24T12:00Z',
    ['10-25T00:15', '10-25T00:45', '10-26T01:15'],
  ],
  [
    'every half hour of an hour that is there twice comes four times',
    '*/30 2 * * *',
    BERLIN,
    '2026-10-24T12:00Z',
    ['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30', '10-26T01:00'],
  ],
  // New York, 8 March 2026: 02:00 becomes 03:00. 1 November 2026: 02:00 becomes 01:00.
  ['in spring', '30 2 * * *', NEW_YORK, '2026-03-07T00:00Z', ['03-07T07:30', '03-08T07:00', '03-09T06:30']],
  ['in autumn', '30 1 * * *', NEW_YORK, '2026-10-31T00:00Z', ['10-31T05:30', '11-01T05:30', '11-02T06:30']],
  [
    'every hour in autumn',
    '0 * * * *',
    NEW_YORK,
    '2026-11-01T03:30Z',
    ['11-01T04:00', '11-01T05:00', '11-01T06:00', '11-01T07:00'],
  ],
  // Lord Howe Island changes its clocks by half an hour: 4 October 2026 02:00 becomes 02:30, 5 April 2026 02:00 becomes 01:30.
  [
    'half an hour in spring',
    '15 2 * * *',
    LORD_HOWE,
    '2026-10-02T00:00Z',
    ['10-02T15:45', '10-03T15:30', '10-04T15:15'],
  ],
  [
    'half an hour in autumn',
    '45 1 * * *',
    LORD_HOWE,
    '2026-04-03T00:00Z',
    ['04-03T14:45', '04-04T14:45', '04-05T15:15'],
  ],
  [
    'every quarter of an hour there',
    '*/15 * * * *',
    LORD_HOWE,
    '2026-04-04T14:20Z',
    ['04-04T14:30', '04-04T14:45', '04-04T15:00', '04-04T15:15', '04-04T15:30'],
  ],
  ['midnight where no clock changes', '@daily', 'Asia/Tokyo', '2026-03-28T00:00Z', ['03-28T15:00', '03-29T15:00']],
  ['seconds', '*/20 0 3 * * *', 'UTC', '2026-03-28T00:00Z', ['03-28T03:00', '03-28T03:00:20', '03-28T03:00:40']],
  ['the last day of a month', '0 0 L * *', 'UTC', '2026-02-01T00:00Z', ['02-28T00:00', '03-31T00:00']],
  ['a day of the month or of the week', '0 0 1 * MON', 'UTC', '2026-02-26T00:00Z', ['03-01T00:00', '03-02T00:00']],
];

describe('occurrences', () => {
  for (const [what, text, zone, from, due] of TABLE) {
    test(`${zone}, ${text}: ${what}`, () => {
      const schedule = new Schedule(text, zone);
      const wanted = due.map((time) => Date.parse(`2026-${time}Z`));
      const found: number[] = [];
      for (let at = Date.parse(from); found.length < wanted.length; ) {
        at = schedule.next(at) ?? Number.NaN;
        found.push(at);
      }
      assert.deepEqual(found.map(iso), wanted.map(iso));
      // Seen from behind they are the same.
      for (const [index, at] of wanted.entries()) {
        assert.equal(schedule.latest(at), at);
        assert.equal(schedule.latest(at + 999), at);
        assert.equal(schedule.count(Date.parse(from), at), index);
        if (index > 0) assert.equal(schedule.latest(at - 1), wanted[index - 1]);
      }
    });
  }
});

test('from any moment: the next one comes after it, the latest one before it, and nothing lies between', (t) => {
  const schedules = ['*/7 * * * *', '30 2 * * *', '15,45 1-2 * * *', '0 0 29 2 *', '*/10 * 1-3 * * *', '0 12 * * 5#2'];
  let runs = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...schedules),
      fc.constantFrom(BERLIN, NEW_YORK, LORD_HOWE, 'UTC'),
      fc.integer({ min: Date.parse('2026-01-01T00:00Z'), max: Date.parse('2027-01-01T00:00Z') }),
      (text, zone, at) => {
        runs++;
        const schedule = new Schedule(text, zone);
        const [latest = Number.NaN, next = Number.NaN] = [schedule.latest(at), schedule.next(at)];
        assert.ok(latest <= at && at < next, `${iso(latest)} <= ${iso(at)} < ${iso(next)}`);
        assert.equal(schedule.next(latest), next);
        assert.equal(schedule.latest(next - 1), latest);
      },
    ),
    { numRuns: 400 },
  );
  t.diagnostic(`${runs} moments`);
});

const WRONG: readonly (readonly [string, RegExp])[] = [
  ['', /^must have 5 fields/],
  ['* * * *', /^must have 5 fields/],
  ['0 0 3 * * * 2026', /^must have 5 fields/],
  ['@reboot', /^must have 5 fields/],
  ['2026-12-01T00:00:00', /^must have 5 fields/],
  ['60 * * * *', /^is no schedule: invalid value for minute: 60$/],
  ['*/0 * * * *', /^is no schedule: syntax error, illegal stepping: 0$/],
  ['x * * * *', /^is no schedule: the minute \(x\) contains illegal characters\.$/],
  ['x 0 0 * * *', /^is no schedule: the second \(x\) contains illegal characters\.$/],
  ['0 0 32 * *', /^is no schedule: invalid value for day: 32$/],
  ['0 0 0 * *', /^is no schedule: invalid value for day: 0$/],
  ['0 0 32W * *', /^is no schedule: invalid value for day: 32$/],
  ['0 0 1 13 *', /^is no schedule: invalid value for month: 13$/],
  ['0 0 * * 8', /^is no schedule: invalid value for weekday: 8$/],
  ['0 0 * * FRI#6', /^is no schedule: nth weekday out of range, should be 1-5 or L\. Value: 6$/],
  ['0 0 * * MONDAY', /^is no schedule: syntax error, a month or day name has to stand alone/],
  ['0 0 31 2 *', /^never comes: no year has that day$/],
  ['0 0 31 4,6,9,11 *', /^never comes: /],
  ['0 0 30 FEB *', /^never comes: /],
];

for (const [text, message] of WRONG) {
  test(`refused: "${text}"`, () => assert.match(scheduleProblem(text, 'UTC') ?? '', message));
}

test('allowed: what comes rarely, and names', () => {
  for (const text of ['0 0 29 2 *', '@DAILY', ' 0 3 * * mon-fri ', '0 0 1W * *', '59 59 23 31 12 *']) {
    assert.equal(scheduleProblem(text, BERLIN), undefined, text);
  }
});

test('time zones are names', () => {
  for (const name of [BERLIN, 'UTC', 'europe/berlin', 'CET']) assert.equal(isTimezone(name), true, name);
  for (const name of ['', '+02:00', 'Europe/Berln', 'Mars', '2']) assert.equal(isTimezone(name), false, name);
});

test('the time zone of the system; UTC where TZ is empty or means nothing', (t) => {
  const before = process.env['TZ'];
  t.after(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
  for (const [written, name] of [
    [BERLIN, BERLIN],
    ['', 'UTC'],
    ['Foo/Bar', 'UTC'],
  ] as const) {
    process.env['TZ'] = written;
    assert.equal(systemTimezone(), name, written);
  }
});

function iso(at: number): string {
  return new Date(at).toISOString();
}
