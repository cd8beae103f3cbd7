// One process of a service and its life: started, watched, started again, stopped.

import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { formatDuration } from '../../core/scalars.ts';
import { backOff } from '../../pool/back-off.ts';
import { howItEnded } from '../../worker/failures.ts';
import { afterLastWords } from '../../worker/last-words.ts';
import { WorkerOutput } from '../../worker/output.ts';
import type { SpawnedProgram } from '../../worker/spawn.ts';

/** A run that ends sooner is one of those that make the next start wait longer. */
const SHORT_RUN_MS = 1000;
/** After SIGKILL the kernel needs a moment; longer than this it is not waited for. */
const AFTER_KILL_MS = 2000;
/** How often is looked whether what the process had started is gone too. */
const LOOK_EVERY_MS = 20;

/** How a process is run; durations in milliseconds. */
export interface RunSettings {
  readonly execTimeout: number;
  readonly remainAfterExit: boolean;
  readonly restartDelay: number;
  readonly stopTimeout: number;
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
  #running: SpawnedProgram | undefined;
  #lastPid = 0;
  #startedAt = 0;
  /** What became of the last run. */
  #ended = 'was not started yet';
  #shortRuns = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #execTimer: NodeJS.Timeout | undefined;
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
    const holds = this.#running !== undefined && performance.now() - this.#startedAt >= SHORT_RUN_MS;
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

  /** SIGINT to the process group, after the time to stop SIGKILL. Settles when the group is gone. `graceMs` may shorten that time. */
  stop(graceMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    this.#stopping ??= this.#stop(Math.min(graceMs, this.#surroundings.settings.stopTimeout));
    return this.#stopping;
  }

  /** Kills the process group now; for the moment at which this process ends. */
  kill(): void {
    this.#running?.kill('SIGKILL');
  }

  async #stop(graceMs: number): Promise<void> {
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#execTimer);
    const program = this.#running;
    if (program !== undefined) this.#endRun(program, graceMs);
    await this.#over;
  }

  async #begin(): Promise<{ readonly ended: Promise<void> }> {
    const program = await this.#surroundings.spawn();
    return { ended: this.#watch(program) };
  }

  /** Settles when the run has ended. */
  #watch(program: SpawnedProgram): Promise<void> {
    const { settings, logger } = this.#surroundings;
    const bound = logger.child({ pid: program.pid });
    const outputs = [new WorkerOutput(bound), new WorkerOutput(bound)] as const;
    program.stdout.on('data', (chunk: Buffer) => outputs[0].push(chunk));
    program.stderr.on('data', (chunk: Buffer) => outputs[1].push(chunk));
    this.#startedAt = performance.now();
    this.#running = program;
    this.#lastPid = program.pid;
    const ended = new Promise<void>((resolve) => {
      program.process.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
        clearTimeout(this.#execTimer);
        void this.#clearGroup(program).then(() => {
          afterLastWords([program.stdout, program.stderr], () => {
            for (const output of outputs) output.flush();
            for (const socket of [program.stdout, program.stderr]) socket.destroy();
            const tail = [...outputs[0].tail, ...outputs[1].tail];
            this.#ranOut(code, signal, performance.now() - this.#startedAt, tail);
            resolve();
          });
        });
      });
    });
    if (settings.execTimeout > 0) {
      this.#execTimer = setTimeout(() => this.#tooLong(program), settings.execTimeout);
    }
    if (this.#stopping !== undefined) this.#endRun(program, 0);
    return ended;
  }

  #tooLong(program: SpawnedProgram): void {
    const { settings, logger, name } = this.#surroundings;
    logger.warn({}, `${name} ran longer than exec_timeout (${formatDuration(settings.execTimeout)}) and is ended`);
    this.#endRun(program, settings.stopTimeout);
  }

  /** The ladder. What the process left in its group is killed when it is gone: see {@link #clearGroup}. */
  #endRun(program: SpawnedProgram, graceMs: number): void {
    clearTimeout(this.#execTimer);
    if (graceMs > 0) program.kill('SIGINT');
    else program.kill('SIGKILL');
    const kill = setTimeout(() => program.kill('SIGKILL'), graceMs);
    program.process.once('exit', () => clearTimeout(kill));
  }

  /** What a process started and left behind would outlive the next run, or this server. */
  async #clearGroup(program: SpawnedProgram): Promise<void> {
    program.kill('SIGKILL');
    const deadline = performance.now() + AFTER_KILL_MS;
    while (groupLives(program.pid) && performance.now() < deadline) await pause(LOOK_EVERY_MS);
  }

  #ranOut(code: number | null, signal: NodeJS.Signals | null, ranMs: number, tail: readonly string[]): void {
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

function groupLives(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
