// When an entry is due: croner's arithmetic of calendars, time zones and summer time, asked with times that we choose.

import { Cron } from 'croner';

/** Occurrences that are counted one by one; of more it is only said that there are so many. */
export const MOST_COUNTED = 1000;

const NICKNAMES = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

const FORM =
  'must have 5 fields (minute hour day month weekday), or 6 with seconds before them, or be @hourly, @daily, @weekly, @monthly or @yearly';

const FIELDS = ['second', 'minute', 'hour', 'day', 'month', 'weekday'];

/** The schedule of one entry. All times are milliseconds since 1970, UTC; occurrences are whole seconds. */
export class Schedule {
  readonly text: string;
  readonly timezone: string;
  readonly #cron: Cron;

  /** @throws Error for what {@link scheduleProblem} complains of. */
  constructor(text: string, timezone: string) {
    this.text = text;
    this.timezone = timezone;
    // no-wildcard: `30 2,14 * * *` names times of the day as `30 2 * * *` does, so it must not be lost in the hour that a clock change leaves out, or
    // come twice in the hour that is there twice.
    this.#cron = new Cron(text, { timezone, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard', paused: true });
  }

  /** The first occurrence after a time; undefined when there is none any more. */
  next(after: number): number | undefined {
    return this.#cron.nextRun(new Date(after))?.getTime();
  }

  /** The last occurrence at or before a time. */
  latest(at: number): number | undefined {
    // A millisecond later, because croner looks before the time that it is given.
    return this.#cron.previousRuns(1, new Date(at + 1))[0]?.getTime();
  }

  /** How many occurrences lie between two times, both left out; at most {@link MOST_COUNTED}. */
  count(after: number, before: number): number {
    let found = 0;
    for (let at = this.next(after); at !== undefined && at < before && found < MOST_COUNTED; at = this.next(at))
      found++;
    return found;
  }
}

/** The time zone of this system, as its IANA name. With a TZ that is empty or means nothing the clock shows UTC, and the name is of no use. */
export function systemTimezone(): string {
  const name: string | undefined = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name !== undefined && isTimezone(name) ? name : 'UTC';
}

/** Whether it is a time zone, such as `Europe/Berlin` or `UTC`. An offset is none: it knows no summer time. */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What is wrong with a schedule, as the end of a sentence that begins with its key; undefined when it is right. */
export function scheduleProblem(text: string, timezone: string): string | undefined {
  const fields = text.trim().split(/\s+/);
  const known = fields.length === 1 ? NICKNAMES.has(text.trim().toLowerCase()) : /^[56]$/.test(String(fields.length));
  if (!known) return FORM;
  try {
    const comes = new Schedule(text, timezone).next(Date.now()) !== undefined;
    return comes ? undefined : 'never comes: no year has that day';
  } catch (thrown) {
    return `is no schedule: ${reasonOf(thrown)}`;
  }
}

function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const reason = text
    .replace(/^Cron\w*: /, '')
    // croner counts fields from the seconds on, and days and months from 0.
    .replace(/configuration entry (\d) \(/i, (_, field) => `the ${FIELDS[Number(field)]} (`)
    .replace(/for (?:day|nearestWeekdays): (-?\d+)/, (_, day) => `for day: ${Number(day) + 1}`)
    .replace(/for month: (-?\d+)/, (_, month) => `for month: ${Number(month) + 1}`)
    .replace(/dayOfWeek/g, 'weekday')
    .replace(/, Type: \w+$/, '');
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}
