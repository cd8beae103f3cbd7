// One run from its time to its end: by chance a little later, once across all servers, kept on disk.

import type { Logger } from '../../core/logger.ts';
import type { EntryConfig } from './config.ts';
import type { Action, Outcome } from './run.ts';
import type { Schedule } from './schedule.ts';
import type { HeldLock, SharedLock } from './shared-lock.ts';
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
  readonly logger: Logger;
  readonly stopping: AbortSignal;
  readonly cut: AbortSignal;
}

/** Settles when nothing of the run is left. Rejects when locks cannot be had, or with what the action throws. */
export async function perform(order: Order): Promise<Outcome> {
  const { config, stopping, byHand } = order;
  if (byHand) return holding(order);
  await sleep(Math.random() * config.jitter, stopping);
  // Not kept on disk: it counts as missed after the restart.
  if (stopping.aborted) return { result: 'skipped', message: 'the server stopped before it began' };
  if (!(await claim(order))) {
    await order.state?.write(order.occurrence);
    return { result: 'elsewhere', message: 'another server has this occurrence' };
  }
  try {
    const outcome = await holding(order);
    if (outcome.result === 'failed' && config.job !== undefined) await unclaim(order);
    return outcome;
  } catch (error) {
    await unclaim(order);
    throw error;
  }
}

async function claim({ name, config, schedule, occurrence, lock, stopping }: Order): Promise<boolean> {
  if (lock === undefined) return true;
  const next = schedule.next(occurrence) ?? occurrence;
  return lock.claim(name, occurrence, next + config.jitter, stopping);
}

/** A job that was not pushed has not run anywhere: whoever finds that it was missed may push it. */
async function unclaim({ name, occurrence, lock }: Order): Promise<void> {
  await lock?.unclaim(name, occurrence);
}

/** With `overlap: skip` no two servers run the same at once. Jobs see to that by their unique key, for as long as they wait and run. */
async function holding(order: Order): Promise<Outcome> {
  const { name, config, lock, stopping } = order;
  if (lock === undefined || config.overlap === 'allow' || config.job !== undefined) return act(order);
  const held: HeldLock | undefined = await lock.hold(name, stopping);
  if (held === undefined) {
    await keep(order);
    return { result: 'skipped', message: 'another server runs it' };
  }
  try {
    return await act(order);
  } finally {
    await held.release();
  }
}

async function act(order: Order): Promise<Outcome> {
  const { name, config, occurrence, action, logger, stopping, cut } = order;
  const context = { name, occurrence, timeoutMs: config.timeout, logger, stopping, cut };
  // What has begun does not begin again when the server dies in the middle; a job is there or not, and its unique key stands against a second one.
  if (config.job === undefined) await keep(order);
  const outcome = await action(context);
  if (config.job !== undefined && outcome.result !== 'failed') await keep(order);
  return outcome;
}

async function keep({ byHand, state, occurrence }: Order): Promise<void> {
  if (!byHand) await state?.write(occurrence);
}
