// The requests a worker has: the one it runs, and those that were sent ahead and wait in its pipe.

import type { Exchange } from './exchange.ts';

/** Weight of the newest handling time in the running average. */
const NEWEST = 0.2;

/** Takes the place of a request that was taken back or whose client left: its reply still comes, and is dropped. */
class Void implements Exchange {
  replyStarted = false;
  readonly execTtl = undefined;
  readonly label = '(nobody waits for it any more)';
  encode(): never {
    throw new Error('was sent already');
  }
  onReply(): boolean {
    return true;
  }
}

/** A worker answers in order, so the first request in line is the only one that it can have begun. Times are `performance.now()`. */
export class Line {
  readonly #held: Exchange[] = [];
  /** The worker says when it begins a request that was sent ahead. */
  readonly #announced: boolean;
  #current: Exchange | undefined;
  #begun = false;
  /** How many of the running and the held requests nobody waits for. */
  #voids = 0;
  #begunAt = 0;
  #averageMs = 0;
  #tookMs = 0;

  /** @param announced - whether the worker says when it begins a request that was sent ahead. */
  constructor(announced: boolean) {
    this.#announced = announced;
  }

  /** The request that runs. */
  get current(): Exchange | undefined {
    return this.#current;
  }

  /** False when the worker would have said that it has begun the current request, and has not. */
  get begun(): boolean {
    return this.#begun;
  }

  /** True when nobody waits for the reply to the running request. */
  get isUnwanted(): boolean {
    return this.#current instanceof Void;
  }

  /** Requests sent ahead and, as far as known, not begun; those taken back included, whose replies still may come. */
  get held(): number {
    return this.#held.length + (this.#current !== undefined && !this.#begun ? 1 : 0);
  }

  /** True while a reply is to come that nobody waits for. */
  get hasVoids(): boolean {
    return this.#voids > 0;
  }

  /** When the running request reached the worker, or the one before it ended. */
  get begunAt(): number {
    return this.#begunAt;
  }

  /** Running average of the handling time in milliseconds; 0 before the first request has ended. */
  get averageMs(): number {
    return this.#averageMs;
  }

  /** Handling time of the request that ended last. */
  get tookMs(): number {
    return this.#tookMs;
  }

  begin(exchange: Exchange, now: number): void {
    this.#current = exchange;
    this.#begun = true;
    this.#begunAt = now;
  }

  hold(exchange: Exchange): void {
    this.#held.push(exchange);
  }

  /** Ends the running request. The result is undefined when there was none, or when nobody waits for it any more. */
  end(now: number): Exchange | undefined {
    const ended = this.#current;
    this.#current = undefined;
    const took = now - this.#begunAt;
    this.#tookMs = took;
    this.#averageMs = this.#averageMs === 0 ? took : this.#averageMs + (took - this.#averageMs) * NEWEST;
    if (!(ended instanceof Void)) return ended;
    this.#voids--;
    return undefined;
  }

  /** The worker goes on with the next request that was sent ahead. False when there is none. */
  advance(now: number): boolean {
    const next = this.#held.shift();
    if (next === undefined) return false;
    this.begin(next, now);
    this.#begun = !this.#announced;
    return true;
  }

  /** The worker says that it begins the current request. False when it said so before, or could not. */
  announce(): boolean {
    if (this.#begun || this.#current === undefined) return false;
    this.#begun = true;
    return true;
  }

  /** Takes back all that stands behind the current request, in order. Their replies, should they come, are dropped. */
  takeBack(): Exchange[] {
    const taken = this.#held.filter((exchange) => !(exchange instanceof Void));
    if (taken.length > 0) this.#held.fill(new Void());
    this.#voids += taken.length;
    return taken;
  }

  /**
   * The same, with the current one when the worker has not begun it: it is busy with what comes after its last answer, or the system
   * lets it wait. The order that revokes the others reaches that one too.
   */
  takeBackAll(): Exchange[] {
    const taken = this.takeBack();
    const current = this.#current;
    if (current === undefined || this.#begun || current instanceof Void) return taken;
    this.#current = new Void();
    this.#voids++;
    return [current, ...taken];
  }

  /** The client of a request that was sent ahead left. */
  drop(exchange: Exchange): void {
    const at = this.#held.indexOf(exchange);
    if (at < 0) return;
    this.#held[at] = new Void();
    this.#voids++;
  }

  /**
   * The worker threw away the next `count` requests that it has not begun: their replies will not come. The one that stands first
   * goes too, if it is not begun. False when they are not all such that nobody waits for.
   */
  forget(count: number): boolean {
    const first = this.#current !== undefined && !this.#begun;
    const fromHeld = first ? count - 1 : count;
    const gone = this.#held.slice(0, fromHeld);
    if (gone.length < fromHeld || !gone.every((exchange) => exchange instanceof Void)) return false;
    if (first && !this.isUnwanted) return false;
    if (first) this.#current = undefined;
    this.#held.splice(0, fromHeld);
    this.#voids -= count;
    return true;
  }
}
