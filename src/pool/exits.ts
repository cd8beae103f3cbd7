// Why workers ended: counted since the start, and the last ones one by one.

import type { ExitReason } from '../worker/exit-reason.ts';
import type { RecentExit } from './stats.ts';

const RECENT = 20;

/** The ends of the workers of one pool. */
export class Exits {
  readonly #counts = new Map<ExitReason, number>();
  readonly #recent: RecentExit[] = [];

  /** Counted since the start, by reason. */
  get counts(): ReadonlyMap<ExitReason, number> {
    return new Map(this.#counts);
  }

  /** The last 20, the newest at the end. */
  get recent(): readonly RecentExit[] {
    return [...this.#recent];
  }

  /** One more ended. */
  add(pid: number, reason: ExitReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#recent.push({ pid, reason, at: Date.now() });
    if (this.#recent.length > RECENT) this.#recent.shift();
  }
}
