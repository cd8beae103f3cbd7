// Case Q07: the clock jumps, the machine sleeps, the process hangs. Each occurrence runs exactly as the tables say.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import FakeTimers from '@sinonjs/fake-timers';
import { Schedule } from '../../../src/plugins/cron/schedule.ts';
import { lookAt, Ticker } from '../../../src/plugins/cron/ticker.ts';

const DAY = '2026-06-01T';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A change of the clock: `sleep` lets time pass in which no timer fires. */
type Step = { readonly run: number } | { readonly jump: number } | { readonly sleep: number };

const run = (ms: number): Step => ({ run: ms });
const jump = (ms: number): Step => ({ jump: ms });

type Row = readonly [what: string, schedule: string, start: string, steps: readonly Step[], log: readonly string[]];

const JUMPS: readonly Row[] = [
  [
    'an hour forward over an occurrence',
    '30 * * * *',
    '12:10',
    [jump(HOUR), run(HOUR)],
    ['missed 1 to 12:30', '13:30'],
  ],
  [
    'an hour forward, just past one',
    '30 * * * *',
    '12:10:30',
    [run(MINUTE), jump(HOUR + 19 * MINUTE - 10_000), run(HOUR)],
    ['missed 1', '13:30', '14:30'],
  ],
  ['an hour forward between two', '30 * * * *', '11:40', [jump(40 * MINUTE), run(HOUR)], ['12:30']],
  [
    'an hour forward with one each minute',
    '* * * * *',
    '12:00:30',
    [run(MINUTE), jump(HOUR), run(2 * MINUTE)],
    ['12:01', 'missed 60', '13:02', '13:03'],
  ],
  [
    'an hour back after an occurrence: it does not come again',
    '30 * * * *',
    '12:20',
    [run(11 * MINUTE), jump(-HOUR), run(2 * HOUR + 5 * MINUTE)],
    ['12:30', 'back to 13:30', '13:30'],
  ],
  [
    'an hour back with one each minute: none comes twice',
    '* * * * *',
    '12:00:30',
    [run(2 * MINUTE), jump(-HOUR), run(HOUR + 2 * MINUTE)],
    ['12:01', '12:02', 'back to 12:03', '12:03', '12:04'],
  ],
  [
    'an hour back before an occurrence',
    '30 * * * *',
    '12:20',
    [jump(-HOUR), run(2 * HOUR + 15 * MINUTE)],
    ['back to 12:30', '12:30', '13:30'],
  ],
  [
    'back and forth again',
    '30 * * * *',
    '12:20',
    [run(11 * MINUTE), jump(-HOUR), run(5 * MINUTE), jump(HOUR), run(HOUR)],
    ['12:30', 'back to 13:30', '13:30'],
  ],
  [
    'seconds forward at the very moment: late, not missed',
    '30 * * * *',
    '12:29:50',
    [jump(25_000), run(MINUTE)],
    ['12:30'],
  ],
  [
    'more than three hours back: the clock was wrong before, the schedule begins anew',
    '30 * * * *',
    '12:20',
    [run(11 * MINUTE), jump(-4 * HOUR), run(HOUR)],
    ['12:30', 'back to 09:30', '09:30'],
  ],
  [
    'the machine sleeps for a day',
    '0 3 * * *',
    '02:00',
    [jump(24 * HOUR), run(2 * HOUR)],
    ['missed 1 to 03:00', '03:00'],
  ],
  [
    'seconds while the process hangs for ten',
    '* * * * * *',
    '12:00:00.500',
    [run(2000), jump(10_000), run(1000)],
    ['12:00:01', '12:00:02', 'missed 10', '12:00:13'],
  ],
];

describe('the clock', () => {
  for (const [what, text, start, steps, wanted] of JUMPS) {
    test(what, (t) => {
      const clock = FakeTimers.install({
        now: Date.parse(`${DAY}${start}Z`),
        toFake: ['Date', 'setTimeout', 'clearTimeout'],
      });
      t.after(() => clock.uninstall());
      const log: string[] = [];
      const ticker = new Ticker(new Schedule(text, 'UTC'), Date.now(), {
        onDue: (at) => void log.push(shortTime(at)),
        onMissed: (count, last) =>
          void log.push(`missed ${count}${last === undefined ? '' : ` to ${shortTime(last)}`}`),
        onSetBack: (next) => void log.push(`back to ${shortTime(next ?? 0)}`),
      });
      ticker.start();
      for (const step of steps) {
        if ('run' in step) clock.tick(step.run);
        else if ('jump' in step) clock.setSystemTime(Date.now() + step.jump);
      }
      ticker.stop();
      assert.deepEqual(log, wanted);
      assert.equal(clock.countTimers(), 0, 'its timer ends with it');
    });
  }
});

test('an occurrence far away is waited for in short sleeps, and comes to the second', (t) => {
  const clock = FakeTimers.install({ now: Date.parse(`${DAY}00:00Z`), toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  t.after(() => clock.uninstall());
  const due: number[] = [];
  const no = (): void => assert.fail('nothing is missed');
  const events = { onDue: () => void due.push(Date.now()), onMissed: no, onSetBack: no };
  const ticker = new Ticker(new Schedule('0 0 28 6 *', 'UTC'), Date.now(), events);
  ticker.start();
  clock.tick(28 * 24 * HOUR);
  ticker.stop();
  assert.deepEqual(due, [Date.parse('2026-06-28T00:00Z')]);
});

test('by chance: whatever the clock does, no occurrence comes twice, and each one is run or missed once', (t) => {
  const schedule = new Schedule('*/5 * * * *', 'Europe/Berlin');
  let looks = 0;
  for (let seed = 1; seed <= 40; seed++) {
    let random = seed;
    const next = (): number => {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      return random / 2 ** 31;
    };
    const start = Date.parse('2026-10-24T22:00Z');
    let [now, last, furthest] = [start, start, start];
    const run = new Set<number>();
    let missed = 0;
    for (let step = 0; step < 200; step++) {
      const kind = next();
      if (kind < 0.8) now += 30_000;
      else if (kind < 0.9) now += next() * HOUR;
      else now -= next() * HOUR * 0.9;
      // More than 3 hours behind means another thing: see the table.
      now = Math.max(now, last - 2 * HOUR);
      furthest = Math.max(furthest, now);
      const look = lookAt(schedule, last, now);
      assert.ok(look.last >= last);
      last = look.last;
      missed += look.missed;
      if (look.due !== undefined) assert.equal(run.has(look.due), false, `seed ${seed}`);
      if (look.due !== undefined) run.add(look.due);
      looks++;
    }
    assert.equal(run.size + missed, schedule.count(start, furthest + 1), `seed ${seed}`);
  }
  t.diagnostic(`${looks} looks at 40 clocks`);
});

function shortTime(at: number): string {
  return new Date(at).toISOString().slice(11, 19).replace(/:00$/, '');
}
