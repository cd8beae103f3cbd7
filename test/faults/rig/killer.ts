// Kills random workers at regular times while a test loads the server.

import { setTimeout as pause } from 'node:timers/promises';
import { kill } from '../../helpers/processes.ts';
import type { StandardApp } from './standard-app.ts';

/** What bounds the kills. */
export interface KillLimits {
  /** While there are no more workers than these they are left alone: where a boot takes longer than a round nothing would run any more. Default: 0. */
  readonly keep?: number;
  /** Most kills. Default: no limit. */
  readonly most?: number;
  /** Asked before each kill; while it says no, nobody is killed. Default: always yes. */
  readonly mayKill?: () => boolean;
}

/** SIGKILL to a random worker every `everyMs`, until the returned function is called; that one gives the number of kills. */
export function killRegularly(
  app: Pick<StandardApp, 'workers'>,
  everyMs: number,
  { keep = 0, most = Number.POSITIVE_INFINITY, mayKill = () => true }: KillLimits = {},
): () => Promise<number> {
  const enough = new AbortController();
  let kills = 0;
  const begin = performance.now();
  const run = async () => {
    for (let next = begin + everyMs; kills < most; next += everyMs) {
      await pause(Math.max(0, next - performance.now()), undefined, { signal: enough.signal });
      const workers = app.workers();
      const victim = workers[Math.floor(Math.random() * workers.length)];
      if (victim !== undefined && workers.length > keep && mayKill() && kill(victim.pid, 'SIGKILL')) kills++;
    }
  };
  const done = run().catch(() => {});
  return async () => {
    enough.abort();
    await done;
    return kills;
  };
}
