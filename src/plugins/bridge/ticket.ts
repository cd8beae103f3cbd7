// Whether somebody still waits for the result of a call.

import type { CallError } from '../rpc-router/method.ts';

/** One call's: given up once, or never. */
export class Ticket {
  #reason: CallError | undefined;
  #listeners: ((reason: CallError) => void)[] = [];

  /** Why nobody waits any more; undefined while somebody does. */
  get abandoned(): CallError | undefined {
    return this.#reason;
  }

  /** Nobody waits any more. Only the first reason counts. */
  abandon(reason: CallError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(reason);
  }

  /** Told once, at once when it has happened already. */
  onAbandon(listener: (reason: CallError) => void): void {
    if (this.#reason === undefined) this.#listeners.push(listener);
    else listener(this.#reason);
  }
}
