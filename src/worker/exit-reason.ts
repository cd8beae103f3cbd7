// Why workers end: one word each, the same in logs, metrics and the view.

/** Every reason, and whether something went wrong; the other ends are planned. docs/workers.md says what each means. */
const IS_FAULT = {
  died: true,
  boot: true,
  exec_ttl: true,
  stream_timeout: true,
  malformed_reply: true,
  max_worker_memory_hard: true,
  out_of_step: true,
  max_worker_memory: false,
  max_jobs: false,
  ttl: false,
  idle_ttl: false,
  reset: false,
  surplus: false,
  stop_wish: false,
  cancelled: false,
  stop: false,
} as const;

/** Why a worker ends. */
export type ExitReason = keyof typeof IS_FAULT;

/** Every reason. */
export const EXIT_REASONS = Object.keys(IS_FAULT) as readonly ExitReason[];

/** True when something went wrong. */
export function isFault(reason: ExitReason): boolean {
  return IS_FAULT[reason];
}
