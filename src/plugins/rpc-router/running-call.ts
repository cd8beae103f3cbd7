// One call whose method has begun: until when, for whom, and whether it has been answered.

import type { Call } from '../../protocol/rpc/call.ts';
import type { CallContext, Caller, Codec } from './method.ts';

/** A call. It is answered once: whoever comes first, the method, the deadline or the end of the caller. */
export class RunningCall implements CallContext {
  readonly call: Call;
  readonly caller: Caller;
  readonly codec: Codec;
  readonly method: string;
  #aborting: AbortController | undefined;
  #abortedWith: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #settled = false;

  constructor(call: Call, method: string, codec: Codec, caller: Caller) {
    this.call = call;
    this.method = method;
    this.codec = codec;
    this.caller = caller;
  }

  get signal(): AbortSignal {
    if (this.#aborting === undefined) {
      this.#aborting = new AbortController();
      if (this.#abortedWith !== undefined) this.#aborting.abort(this.#abortedWith);
    }
    return this.#aborting.signal;
  }

  /** Calls `late` after so many milliseconds, unless it is answered before. */
  expire(ms: number, late: () => void): void {
    this.#timer = setTimeout(late, ms);
  }

  /** True for the first who asks: that one answers. */
  settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    return true;
  }

  /** Tells the method that nobody waits any more. */
  abort(reason: Error): void {
    this.#abortedWith = reason;
    this.#aborting?.abort(reason);
  }
}
