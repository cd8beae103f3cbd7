// One entry: when it is due, whether it may run, and what became of its runs.

import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { formatDuration } from '../../core/scalars.ts';
import { type EntryConfig, whatItDoes } from './config.ts';
import { perform } from './perform.ts';
import { type Action, failed, type Outcome, type Result } from './run.ts';
import { MOST_COUNTED, Schedule, systemTimezone } from './schedule.ts';
import type { SharedLock } from './shared-lock.ts';
import { StateFile } from './state-file.ts';
import { Ticker } from './ticker.ts';

/** Runs of one entry side by side, with overlap allow: what on top of it begins would only make all of them slower. */
const MOST_RUNS = 100;

/** What entries work with. */
export interface EntryHost {
  readonly logger: Logger;
  /** Working directory of the application. */
  readonly directory: string;
  /** Undefined where no locks are shared with other servers. */
  readonly lock: SharedLock | undefined;
  actionOf(config: EntryConfig): Action;
}

/** An entry, as callers are shown it; times in milliseconds since 1970. */
export interface EntryReport {
  readonly name: string;
  readonly schedule: string;
  readonly timezone: string;
  /** In a few words. */
  readonly does: string;
  /** Next occurrence; null when there is none any more. */
  readonly next: number | null;
  /** When the last run that is over began; null before the first one. */
  readonly last: number | null;
  /** What became of it; an occurrence that was skipped counts. */
  readonly result: Result | null;
  readonly message: string;
  /** How long it took. */
  readonly seconds: number | null;
  /** Runs that are under way. */
  readonly running: number;
  /** Occurrences that passed while the server was down or asleep, since its start. */
  readonly missed: number;
}

/** A run that is over. */
export type RunReport = Outcome & { readonly began: number; readonly seconds: number };

/** An entry. Start it once, stop it once. */
export class Entry {
  readonly name: string;
  /** Runs that are over, by result. */
  readonly counts = new Map<Result, number>();
  missed = 0;
  readonly #host: EntryHost;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #cut = new AbortController();
  readonly #running = new Set<Promise<RunReport>>();
  /** One for each of those that wait what becomes of their occurrence on another server. */
  readonly #watches = new Set<AbortController>();
  #config: EntryConfig;
  #schedule: Schedule;
  #ticker: Ticker | undefined;
  /** Where what it ran is kept; undefined when that is not wanted. */
  #state: StateFile | undefined;
  /** One for its whole life: two would write over one another. */
  #file: StateFile | undefined;
  #last: RunReport | undefined;
  #lastRun: RunReport | undefined;

