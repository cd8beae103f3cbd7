// Which of several servers runs an occurrence. A short lease says who is about to; a long lock says that somebody did, and nobody does it again.

import type { SharedLock } from './shared-lock.ts';
import { sleep } from './sleep.ts';

/** When the server that is about to run an occurrence dies, another one may so much later. */
export const LEASE_MS = 10_000;
/** Clocks of two servers may differ by so much, and one may be put back by it, without a second run. */
const SKEW_MS = 3_600_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/** Which occurrence. */
export interface ClaimWish {
  /** Of the entry. */
  readonly name: string;
  readonly occurrence: number;
  /** When the occurrence after it is run at the latest. */
  readonly next: number;
  /** Default: {@link LEASE_MS}. */
  readonly leaseMs?: number | undefined;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
  /** Where it stands while another server has the lease. Whoever aborts it leaves the occurrence to that one. */
  readonly watches: Set<AbortController>;
}

/** The right to run an occurrence. {@link end} it once. */
export interface Claim {
  /** How long another server had it. */
  readonly waitedMs: number;
  /** Settles the occurrence: it has begun, or is not to be run at all. False when another server was faster. Rejects when the locks cannot be had. */
  begin(): Promise<boolean>;
  /** Whether it is ours still. Rejects when the locks cannot be had. */
  isOurs(): Promise<boolean>;
  /** Gives it back, unless it has begun. Later calls do nothing. */
  end(): Promise<void>;
}

/** The claim where no other server asks. */
export const UNSHARED: Claim = {
  waitedMs: 0,
  begin: () => Promise.resolve(true),
  isOurs: () => Promise.resolve(true),
  end: () => Promise.resolve(),
};

/**
 * Claims an occurrence. While another server has the lease it waits what becomes of it: that server begins, gives it back, or dies.
 * @returns undefined when another server ran it, or when the wait was ended. Rejects when the locks cannot be had for a minute.
 */
export async function claim(lock: SharedLock, wish: ClaimWish): Promise<Claim | undefined> {
  const leased = new LeasedClaim(lock, wish);
  if (await leased.take()) return leased;
  if (leased.begun || !(await watch(leased, wish))) return undefined;
  return leased;
}

/** @returns false when another server ran it, or when this was ended. */
async function watch(leased: LeasedClaim, { watches, stopping }: ClaimWish): Promise<boolean> {
  const ended = new AbortController();
  const { signal } = ended;
  watches.add(ended);
  if (stopping.aborted) ended.abort();
  try {
    for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      await sleep(pause, signal);
      // Without an answer nothing is known: it is asked again, for as long as nobody ends this.
      const taken = await leased.takeOver(signal).catch(() => false);
      if (taken && !signal.aborted) return true;
      if (taken) await leased.end();
      if (leased.begun) return false;
    }
    return false;
  } finally {
    watches.delete(ended);
  }
}

class LeasedClaim implements Claim {
  waitedMs = 0;
  /** Some server has begun it. */
  begun = false;
  readonly #lock: SharedLock;
  readonly #stopping: AbortSignal;
  readonly #since = performance.now();
  /** Long: until a server whose clock is behind has passed the time too, and one that was down until then looks for what it missed. */
  readonly #begunLock: string;
  readonly #begunMs: number;
  readonly #lease: string;
  readonly #leaseMs: number;
  #refresh: NodeJS.Timeout | undefined;

  constructor(lock: SharedLock, { name, occurrence, next, stopping, leaseMs = LEASE_MS }: ClaimWish) {
    this.#lock = lock;
    this.#stopping = stopping;
    this.#begunLock = `cron:${name}:${new Date(occurrence).toISOString()}`;
    this.#begunMs = Math.max(next - occurrence, 0) + SKEW_MS;
    this.#lease = `${this.#begunLock}:lease`;
    this.#leaseMs = leaseMs;
  }

  /** Asks first. */
  async take(): Promise<boolean> {
    return (await this.#lock.acquire(this.#lease, this.#leaseMs, this.#stopping)) && this.#hasTaken();
  }

  /** Asks again, when another server had the lease. */
  async takeOver(signal: AbortSignal): Promise<boolean> {
    if (await this.#hasBegun(signal)) return false;
    if (!(await this.#lock.tryAcquire(this.#lease, this.#leaseMs))) return false;
    this.waitedMs = performance.now() - this.#since;
    return this.#hasTaken();
  }

  async begin(): Promise<boolean> {
    const first = await this.#lock.acquire(this.#begunLock, this.#begunMs, this.#stopping);
    await this.end();
    return first;
  }

  async isOurs(): Promise<boolean> {
    if (await this.#lock.prolong(this.#lease, this.#leaseMs)) return true;
    // It ended while the locks were away. Perhaps nobody else has taken it.
    return (await this.#lock.tryAcquire(this.#lease, this.#leaseMs)) && !(await this.#hasBegun(this.#stopping));
  }

  async end(): Promise<void> {
    if (this.#refresh === undefined) return;
    clearInterval(this.#refresh);
    this.#refresh = undefined;
    await this.#lock.release(this.#lease);
  }

  async #hasTaken(): Promise<boolean> {
    this.#refresh = setInterval(() => void this.#prolong(), this.#leaseMs / 3);
    try {
      // Whoever had the lease before may have begun.
      if (!(await this.#hasBegun(this.#stopping))) return true;
    } catch (error) {
      await this.end();
      throw error;
    }
    await this.end();
    return false;
  }

  async #hasBegun(signal: AbortSignal): Promise<boolean> {
    this.begun = await this.#lock.isHeld(this.#begunLock, signal);
    return this.begun;
  }

  async #prolong(): Promise<void> {
    // One that was lost is noticed where it matters: before a job is pushed, and when the run begins.
    await this.#lock.prolong(this.#lease, this.#leaseMs).catch(() => undefined);
  }
}
