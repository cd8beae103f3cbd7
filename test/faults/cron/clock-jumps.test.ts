// Q07: somebody sets the clock of the system an hour on, then back, over a change to and from summer time, while a server runs schedules.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { fixture } from '../../helpers/paths.ts';
import { type ServerProcess, startServer } from '../../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { report } from '../rig/report.ts';

/** The clock is set to `clock`, where it stands: what comes of that does not hang on how fast the machine is. */
interface Step {
  readonly clock: string;
  /** Runs that begin, by entry. */
  readonly ran?: Readonly<Record<string, string>>;
  /** How many occurrences are told as missed, by entry. */
  readonly missed?: Readonly<Record<string, number>>;
  /** Entries that notice that the clock was put back, and when they are due again. */
  readonly back?: Readonly<Record<string, string>>;
}

interface Row {
  readonly name: string;
  readonly start: string;
  readonly entries: Readonly<Record<string, object>>;
  readonly steps: readonly Step[];
}

/** No entry waits for longer than this after the clock was set. */
const SLEEP_MS = 30_000;
/** An entry is due a second after the clock that each step sets: so long is the sleep in which it is set. */
const WAIT_MS = SLEEP_MS + 10_000;
/** The main thread sleeps about 15 times a second here; with a timer that is always due it would be a thousand. */
const MOST_SLEEPS = 200;
const timezone = 'Europe/Berlin';
const missed = 'run_once';

const ROWS: readonly Row[] = [
  {
    // 01:00 UTC: 02:00 becomes 03:00.
    name: 'to summer time',
    start: '2026-03-29T00:59:59Z',
    entries: {
      skip: { schedule: '30 2 * * *', timezone },
      once: { schedule: '30 2 * * *', timezone, missed },
      each: { schedule: '0-5 0 * * * *', timezone },
      utc: { schedule: '0-5 0 1,2 * * *', timezone: 'UTC', missed },
    },
    steps: [
      {
        clock: '2026-03-29T01:59:59Z',
        ran: { once: '01:00:00', utc: '01:00:05' },
        missed: { skip: 1, once: 1, each: 6, utc: 6 },
      },
      { clock: '2026-03-29T02:00:00Z', ran: { each: '02:00:00', utc: '02:00:00' } },
      { clock: '2026-03-29T01:00:00Z', back: { each: '02:00:01', utc: '02:00:01' } },
    ],
  },
  {
    // 01:00 UTC: 03:00 becomes 02:00.
    name: 'from summer time',
    start: '2026-10-25T00:29:59Z',
    entries: {
      skip: { schedule: '0-5 30 2 * * *', timezone },
      once: { schedule: '0-5 30 2 * * *', timezone, missed },
      each: { schedule: '0-5 30 * * * *', timezone },
      utc: { schedule: '0-5 30 0,1 * * *', timezone: 'UTC', missed },
    },
    steps: [
      {
        clock: '2026-10-25T00:30:00Z',
        ran: { skip: '00:30:00', once: '00:30:00', each: '00:30:00', utc: '00:30:00' },
      },
      {
        clock: '2026-10-25T01:30:00Z',
        ran: { once: '00:30:05', each: '01:30:00', utc: '01:30:00' },
        missed: { skip: 5, once: 5, each: 5, utc: 5 },
      },
      { clock: '2026-10-25T00:30:01Z', back: { each: '01:30:01', utc: '01:30:01' } },
    ],
  },
];

/** A program that notes its runs, and the notes: `begin once 01:00:05`. */
function noting(dir: TempDir): { command: string[]; notes: () => string[] } {
  const [script, file] = [dir.file('note.sh'), dir.file('notes.txt')];
  writeFileSync(file, '');
  const note = (what: string): string => `echo "${what} $RRTS_CRON $RRTS_CRON_TIME" >> ${file}\n`;
  writeFileSync(script, note('begin') + note('end'));
  const notes = (): string[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace(/ \S+T(\S+)\.000Z$/, ' $1'));
  return { command: ['sh', script], notes };
}

/** How many occurrences an entry has told as missed. */
function missedBy(server: ServerProcess, name: string): number {
  const told = server.logs.all(mentions(new RegExp(`^cron ${name} missed `)));
  return told.reduce((sum, { facts }) => sum + Number(/missed (\d+)/.exec(String(facts['msg']))?.[1] ?? 1), 0);
}

/** How often the main thread has gone to sleep so far. */
function sleepsOf(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

const sorted = (words: readonly string[]): string[] => [...words].sort();
const lines = (what: string, of: Readonly<Record<string, string>> = {}): string[] =>
  Object.entries(of).map(([name, time]) => `${what} ${name} ${time}`);

describe('the clock jumps an hour on and back', { concurrency: 2 }, () => {
  for (const { name, start, entries, steps } of ROWS) {
    test(`Q07 over the change ${name}: each occurrence is run or told as missed, none twice`, async (t) => {
      const dir = makeTempDir('clock');
      t.after(() => dir.remove());
      const clock = fakeClock(dir);
      clock.stand(start);
      const { command, notes } = noting(dir);
      const cron = Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, { ...entry, command }]));
      const server = await startServer({
        command: ['php', fixture('sdk-json.php')],
        config: { http: null, cron },
        cwd: dir.path,
        environment: clock.environment,
      });
      t.after(() => server.discard());
      const [begun, slept] = [performance.now(), sleepsOf(server.pid)];

      const [wanted, told]: [string[], Map<string, number>] = [[], new Map()];
      for (const { clock: time, ran, missed: more = {}, back = {} } of steps) {
        clock.stand(time);
        wanted.push(...lines('begin', ran), ...lines('end', ran));
        await eventually(() => notes().length >= wanted.length, `the runs at ${time}`, WAIT_MS);
        assert.deepEqual(sorted(notes()), sorted(wanted), `at ${time}`);
        const done = (): number => server.logs.all(mentions(/^cron \w+: done in /)).length;
        await eventually(() => done() >= wanted.length / 2, `the ends at ${time}`, WAIT_MS);
        for (const [entry, count] of Object.entries(more)) {
          told.set(entry, (told.get(entry) ?? 0) + count);
          await eventually(() => missedBy(server, entry) >= (told.get(entry) ?? 0), `what ${entry} missed`, WAIT_MS);
        }
        for (const [entry, due] of Object.entries(back)) {
          const text = new RegExp(`^the clock was put back; cron ${entry} .* due again at .*T${due}\\.000Z$`);
          await server.waitForLog(mentions(text), `that ${entry} notices the clock`, WAIT_MS);
        }
      }
      const [ms, sleeps] = [performance.now() - begun, sleepsOf(server.pid) - slept];
      const all = Object.keys(entries);
      const missedAll = all.reduce((sum, entry) => sum + missedBy(server, entry), 0);
      report(t, { change: name, runs: wanted.length / 2, missed: missedAll, sleeps, ms });
      assert.ok(sleeps < (1 + ms / 1000) * MOST_SLEEPS, 'a busy loop');
      await server.stop();

      assert.deepEqual(sorted(notes()), sorted(wanted), 'at the end');
      for (const entry of all) {
        assert.equal(missedBy(server, entry), told.get(entry) ?? 0, `missed by ${entry}`);
        const own = notes().filter((line) => line.split(' ')[1] === entry);
        assert.ok(
          own.every((line, index) => line.startsWith(index % 2 === 0 ? 'begin' : 'end')),
          own.join(', '),
        );
      }
    });
  }
});