  constructor(name: string, config: EntryConfig, host: EntryHost) {
    this.name = name;
    this.#host = host;
    this.#config = config;
    this.#logger = host.logger.child({ entry: name });
    this.#schedule = scheduleOf(config);
    // Each run listens.
    setMaxListeners(0, this.#stopping.signal, this.#cut.signal);
  }

  get config(): EntryConfig {
    return this.#config;
  }

  /** Runs that are under way. */
  get running(): number {
    return this.#running.size - this.#watches.size;
  }

  /** The last run that was done or failed; occurrences that were skipped or left to another server are none. */
  get lastRun(): RunReport | undefined {
    return this.#lastRun;
  }

  get report(): EntryReport {
    const { text, timezone } = this.#schedule;
    return {
      name: this.name,
      schedule: text,
      timezone,
      does: whatItDoes(this.#config),
      next: this.#ticker?.next ?? null,
      last: this.#last?.began ?? null,
      result: this.#last?.result ?? null,
      message: this.#last?.message ?? '',
      seconds: this.#last?.seconds ?? null,
      running: this.running,
      missed: this.missed,
    };
  }

  /** From now on it runs when it is due. @throws RrtsError ERR_STORE when it cannot keep what it ran. */
  start(): void {
    if (this.#stopping.signal.aborted) return;
    const now = Date.now();
    const kept = this.#openState()?.read();
    // From the first start on, so that the first occurrence can be missed too.
    if (kept === undefined) void this.#state?.write(now);
    this.#ticker = new Ticker(this.#schedule, kept ?? now, {
      onDue: (occurrence) => void this.#begin(occurrence, false),
      onMissed: (count, last) => this.#onMissed(count, last),
      onSetBack: (next) => this.#onSetBack(next),
    });
    this.#ticker.start();
  }

  /** Takes over a changed configuration, after {@link retire} too. Runs that are under way go on as they began. @throws as {@link start}. */
  configure(config: EntryConfig): void {
    const { schedule, timezone, missed } = this.#config;
    this.#config = config;
    const same = isDeepStrictEqual([schedule, timezone, missed], [config.schedule, config.timezone, config.missed]);
    // What it has seen stays known when its times stay the same.
    if (same && this.#ticker !== undefined) return;
    this.#ticker?.stop();
    this.#schedule = scheduleOf(config);
    this.start();
  }

  /** One run now. Respects `overlap`; the occurrence that comes next comes all the same. */
  run(): Promise<RunReport> {
    return this.#begin(Date.now(), true);
  }

  /** Begins no further run. Settles when those that are under way are over: commands are ended, and after `graceMs` all is. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.retire();
    const timer = setTimeout(() => this.#cut.abort(), graceMs);
    await this.over();
    clearTimeout(timer);
  }

  /** Begins no further run; those that are under way go on. */
  retire(): void {
    this.#ticker?.stop();
    this.#ticker = undefined;
    this.#leaveWatches();
  }

  /** Settles when nothing runs and nothing is being written. */
  async over(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#file?.settled();
  }

  /** Kills what runs, for the moment at which this process ends. */
  kill(): void {
    this.#cut.abort();
  }

  #openState(): StateFile | undefined {
    this.#state = undefined;
    if (this.#config.missed === 'skip') return undefined;
    this.#file ??= new StateFile(this.#host.directory, this.name, this.#logger);
    this.#file.follow(this.#schedule);
    this.#state = this.#file;
    return this.#file;
  }

  #leaveWatches(): void {
    for (const watch of this.#watches) watch.abort();
  }

  #begin(occurrence: number, byHand: boolean): Promise<RunReport> {
    // What waited on another server has had its time.
    if (!byHand) this.#leaveWatches();
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      if (!byHand) void this.#state?.write(occurrence);
      return Promise.resolve(this.#over({ result: 'skipped', message: refusal }, Date.now(), 0));
    }
    const run = this.#run(occurrence, byHand);
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
    return run;
  }

  /** Why no run may begin now. */
  #refusal(): string | undefined {
    if (this.#stopping.signal.aborted) return 'the server stops';
    if (this.running === 0) return undefined;
    if (this.#config.overlap === 'skip') return 'the run before it is under way';
    return this.running < MOST_RUNS ? undefined : `${MOST_RUNS} runs are under way`;
  }

  /** Never rejects: what went wrong is what became of it. */
  async #run(occurrence: number, byHand: boolean): Promise<RunReport> {
    const [began, from] = [Date.now(), performance.now()];
    const config = this.#config;
    const outcome = await perform({
      name: this.name,
      config,
      schedule: this.#schedule,
      occurrence,
      byHand,
      action: this.#host.actionOf(config),
      lock: config.lock === false ? undefined : this.#host.lock,
      state: this.#state,
      watches: this.#watches,
      logger: this.#logger,
      stopping: this.#stopping.signal,
      cut: this.#cut.signal,
    }).catch((error: unknown) => failed(messageOf(error)));
    return this.#over(outcome, began, performance.now() - from);
  }

  #over(outcome: Outcome, began: number, ms: number): RunReport {
    const { result, message } = outcome;
    this.counts.set(result, (this.counts.get(result) ?? 0) + 1);
    this.#last = { result, message, began, seconds: Math.round(ms) / 1000 };
    if (result === 'done' || result === 'failed') this.#lastRun = this.#last;
    const what = `cron ${this.name}`;
    const time = formatDuration(Math.max(1, Math.round(ms)));
    if (result === 'done') this.#logger.info({}, `${what}: done in ${time}`);
    else if (result === 'failed') this.#logger.warn({}, `${what} failed after ${time}: ${message}`);
    else if (result === 'skipped') this.#logger.info({}, `${what} is skipped: ${message}`);
    else this.#logger.debug({}, `${what}: ${message}`);
    return this.#last;
  }

  #onMissed(count: number, last: number | undefined): void {
    this.missed += count;
    const more = count >= MOST_COUNTED ? ' or more' : '';
    const number = count === 1 ? 'an occurrence' : `${count}${more} occurrences`;
    const once = last !== undefined && this.#config.missed === 'run_once';
    const then = once ? ', for which it runs once now' : '';
    this.#logger.warn({}, `cron ${this.name} missed ${number} while the server was down, asleep or busy${then}`);
    if (once) void this.#begin(last, false);
    else if (last !== undefined) void this.#state?.write(last);
  }

  #onSetBack(next: number | undefined): void {
    const then = next === undefined ? 'nothing is due any more' : `it is due again at ${new Date(next).toISOString()}`;
    this.#logger.warn({}, `the clock was put back; cron ${this.name} runs no occurrence twice, and ${then}`);
  }
}

function scheduleOf({ schedule, timezone = systemTimezone() }: EntryConfig): Schedule {
  return new Schedule(schedule, timezone);
}
