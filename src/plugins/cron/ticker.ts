// Notices when an entry is due, whatever the clock of the system does.

import type { Schedule } from './schedule.ts';

/** Longest sleep. The timers of a process do not follow the clock: one that was put forward, or a machine that slept, is noticed after so much. */
const LONGEST_SLEEP_MS = 30_000;
/** An occurrence that is noticed later than this is a missed one. More than a sleep, so that a small step of the clock misses nothing. */
export const PUNCTUAL_MS = 60_000;
/** An occurrence that is done and lies further ahead was no occurrence: the clock was wrong then. */
export const TRUSTED_BACK_MS = 3 * 3_600_000;

/** What has become due. */
export interface Look {
  /** Nothing at or before this time is due any more. */
  readonly last: number;
  /** The occurrence to run now. */
  readonly due: number | undefined;
  /** Occurrences whose time has passed without a run. */
  readonly missed: number;
  /** The last one of them; undefined when a due one came after it. */
  readonly missedLast: number | undefined;
}

/**
 * Looks at the clock. An occurrence is a moment in time and is there once, however often the clock shows it: a clock that was put back by up
 * to 3 hours runs none again and waits; one that was put back further was wrong before, and the schedule begins anew.
 * @param last - of the look before.
 */
export function lookAt(schedule: Schedule, last: number, now: number): Look {
  if (last - now > TRUSTED_BACK_MS) return { last: now, due: undefined, missed: 0, missedLast: undefined };
  const latest = schedule.latest(now);
  if (latest === undefined || latest <= last) return { last, due: undefined, missed: 0, missedLast: undefined };
  const before = schedule.count(last, latest);
  if (now - latest <= PUNCTUAL_MS) return { last: latest, due: latest, missed: before, missedLast: undefined };
  return { last: latest, due: undefined, missed: before + 1, missedLast: latest };
}

/** Who is told. */
export interface TickerEvents {
  onDue(occurrence: number): void;
  /** `last` is undefined when an occurrence that is due follows at once. */
  onMissed(count: number, last: number | undefined): void;
  /** The clock was put back; nothing is due before `next`. */
  onSetBack(next: number | undefined): void;
}

/** The timer of one entry. Start it once, stop it once. */
export class Ticker {
  readonly #schedule: Schedule;
  readonly #events: TickerEvents;
  #last: number;
  /** The clock at the look before. */
  #seen: number;
  #awaited: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param last - nothing at or before this time is due any more. */
  constructor(schedule: Schedule, last: number, events: TickerEvents) {
    this.#schedule = schedule;
    this.#last = last;
    this.#seen = last;
    this.#events = events;
  }

  /** The next occurrence; undefined when there is none any more. */
  get next(): number | undefined {
    return this.#schedule.next(Math.max(this.#last, Date.now()));
  }

  /** Looks at the clock now, and from then on in time. */
  start(): void {
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    // As long as the clock only went on, nothing has changed before the time that is waited for.
    const waits = this.#awaited !== undefined && now < this.#awaited && now >= this.#seen;
    const look = waits ? undefined : lookAt(this.#schedule, this.#last, now);
    if (look !== undefined) {
      this.#last = look.last;
      this.#awaited = this.next;
    }
    const left = (this.#awaited ?? Number.POSITIVE_INFINITY) - now;
    // Before anybody is told: whoever is told may stop this ticker.
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(left, 1), LONGEST_SLEEP_MS));
    const setBack = this.#seen - now > PUNCTUAL_MS;
    this.#seen = now;
    if (setBack) this.#events.onSetBack(this.#awaited);
    if (look === undefined) return;
    if (look.missed > 0) this.#events.onMissed(look.missed, look.missedLast);
    if (look.due !== undefined) this.#events.onDue(look.due);
  }
}
