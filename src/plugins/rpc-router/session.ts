// The calls of one caller: run side by side, answered each as soon as it is done, given up when the caller is gone.

import { type ErrorCode, messageOf, RrtsError } from '../../core/errors.ts';
import type { Frame } from '../../protocol/frame.ts';
import { type Call, encodeError, encodeResult, readCall } from '../../protocol/rpc/call.ts';
import type { RpcPeer } from '../../worker/owner.ts';
import { type CallCounts, NO_SERVICE } from './call-metrics.ts';
import { codecOf, decodeArgument, encodeFailure, encodeValue } from './codecs.ts';
import { CallError, type Caller, type Method } from './method.ts';
import type { RouterOptions } from './router.ts';
import { RunningCall } from './running-call.ts';
import { findMethod, type Target } from './services.ts';

/** Calls of one caller that wait because as many as may run do so already; one more is refused. */
const MAX_WAITING = 10_000;
/** A longer timer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The other end: a worker's channel or a connection. RoadRunner's clients are not `quietZero`: they get a reply for every call. */
export interface Peer extends RpcPeer {
  /** So many calls run that the next ones wait: nothing more need be read for now. Default: everything is read. */
  full?(): void;
  /** Calls can be taken again, after `full`. */
  free?(): void;
}

/** One caller. Close it when the peer is gone. */
export class RpcSession implements Caller {
  readonly #peer: Peer;
  readonly #options: RouterOptions;
  readonly #counts: CallCounts;
  readonly #running = new Set<RunningCall>();
  readonly #waiting: Call[] = [];
  #waitingBytes = 0;
  readonly #goneListeners = new Set<() => void>();
  /** Calls that run, and answers that the peer has not taken yet. */
  #open = 0;
  #closed = false;
  #taking = false;
  #draining: (() => void) | undefined;

  constructor(peer: Peer, options: RouterOptions, counts: CallCounts) {
    this.#peer = peer;
    this.#options = options;
    this.#counts = counts;
  }

  get name(): string {
    return this.#peer.name;
  }

  get debug(): boolean {
    return this.#peer.debug;
  }

  /** Calls that are not answered yet. */
  get inFlight(): number {
    return this.#running.size + this.#waiting.length;
  }

