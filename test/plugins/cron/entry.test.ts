// Entries: overlap, missed runs over restarts, jitter, changes, and their end; with a clock of the test and real files.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import FakeTimers from '@sinonjs/fake-timers';
import { camelCased } from '../../../src/core/camel-case.ts';
import type { Logger } from '../../../src/core/logger.ts';
import { type CronSection, cronSchema } from '../../../src/plugins/cron/config.ts';
import { Entries } from '../../../src/plugins/cron/entries.ts';
import type { Entry } from '../../../src/plugins/cron/entry.ts';
import { DONE, failed, type Outcome } from '../../../src/plugins/cron/run.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';

/** What must come, on a machine that is busy too. */
const LATEST_MS = 30_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function section(written: Readonly<Record<string, object>>): CronSection {
  return camelCased(cronSchema, cronSchema.parse(written));
}

const entry = (more: object = {}): object => ({ schedule: '0 * * * *', timezone: 'UTC', command: 'x', ...more });

interface Run {
  readonly at: string;
  readonly occurrence: string;
  end(outcome?: Outcome): void;
}

/** Entries whose runs last as long as the test wants, on a clock that stands. */
function rig(t: TestContext, now = '2026-06-01T12:30:00Z', directory = makeTempDir('cron').path) {
  const clock = FakeTimers.install({
    now: Date.parse(now),
    toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  });
  const lines: string[] = [];
  const logger = recorder(lines);
  const runs: Run[] = [];
  const entries = new Entries({
    logger,
    directory,
    lock: undefined,
    actionOf:
      () =>
      ({ occurrence, stopping }) =>
        new Promise((resolve) => {
          const end = (outcome: Outcome = DONE): void => resolve(outcome);
          stopping.addEventListener('abort', () => end(failed('the server stopped')));
          runs.push({ at: short(Date.now()), occurrence: short(occurrence), end });
        }),
  });
  t.after(() => clock.uninstall());
  t.after(() => entries.stop(0));
  const told = (pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  const begun = () => runs.map(({ occurrence }) => occurrence);
  /** The one that runs may wait for a file before it begins. */
  const nth = (number: number): Promise<Run> => eventually(() => runs[number - 1], `run ${number}`, LATEST_MS);
  const tick = async (ms: number): Promise<void> => void (await clock.tickAsync(ms));
  return { clock, tick, entries, runs, begun, nth, told, directory };
}

function recorder(lines: string[]): Logger {
  const add = (_: object, text: string): void => void lines.push(text);
  const logger: Logger = { debug: add, info: add, warn: add, error: add, child: () => logger };
  return logger;
}

const counts = ({ counts: of }: Entry): object => Object.fromEntries(of);

test('overlap skip: none begins while one runs; allow: they run side by side, up to a hundred', async (t) => {
  const { entries, tick, nth, runs, begun } = rig(t, '2026-06-01T12:00:30Z');
  const each = { schedule: '* * * * *' };
  entries.configure(section({ skip: entry(each) }));
  await tick(MINUTE);
  assert.deepEqual(begun(), ['12:01']);
  await tick(3 * MINUTE);
  assert.deepEqual(begun(), ['12:01'], '12:02, 12:03 and 12:04 are skipped');
  assert.deepEqual(counts(entries.find('skip')), { skipped: 3 });
  (await nth(1)).end();
  await tick(2 * MINUTE);
  assert.deepEqual(begun(), ['12:01', '12:05']);
  const byHand = await within(entries.find('skip').run(), LATEST_MS, 'the answer');
  assert.deepEqual([byHand.result, byHand.message], ['skipped', 'the run before it is under way']);
  runs.at(-1)?.end();
  entries.configure(section({ allow: entry({ ...each, overlap: 'allow' }) }));
  const before = runs.length;
  await tick(103 * MINUTE);
  assert.equal(runs.length - before, 100);
  assert.deepEqual(counts(entries.find('allow')), { skipped: 3 });
  assert.equal(entries.find('allow').report.running, 100);
});

test('what became of runs is told, counted and shown', async (t) => {
  const { entries, tick, nth, told } = rig(t);
  entries.configure(section({ a: entry() }));
  const { next, last, result } = entries.find('a').report;
  assert.deepEqual([short(next ?? 0), last, result], ['13:00', null, null]);
  await tick(HOUR);
  (await nth(1)).end(failed('no luck'));
  await tick(HOUR);
  (await nth(2)).end();
  await tick(1);
  assert.deepEqual(counts(entries.find('a')), { failed: 1, done: 1 });
  const { name, schedule, timezone, does, running, missed, message, ...rest } = entries.find('a').report;
  assert.deepEqual([name, schedule, timezone, does, running, missed], ['a', '0 * * * *', 'UTC', 'x', 0, 0]);
  assert.deepEqual([rest.result, message, short(rest.last ?? 0)], ['done', '', '14:00']);
  assert.ok(told(/^cron a failed after .*: no luck$/));
  assert.ok(told(/^cron a: done in /));
});

test('missed, in one life: skip runs none, run_once one for all of them', async (t) => {
  const { clock, entries, tick, begun, nth, told } = rig(t);
  entries.configure(section({ skip: entry(), once: entry({ missed: 'run_once' }) }));
  clock.setSystemTime(Date.parse('2026-06-01T16:10:00Z'));
  await tick(MINUTE);
  (await nth(1)).end();
  assert.deepEqual(begun(), ['16:00']);
  assert.deepEqual([entries.find('skip').missed, entries.find('once').missed], [4, 4]);
  assert.ok(told(/^cron skip missed 4 occurrences while the server was down, asleep or busy$/));
  assert.ok(told(/^cron once missed 4 occurrences .*, for which it runs once now$/));
  await tick(HOUR);
  await nth(3);
  assert.deepEqual(begun(), ['16:00', '17:00', '17:00']);
});

test('missed, over restarts: known from the file, once, and only for the same schedule', async (t) => {
  const dir = makeTempDir('cron');
  t.after(() => dir.remove());
  const config = section({ once: entry({ missed: 'run_once' }), skip: entry() });
  const life = async (now: string, changed = config): Promise<readonly string[]> => {
    const { entries, clock, nth, tick, runs, begun } = rig(t, now, dir.path);
    entries.configure(changed);
    await tick(2 * MINUTE);
    if (entries.find('once').running > 0) (await nth(1)).end();
    await entries.find('once').over();
    await entries.stop(0);
    clock.uninstall();
    assert.ok(runs.length < 2);
    return begun();
  };
  assert.deepEqual(await life('2026-06-01T12:30:00Z'), [], 'the first start ever: nothing was missed');
  assert.deepEqual(await life('2026-06-01T12:50:00Z'), []);
  assert.deepEqual(await life('2026-06-01T15:20:00Z'), ['15:00'], '13:00, 14:00 and 15:00 were missed');
  assert.deepEqual(await life('2026-06-01T15:50:00Z'), [], 'and are not missed again');
  assert.deepEqual(await life('2026-06-01T14:10:00Z'), [], 'the clock was put back');
  assert.deepEqual(await life('2026-06-01T15:10:00Z'), []);
  assert.deepEqual(await life('2026-06-01T16:30:00Z'), ['16:00']);
  const other = section({ once: entry({ missed: 'run_once', schedule: '5 * * * *' }) });
  assert.deepEqual(await life('2026-06-01T18:30:00Z', other), [], 'a new schedule has missed nothing');
  const file = dir.file('var/cron/once.json');
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
    schedule: '5 * * * *',
    timezone: 'UTC',
    last: '2026-06-01T18:30:00.000Z',
  });
  writeFileSync(file, '{"schedule":"5 * * *');
  assert.deepEqual(await life('2026-06-01T20:30:00Z', other), [], 'a broken file is as good as none');
  assert.deepEqual(await life('2026-06-01T21:30:00Z', other), ['21:05']);
});

