// One run of a program beside the workers: what it prints goes to the log, it is ended as a group, and nothing of it is left behind.

import type { Logger } from '../../core/logger.ts';
import { afterLastWords } from '../../worker/last-words.ts';
import { WorkerOutput } from '../../worker/output.ts';
import type { SpawnedProgram } from '../../worker/spawn.ts';

/** After SIGKILL the kernel needs a moment; longer than this it is not waited for. */
const AFTER_KILL_MS = 2000;
/** How often is looked whether what the program had started is gone too. */
const LOOK_EVERY_MS = 20;

/** How a run is watched; durations in milliseconds. */
export interface RunLimits {
  /** Longest run; 0 for no limit. */
  readonly timeoutMs: number;
  /** Between the signal that asks it to end and SIGKILL, when it takes longer. */
  readonly stopMs: number;
  /** Asks it to end. Default: SIGINT. */
  readonly stopSignal?: NodeJS.Signals;
  /** Told when it takes longer, before it is ended. */
  readonly onTooLong: () => void;
}

/** How a run ended. */
export interface RunEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ranMs: number;
  /** The last lines it printed; escaped. */
  readonly tail: readonly string[];
}

/** A program that runs. */
export class ProgramRun {
  readonly pid: number;
  /** Settles when it is over and nothing of its process group is left. Never rejects. */
  readonly ended: Promise<RunEnd>;
  readonly startedAt = performance.now();
  readonly #program: SpawnedProgram;
  readonly #stopSignal: NodeJS.Signals;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    program: SpawnedProgram,
    logger: Logger,
    { timeoutMs, stopMs, stopSignal = 'SIGINT', onTooLong }: RunLimits,
  ) {
    this.pid = program.pid;
    this.#program = program;
    this.#stopSignal = stopSignal;
    this.ended = this.#watch(logger.child({ pid: program.pid }));
    if (timeoutMs === 0) return;
    this.#timer = setTimeout(() => {
      onTooLong();
      this.end(stopMs);
    }, timeoutMs);
  }

  /** The signal to the process group, after `graceMs` SIGKILL; with 0 SIGKILL at once. What it leaves in its group is killed when it is gone. */
  end(graceMs: number): void {
    clearTimeout(this.#timer);
    const program = this.#program;
    program.kill(graceMs > 0 ? this.#stopSignal : 'SIGKILL');
    const kill = setTimeout(() => program.kill('SIGKILL'), graceMs);
    program.process.once('exit', () => clearTimeout(kill));
  }

  /** Kills the process group now; for the moment at which this process ends. */
  kill(): void {
    this.#program.kill('SIGKILL');
  }

  #watch(logger: Logger): Promise<RunEnd> {
    const program = this.#program;
    const sockets = [program.stdout, program.stderr];
    const outputs = sockets.map((socket) => {
      const output = new WorkerOutput(logger);
      socket.on('data', (chunk: Buffer) => output.push(chunk));
      return output;
    });
    return new Promise((resolve) => {
      program.process.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
        clearTimeout(this.#timer);
        // Its end may be told in the same turn as its start.
        const ranMs = Math.max(1, performance.now() - this.startedAt);
        void this.#clearGroup().then(() => {
          afterLastWords(sockets, () => {
            for (const output of outputs) output.flush();
            for (const socket of sockets) socket.destroy();
            resolve({ code, signal, ranMs, tail: outputs.flatMap((output) => output.tail) });
          });
        });
      });
    });
  }

  /** What a program started and left behind would outlive the next run, or this server. */
  async #clearGroup(): Promise<void> {
    this.#program.kill('SIGKILL');
    const deadline = performance.now() + AFTER_KILL_MS;
    while (groupLives(this.pid) && performance.now() < deadline) await pause(LOOK_EVERY_MS);
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
