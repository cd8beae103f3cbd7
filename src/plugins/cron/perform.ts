// One run from its time to its end: by chance a little later, once across all servers, kept on disk.

import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { type Claim, claim, UNSHARED } from './claim.ts';
import type { EntryConfig } from './config.ts';
import { type Action, ELSEWHERE, type Outcome, type RunContext } from './run.ts';
import type { Schedule } from './schedule.ts';
import { RUN_TTL_MS, type SharedLock } from './shared-lock.ts';
import { sleep } from './sleep.ts';
import type { StateFile } from './state-file.ts';

/** What is to be run. */
export interface Order {
  readonly name: string;
  readonly config: EntryConfig;
  readonly schedule: Schedule;
  readonly occurrence: number;
  /** Somebody wants it now: it is no occurrence of the schedule. */
  readonly byHand: boolean;
  readonly action: Action;
  /** Undefined where no locks are shared with other servers. */
  readonly lock: SharedLock | undefined;
  /** Undefined where what was missed is not wanted. */
  readonly state: StateFile | undefined;
  /** Where the run stands while it waits what becomes of it on another server: it is not under way then. */
  readonly watches: Set<AbortController>;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
  readonly cut: AbortSignal;
}

const NOT_BEGUN: Outcome = { result: 'skipped', message: 'the server stopped before it began' };

/** Settles when nothing of the run is left. Rejects when locks cannot be had, or with what the action throws. */
export async function perform(order: Order): Promise<Outcome> {
  const { config, stopping, byHand } = order;
  if (byHand) return holding(order, UNSHARED);
  await sleep(Math.random() * config.jitter, stopping);
  // Not kept on disk: it counts as missed after the restart.
  if (stopping.aborted) return NOT_BEGUN;
  const claimed = await claimOf(order);
  if (claimed === undefined) {
    if (stopping.aborted) return NOT_BEGUN;
    await keep(order);
    return ELSEWHERE;
  }
  try {
    return await holding(order, claimed);
  } finally {
    // A job that was not pushed has not run anywhere: whoever waits for it, or finds that it was missed, may push it.
    await claimed.end();
  }
}

async function claimOf({ name, config, schedule, occurrence, lock, stopping, watches }: Order) {
  if (lock === undefined) return UNSHARED;
  const next = (schedule.next(occurrence) ?? occurrence) + config.jitter;
  return claim(lock, { name, occurrence, next, stopping, watches });
}

/** With `overlap: skip` no two servers run the same at once. Jobs see to that by their unique key, for as long as they wait and run. */
async function holding(order: Order, claimed: Claim): Promise<Outcome> {
  const { name, config, lock, stopping } = order;
  if (lock === undefined || config.overlap === 'allow' || config.job !== undefined) return act(order, claimed);
  // A server that died before this one took over may hold the run still.
  const held = await lock.hold(name, stopping, claimed.waitedMs > 0 ? RUN_TTL_MS : 0);
  if (held === undefined) {
    if (stopping.aborted) return NOT_BEGUN;
    await claimed.begin();
    await keep(order);
    return { result: 'skipped', message: 'another server runs it' };
  }
  try {
    return await act(order, claimed);
  } finally {
    await held.release();
  }
}

function act(order: Order, claimed: Claim): Promise<Outcome> {
  return order.config.job === undefined ? actOnce(order, claimed) : push(order, claimed);
}

/** What has begun does not begin again when the server dies in the middle: nobody knows what of it is done. */
async function actOnce(order: Order, claimed: Claim): Promise<Outcome> {
  if (order.stopping.aborted && !order.byHand) return NOT_BEGUN;
  const first = await claimed.begin();
  await keep(order);
  return first ? order.action(contextOf(order, claimed, order.config.timeout)) : ELSEWHERE;
}

/** A job is there or not, and its unique key stands against a second one: it is settled when it is there. */
async function push(order: Order, claimed: Claim): Promise<Outcome> {
  const { name, config, action, logger } = order;
  // Servers that try one after the other have the time of one.
  const timeoutMs = config.timeout === 0 ? 0 : Math.max(config.timeout - claimed.waitedMs, 1);
  const outcome = await action(contextOf(order, claimed, timeoutMs));
  if (outcome.result === 'failed') return outcome;
  await keep(order);
  if (outcome.result === 'elsewhere') return outcome;
  await claimed.begin().catch((error: unknown) => {
    logger.warn({}, `cron ${name}: another server may push the job once more: ${messageOf(error)}`);
  });
  return outcome;
}

function contextOf(order: Order, claimed: Claim, timeoutMs: number): RunContext {
  const { name, occurrence, logger, stopping, cut } = order;
  return { name, occurrence, timeoutMs, logger, stopping, cut, isOurs: () => claimed.isOurs() };
}

async function keep({ byHand, state, occurrence }: Order): Promise<void> {
  if (!byHand) await state?.write(occurrence);
}