test('a clock that was wrong by hours and is put right: what is run then is kept', async (t) => {
  const { entries, clock, tick, nth, directory } = rig(t, '2026-06-01T12:59:30Z');
  entries.configure(section({ a: entry({ missed: 'run_once' }) }));
  const kept = (): unknown => JSON.parse(readFileSync(join(directory, 'var/cron/a.json'), 'utf8'))['last'];
  for (const [number, right, time] of [
    [1, undefined, '13:00'],
    [2, '2026-06-01T08:58:50Z', '09:00'],
  ] as const) {
    if (right !== undefined) clock.setSystemTime(Date.parse(right));
    await tick(2 * MINUTE);
    (await nth(number)).end();
    await tick(1);
    assert.equal(kept(), `2026-06-01T${time}:00.000Z`);
  }
});

test('a run that a stop prevented is missed, one that had begun is not', async (t) => {
  const dir = makeTempDir('cron');
  t.after(() => dir.remove());
  const waits = section({ x: entry({ missed: 'run_once', jitter: '100h' }) });
  const begins = section({ x: entry({ missed: 'run_once' }) });
  const first = rig(t, '2026-06-01T12:59:00Z', dir.path);
  first.entries.configure(waits);
  await first.tick(2 * MINUTE);
  assert.equal(first.entries.find('x').running, 1);
  await first.entries.stop(0);
  assert.deepEqual(first.begun(), []);
  first.clock.uninstall();
  const second = rig(t, '2026-06-01T13:30:00Z', dir.path);
  second.entries.configure(begins);
  await second.nth(1);
  await second.entries.stop(0);
  assert.deepEqual(second.begun(), ['13:00']);
  second.clock.uninstall();
  const third = rig(t, '2026-06-01T13:40:00Z', dir.path);
  third.entries.configure(begins);
  await third.tick(2 * MINUTE);
  assert.deepEqual(third.begun(), []);
});

