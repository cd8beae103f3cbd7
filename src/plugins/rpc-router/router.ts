// The one router behind both doors: in-band calls of workers, and the connections of listeners.

import type { Logger } from '../../core/logger.ts';
import { CallCounts } from './call-metrics.ts';
import { type CallContext, CallError, type Caller, type Method } from './method.ts';
import { messageOf, plainOf } from './proto-values.ts';
import { findMethod, type Services } from './services.ts';
import { type Peer, RpcSession } from './session.ts';

/** Limits of every caller. */
export interface RpcLimits {
  /** Longest time of a call in milliseconds when neither caller nor service says one; 0 for no limit. */
  readonly callTimeoutMs: number;
  /** Calls of one caller that run at the same time; further ones wait. */
  readonly maxInFlight: number;
  /** Bytes of a call or a result. */
  readonly maxPayload: number;
}

/** What is used where the configuration says nothing. */
export const DEFAULT_LIMITS: RpcLimits = { callTimeoutMs: 60_000, maxInFlight: 128, maxPayload: 64 * 1024 * 1024 };

/** What a router is made of. */
export interface RouterOptions {
  /** Asked at each call: services may come later. */
  readonly services: () => Services;
  readonly logger: Logger;
  readonly limits: RpcLimits;
}

/** Runs calls. */
export class RpcRouter {
  readonly #options: RouterOptions;
  readonly #sessions = new Set<RpcSession>();
  /** Calls of all callers that have ended. */
  readonly counts = new CallCounts();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  get limits(): RpcLimits {
    return this.#options.limits;
  }

  /** Callers that are there. */
  get callers(): number {
    return this.#sessions.size;
  }

  /** Calls of all of them that are not answered yet. */
  get inFlight(): number {
    let calls = 0;
    for (const session of this.#sessions) calls += session.inFlight;
    return calls;
  }

  /** A caller has come. Its session is closed when the caller goes. */
  open(peer: Peer): RpcSession {
    const session = new RpcSession(peer, this.#options, this.counts);
    this.#sessions.add(session);
    session.onGone(() => void this.#sessions.delete(session));
    return session;
  }

  /**
   * Calls a method from inside, with plain values; messages of protobuf are maps with the names of the .proto file.
   * @param longestMs - 0 for no limit. Default: that of the service.
   * @throws CallError, and whatever the method throws; after the time limit ERR_RPC_TIMEOUT.
   */
  async call(name: string, argument: unknown, callerName: string, longestMs?: number): Promise<unknown> {
    const { method, service } = findMethod(this.#options.services(), name);
    const timeoutMs = longestMs ?? service.timeoutMs ?? this.#options.limits.callTimeoutMs;
    const caller: Caller = { name: callerName, debug: true, inside: true, onGone: () => () => undefined };
    const call = new InsideCall(name, caller, timeoutMs);
    return await call.run(method, argument);
  }
}

/** A call by a part of rrts. */
class InsideCall implements CallContext {
  readonly method: string;
  readonly caller: Caller;
  readonly codec = 'msgpack';
  readonly #aborting = new AbortController();
  readonly #timeoutMs: number;

  constructor(method: string, caller: Caller, timeoutMs: number) {
    this.method = method;
    this.caller = caller;
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  async run(method: Method, argument: unknown): Promise<unknown> {
    const result = Promise.resolve(invokePlain(method, argument, this));
    if (this.#timeoutMs === 0) return await result;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new CallError(`${this.method} was not answered within ${this.#timeoutMs} ms`, 'ERR_RPC_TIMEOUT');
        reject(error);
        this.#aborting.abort(error);
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([result, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function invokePlain(method: Method, argument: unknown, call: CallContext): Promise<unknown> {
  if (typeof method === 'function') return method(argument, call);
  if ('bytes' in method) throw new CallError(`${call.method} cannot be called from inside`, 'ERR_RPC_METHOD');
  return plainOf(method.output, await method.handle(messageOf(method.input, argument) as never, call));
}