  onGone(listener: () => void): () => void {
    if (this.#closed) listener();
    else this.#goneListeners.add(listener);
    return () => void this.#goneListeners.delete(listener);
  }

  /** Takes a frame. @throws RrtsError ERR_PROTOCOL_SEQUENCE when it is no call, or from a peer that calls on and on and takes no answer. */
  receive(frame: Frame): void {
    const call = readCall(frame);
    if (this.#closed || this.#draining !== undefined) return;
    const { maxInFlight, maxPayload } = this.#options.limits;
    if (frame.payload.length > maxPayload) {
      const text = `rpc: the call has ${frame.payload.length} bytes, allowed are ${maxPayload}`;
      this.#refuse(call, new CallError(text, 'ERR_RPC_TOO_LARGE'));
    } else if (this.#open < maxInFlight) this.#run(call);
    else this.#wait(call);
  }

  /** No further call comes; `done` is called when all that came are answered and the answers are taken. */
  finish(done: () => void): void {
    this.#draining = done;
    this.#drainedIfDone();
  }

  /** The same, but calls that wait are dropped. */
  drain(done: () => void): void {
    this.#forgetWaiting();
    this.finish(done);
  }

  /** The peer is gone: its calls are given up, and all that was kept for it is let go. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetWaiting();
    const reason = new CallError('the caller is gone', 'ERR_RPC_CANCELLED');
    for (const running of this.#running) {
      running.settle();
      this.#countFailure(running.method, reason.code);
      running.abort(reason);
    }
    this.#running.clear();
    for (const listener of this.#goneListeners) this.#safely(listener);
    this.#goneListeners.clear();
  }

  #wait(call: Call): void {
    const bytes = call.method.length + call.argument.length;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#refuse(call, new CallError(`${MAX_WAITING} calls of this caller wait already`, 'ERR_RPC_BUSY'));
    } else if (this.#waitingBytes + bytes > this.#options.limits.maxPayload) {
      const text = `calls of this caller with ${this.#waitingBytes} bytes wait already`;
      this.#refuse(call, new CallError(text, 'ERR_RPC_BUSY'));
    } else {
      this.#waiting.push(call);
      this.#waitingBytes += bytes;
      this.#peer.full?.();
    }
  }

  #refuse(call: Call, error: CallError): void {
    if (this.#open > this.#options.limits.maxInFlight + MAX_WAITING) {
      throw new RrtsError('ERR_PROTOCOL_SEQUENCE', `${this.#open} answers to RPC calls are not taken`);
    }
    this.#open++;
    this.#fail(call, error);
  }

  #forgetWaiting(): void {
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #run(call: Call): void {
    this.#open++;
    let target: Target;
    let running: RunningCall;
    let result: unknown;
    try {
      const name = call.method.toString();
      target = findMethod(this.#options.services(), name);
      const codec = codecOf(call.codec);
      running = new RunningCall(call, name, codec, this);
      result = invoke(target.method, decodeArgument(target.method, codec, call.argument), running);
    } catch (thrown) {
      this.#fail(call, thrown);
      return;
    }
    if (isPromise(result)) this.#await(running, target, result);
    else this.#succeed(running, target, result);
  }

  #await(running: RunningCall, target: Target, result: PromiseLike<unknown>): void {
    this.#running.add(running);
    const wanted = running.call.deadlineMs || (target.service.timeoutMs ?? this.#options.limits.callTimeoutMs);
    const ms = Math.min(wanted, LONGEST_TIMER_MS);
    if (ms > 0) running.expire(ms, () => this.#late(running, ms));
    result.then(
      (value) => {
        if (this.#settle(running)) this.#succeed(running, target, value);
      },
      (thrown: unknown) => {
        if (this.#settle(running)) this.#fail(running.call, thrown);
      },
    );
  }

  #late(running: RunningCall, ms: number): void {
    if (!this.#settle(running)) return;
    const error = new CallError(`${running.method} was not answered within ${ms} ms`, 'ERR_RPC_TIMEOUT');
    this.#fail(running.call, error);
    running.abort(error);
  }

  #settle(running: RunningCall): boolean {
    this.#running.delete(running);
    return running.settle();
  }

  #succeed(running: RunningCall, { method, serviceName }: Target, result: unknown): void {
    const { call, codec } = running;
    let bytes: Uint8Array;
    try {
      bytes = encodeValue(method, codec, result);
    } catch (thrown) {
      this.#fail(call, thrown);
      return;
    }
    const { maxPayload } = this.#options.limits;
    if (call.method.length + bytes.length > maxPayload) {
      const text = `rpc: the result of ${running.method} has ${bytes.length} bytes, allowed are ${maxPayload}`;
      this.#fail(call, new CallError(text, 'ERR_RPC_TOO_LARGE'));
      return;
    }
    this.#counts.add(serviceName, 'ok');
    this.#send(call, encodeResult(call, bytes));
  }

  #fail(call: Call, thrown: unknown): void {
    const { bytes, code, shown } = encodeFailure(call.codec, thrown, this);
    this.#countFailure(call.method.toString(), code);
    if (!shown) {
      const name = call.method.toString('utf8', 0, 128);
      this.#options.logger.error({ err: thrown, caller: this.name }, `rpc: ${name} failed: ${messageOf(thrown)}`);
    }
    this.#send(call, encodeError(call, bytes));
  }

  #send(call: Call, frame: Buffer): void {
    if (this.#closed) return;
    if (call.sequence === 0 && this.#peer.quietZero) this.#sent();
    else this.#peer.write(frame, this.#sent);
  }

  readonly #sent = (): void => {
    this.#open--;
    this.#runWaiting();
    this.#drainedIfDone();
  };

  /** In a loop, not by each call that ends running the next: thousands of quick ones would fill the stack. */
  #runWaiting(): void {
    if (this.#taking) return;
    this.#taking = true;
    try {
      this.#runWhileRoom();
    } finally {
      this.#taking = false;
    }
    if (this.#open < this.#options.limits.maxInFlight) this.#peer.free?.();
  }

  #runWhileRoom(): void {
    while (this.#open < this.#options.limits.maxInFlight) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.method.length + next.argument.length;
      this.#run(next);
    }
  }

  /** A call that failed, perhaps because there is no such service. */
  #countFailure(method: string, outcome: ErrorCode): void {
    const service = method.slice(0, Math.max(0, method.lastIndexOf('.')));
    this.#counts.add(this.#options.services().has(service) ? service : NO_SERVICE, outcome);
  }

  #drainedIfDone(): void {
    if (this.#draining === undefined || this.#open > 0) return;
    this.#draining();
  }

  #safely(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      this.#options.logger.error({ err: thrown }, `rpc: what was kept for ${this.name} could not be let go`);
    }
  }
}

function invoke(method: Method, argument: unknown, running: RunningCall): unknown {
  if (typeof method === 'function') return method(argument, running);
  return 'bytes' in method ? method.bytes(argument as Buffer, running) : method.handle(argument as never, running);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