test('jitter: later by chance, within its bound', async (t) => {
  const { entries, tick, runs } = rig(t);
  const names = Array.from({ length: 50 }, (_, index) => `e${index}`);
  entries.configure(section(Object.fromEntries(names.map((name) => [name, entry({ jitter: '20m' })]))));
  await tick(51 * MINUTE);
  assert.equal(runs.length, 50);
  assert.ok(runs.every(({ at, occurrence }) => occurrence === '13:00' && at >= '13:00' && at <= '13:20'));
  assert.ok(new Set(runs.map(({ at }) => at)).size > 10);
});

test('a changed configuration: what did not change is not touched, what runs goes on', async (t) => {
  const { entries, tick, begun, nth, told } = rig(t);
  entries.configure(section({ kept: entry(), gone: entry(), changed: entry() }));
  const kept = entries.find('kept');
  await tick(31 * MINUTE);
  assert.deepEqual(begun(), ['13:00', '13:00', '13:00']);
  entries.configure(section({ changed: entry({ schedule: '30 * * * *' }), kept: entry(), added: entry() }));
  assert.deepEqual(
    entries.all.map(({ name }) => name),
    ['changed', 'kept', 'added'],
  );
  assert.equal(entries.find('kept'), kept);
  assert.throws(() => entries.find('gone'), {
    code: 'ERR_RPC_ARGUMENT',
    message: 'no such cron entry: gone; there are changed, kept, added',
  });
  await tick(30 * MINUTE);
  assert.deepEqual(counts(entries.find('changed')), { skipped: 1 }, 'its first run is under way still');
  for (const number of [1, 2, 3]) (await nth(number)).end();
  await tick(HOUR);
  assert.deepEqual(begun().slice(3), ['14:00', '14:00', '14:30']);
  assert.ok(told(/^cron gone: done/));
});

test('removed and added again: it knows of its run that is under way, and of what it has seen', async (t) => {
  const { entries, tick, begun, nth } = rig(t, '2026-06-01T12:59:30Z');
  const config = section({ a: entry({ missed: 'run_once' }) });
  entries.configure(config);
  await tick(MINUTE);
  await nth(1);
  for (const changed of [section({}), config, section({}), section({ a: entry({ schedule: '*/10 * * * *' }) })]) {
    entries.configure(changed);
  }
  assert.equal(entries.find('a').running, 1);
  await tick(10 * MINUTE);
  assert.deepEqual([begun(), counts(entries.find('a'))], [['13:00'], { skipped: 1 }]);
  (await nth(1)).end();
  await tick(10 * MINUTE);
  await nth(2);
  assert.deepEqual(begun(), ['13:00', '13:20']);
  // Once its runs are over it is another one.
  const old = entries.find('a');
  entries.configure(section({}));
  (await nth(2)).end();
  await old.over();
  await tick(1);
  entries.configure(config);
  assert.deepEqual(counts(entries.find('a')), {});
});

test('a change that cannot be: everything stays as it was', async (t) => {
  const dir = makeTempDir('cron');
  t.after(() => dir.remove());
  writeFileSync(dir.file('var'), 'a file where a folder must be');
  const { entries, tick, begun } = rig(t, undefined, dir.path);
  const before = section({ a: entry(), b: entry() });
  entries.configure(before);
  const changed = { c: entry(), a: entry({ schedule: '1 * * * *' }), b: entry({ missed: 'run_once' }) };
  assert.throws(() => entries.configure(section(changed)), {
    code: 'ERR_STORE',
    message: /^cron\.b: cannot make .*var\/cron: /,
  });
  assert.deepEqual(
    entries.all.map(({ report }) => [report.name, report.schedule]),
    [
      ['a', '0 * * * *'],
      ['b', '0 * * * *'],
    ],
  );
  await tick(35 * MINUTE);
  assert.deepEqual(begun(), ['13:00', '13:00']);
});

test('after a stop nothing begins', async (t) => {
  const { clock, entries, tick, begun, nth } = rig(t);
  entries.configure(section({ a: entry() }));
  await tick(31 * MINUTE);
  await nth(1);
  await entries.stop(1000);
  const late = await entries.find('a').run();
  assert.deepEqual([late.result, late.message], ['skipped', 'the server stops']);
  await tick(5 * HOUR);
  assert.deepEqual(begun(), ['13:00']);
  assert.deepEqual(counts(entries.find('a')), { failed: 1, skipped: 1 });
  assert.equal(clock.countTimers(), 0);
});

function short(at: number): string {
  return new Date(at).toISOString().slice(11, 16);
}
