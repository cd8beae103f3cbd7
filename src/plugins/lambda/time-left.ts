// How much time an invocation has.

/** Kept for the report of a failure, so that Lambda need not kill the environment: to end PHP takes 100 ms and more. */
const MARGIN_MS = 500;
/** Kept when even what had to end by itself has not. */
const LAST_MARGIN_MS = 200;
/** Longest run when the API does not say: that of Lambda. */
const LONGEST_MS = 15 * 60 * 1000;

/** The time of one invocation, counted from now. */
export interface TimeLeft {
  /** Milliseconds that PHP may take. */
  readonly runMs: number;
  /** Milliseconds after which a failure is reported whatever PHP does. */
  readonly reportMs: number;
}

/** @param deadlineMs - since 1970; 0 when it is not known. */
export function timeLeft(deadlineMs: number, now: number): TimeLeft {
  const left = deadlineMs === 0 ? LONGEST_MS : Math.max(0, deadlineMs - now);
  // Of a very short time half is for PHP.
  const runMs = Math.round(Math.max(left - MARGIN_MS, left / 2));
  return { runMs, reportMs: Math.round(Math.max(left - LAST_MARGIN_MS, (left * 3) / 4)) };
}
