// Why workers end: one word each, the same in logs, metrics and the view.

/** Every reason. docs/workers.md says what each means. */
export const EXIT_REASONS = [
  'died',
  'boot',
  'exec_ttl',
  'stream_timeout',
  'malformed_reply',
  'max_worker_memory_hard',
  'max_worker_memory',
  'max_jobs',
  'ttl',
  'idle_ttl',
  'reset',
  'surplus',
  'stop_wish',
  'out_of_step',
  'cancelled',
  'stop',
] as const;

/** Why a worker ends. */
export type ExitReason = (typeof EXIT_REASONS)[number];

const FAULTS: ReadonlySet<ExitReason> = new Set([
  'died',
  'boot',
  'exec_ttl',
  'stream_timeout',
  'malformed_reply',
  'max_worker_memory_hard',
  'out_of_step',
]);

/** True when something went wrong; the other ends are planned. */
export function isFault(reason: ExitReason): boolean {
  return FAULTS.has(reason);
}
