// One process of a service and its life: started, watched, started again, stopped.

import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { formatDuration } from '../../core/scalars.ts';
import { backOff } from '../../pool/back-off.ts';
import { howItEnded } from '../../worker/failures.ts';
import type { SpawnedProgram } from '../../worker/spawn.ts';
import { ProgramRun, type RunEnd } from '../program/program-run.ts';

/** A run that ends sooner is one of those that make the next start wait longer. */
const SHORT_RUN_MS = 1000;

/** How a process is run; durations in milliseconds. */
export interface RunSettings {
  readonly execTimeout: number;
  readonly remainAfterExit: boolean;
  readonly restartDelay: number;
  readonly stopTimeout: number;
  /** Asks it to end. */
  readonly stopSignal: NodeJS.Signals;
}

/** What a process needs of its service. */
export interface ProcessSurroundings {
  readonly settings: RunSettings;
  /** Starts the program. Rejects when it cannot be started. */
  readonly spawn: () => Promise<SpawnedProgram>;
  /** For what it prints and what becomes of it. */
  readonly logger: Logger;
  /** Begins a log line: `service worker, process 2`. */
  readonly name: string;
  /** Told of every start but the first. */
  readonly onRestart: () => void;
}

/** One process of a service. Start it once; after {@link stop} it is over. */
export class SupervisedProcess {
  readonly #surroundings: ProcessSurroundings;
  #running: ProgramRun | undefined;
  #lastPid = 0;
  /** What became of the last run. */
  #ended = 'was not started yet';
  #shortRuns = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;
  /** Settles when no run is under way and what belonged to the last one is gone. */
  #over: Promise<void> = Promise.resolve();

  constructor(surroundings: ProcessSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Pid of the run that is under way, or of the last one; 0 before the first. */
  get pid(): number {
    return this.#running?.pid ?? this.#lastPid;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** What became of the last run, in words. */
  get ended(): string {
    return this.#ended;
  }

  /** True when it ended soon after its last starts, and has not run for longer since. */
  get failing(): boolean {
    const holds = this.#running !== undefined && performance.now() - this.#running.startedAt >= SHORT_RUN_MS;
    return this.#shortRuns > 1 && !holds;
  }

  /** The first start. Rejects with an RrtsError when the program cannot be started; nothing is tried again then. */
  async start(): Promise<void> {
    const begun = this.#begin();
    this.#over = begun.then(
      ({ ended }) => ended,
      () => undefined,
    );
    await begun;
  }

  /** The stop signal to the process group, after the time to stop SIGKILL. Settles when the group is gone. `graceMs` may shorten that time. */
  stop(graceMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    this.#stopping ??= this.#stop(Math.min(graceMs, this.#surroundings.settings.stopTimeout));
    return this.#stopping;
  }

  /** Kills the process group now; for the moment at which this process ends. */
  kill(): void {
    this.#running?.kill();
  }

  async #stop(graceMs: number): Promise<void> {
    clearTimeout(this.#restartTimer);
    this.#running?.end(graceMs);
    await this.#over;
  }

  async #begin(): Promise<{ readonly ended: Promise<void> }> {
    const program = await this.#surroundings.spawn();
    const { settings, logger } = this.#surroundings;
    const { execTimeout: timeoutMs, stopTimeout: stopMs, stopSignal } = settings;
    const limits = { timeoutMs, stopMs, stopSignal, onTooLong: () => this.#tooLong() };
    const run = new ProgramRun(program, logger, limits);
    this.#running = run;
    this.#lastPid = run.pid;
    const ended = run.ended.then((end) => this.#ranOut(end));
    if (this.#stopping !== undefined) run.end(0);
    return { ended };
  }

  #tooLong(): void {
    const { settings, logger, name } = this.#surroundings;
    logger.warn({}, `${name} ran longer than exec_timeout (${formatDuration(settings.execTimeout)}) and is ended`);
  }

  #ranOut({ code, signal, ranMs, tail }: RunEnd): void {
    const { settings, logger, name } = this.#surroundings;
    this.#running = undefined;
    const how = howItEnded(code, signal);
    this.#ended = `ended ${how}`;
    if (this.#stopping !== undefined) {
      logger.debug({}, `${name} is stopped: it ended ${how}`);
      return;
    }
    const well = code === 0;
    this.#shortRuns = ranMs < SHORT_RUN_MS ? this.#shortRuns + 1 : 0;
    const delay = Math.max(settings.restartDelay, backOff(this.#shortRuns));
    const then = settings.remainAfterExit ? `; it starts again in ${formatDuration(Math.ceil(delay))}` : '';
    const said = well || tail.length === 0 ? '' : `; it printed last: ${tail.join(' | ')}`;
    const text = `${name} ended ${how} after ${formatDuration(Math.round(ranMs))}${then}${said}`;
    if (well) logger.info({}, text);
    else logger.warn({ code, signal }, text);
    if (settings.remainAfterExit) this.#restartTimer = setTimeout(() => this.#restart(), delay);
  }

  #restart(): void {
    this.#over = this.#begin().then(
      ({ ended }) => {
        this.#surroundings.onRestart();
        return ended;
      },
      (error: unknown) => this.#notStarted(error),
    );
  }

  #notStarted(error: unknown): void {
    const { settings, logger, name } = this.#surroundings;
    this.#ended = messageOf(error);
    if (this.#stopping !== undefined) return;
    this.#shortRuns++;
    const delay = Math.max(settings.restartDelay, backOff(this.#shortRuns));
    logger.error({}, `${name}: ${messageOf(error)}; tried again in ${formatDuration(delay)}`);
    this.#restartTimer = setTimeout(() => this.#restart(), delay);
  }
}
