// What a run of an entry is, whatever it does.

import type { Logger } from '../../core/logger.ts';

/** `elsewhere`: another server runs, or ran, this occurrence. */
export type Result = 'done' | 'failed' | 'skipped' | 'elsewhere';

/** How a run ended. */
export interface Outcome {
  readonly result: Result;
  /** Why, in a few words; empty when it is done. */
  readonly message: string;
}

/** One run, for the action that it is of. */
export interface RunContext {
  /** Of the entry. */
  readonly name: string;
  /** The time it is for, in milliseconds since 1970. */
  readonly occurrence: number;
  /** Longest run; 0 for no limit. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Aborts when the server stops: what can be ended is asked to end. */
  readonly stopping: AbortSignal;
  /** Aborts when the time for that is over: end at once. */
  readonly cut: AbortSignal;
  /** Whether no other server has taken the occurrence over meanwhile. Rejects when that cannot be told. */
  isOurs(): Promise<boolean>;
}

/** Does what an entry is there for. Settles when nothing of it is left. What it rejects with is a failure too. */
export type Action = (run: RunContext) => Promise<Outcome>;

/** It is done. */
export const DONE: Outcome = { result: 'done', message: '' };

/** Another server runs, or ran, this occurrence. */
export const ELSEWHERE: Outcome = { result: 'elsewhere', message: 'another server has this occurrence' };

/** It failed. */
export function failed(message: string): Outcome {
  return { result: 'failed', message };
}

/** What tells a job, a request and a program which occurrence it is for: `rrts-cron` and `rrts-cron-time`. */
export function occurrenceFacts({ name, occurrence }: RunContext): readonly [name: string, time: string] {
  return [name, new Date(occurrence).toISOString()];
}
