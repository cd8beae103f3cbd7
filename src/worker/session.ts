// What travels between the master and one worker after the handshake: requests out, replies in, and until when.

import { RrtsError } from '../core/errors.ts';
import { parseDropped, REVOKE_FRAME } from '../protocol/control.ts';
import { encodeExchange, PONG_FRAME, STREAM_STOP_FRAME } from '../protocol/encode.ts';
import { FLAG, type Frame, STREAM } from '../protocol/frame.ts';
import type { HeadCodec } from '../protocol/payload.ts';
import { isRpc } from '../protocol/rpc/call.ts';
import type { Channel } from './channel.ts';
import type { Exchange, Outcome } from './exchange.ts';
import { Line } from './line.ts';
import type { RpcCalls } from './owner.ts';
import { readReply, sequenceError } from './reply.ts';

/** Limits in milliseconds; 0 for none. */
export interface SessionLimits {
  /** Time allowed for a reply, and then between two parts of it. */
  readonly execTtl: number;
  /** Time a cancelled stream may take to end. */
  readonly streamTimeout: number;
}

/** The worker, as its session sees it. */
export interface SessionOwner {
  /**
   * The running exchange ended, undefined when nobody waits for it any more. `goesOn` is true when the worker runs the next one,
   * which was sent ahead.
   */
  exchangeEnded(exchange: Exchange | undefined, outcome: Outcome, goesOn: boolean): void;
  /** True when the worker may have lost what was sent ahead: it goes on with nothing. */
  readonly outOfStep: boolean;
  /** The running request is answered by a stream. Comes before what was sent ahead is taken back. */
  streamBegan(): void;
  /** Requests that were sent ahead and shall go to other workers, in order. */
  takenBack(exchanges: Exchange[]): void;
}

/** The exchanges of one worker. All times are `performance.now()`. */
export class Session {
  /** When the running request is over time; 0 for never. The pool's ticker looks at it. */
  deadline = 0;
  readonly #channel: Channel;
  readonly #codec: HeadCodec;
  readonly #owner: SessionOwner;
  readonly #limits: SessionLimits;
  readonly #announced: boolean;
  readonly #line: Line;
  readonly #calls: RpcCalls | undefined;
  #cancelled = false;
  #abandoned = false;

  /**
   * @param announced - whether the worker says when it begins a request that was sent ahead, and throws away what is revoked.
   * @param calls - answers its RPC calls; undefined for a worker that makes none.
   */
  constructor(
    channel: Channel,
    codec: HeadCodec,
    owner: SessionOwner,
    limits: SessionLimits,
    announced: boolean,
    calls: RpcCalls | undefined,
  ) {
    this.#channel = channel;
    this.#codec = codec;
    this.#owner = owner;
    this.#limits = limits;
    this.#announced = announced;
    this.#line = new Line(announced);
    this.#calls = calls;
  }

  /** Requests sent ahead. */
  get held(): number {
    return this.#line.held;
  }

  /**
   * True while replies are to come that nobody waits for. One that turns out to be a stream is ended by a STOP frame, which
   * does not say which stream it means: nothing that is wanted may stand behind it.
   */
  get hasVoids(): boolean {
    return this.#line.hasVoids;
  }

  /** Running average of the handling time in milliseconds; 0 before the first. */
  get averageMs(): number {
    return this.#line.averageMs;
  }

  /** Handling time in milliseconds of the request that ended last. */
  get tookMs(): number {
    return this.#line.tookMs;
  }

  /** Milliseconds the running request may run; 0 for no limit. */
  get execTtl(): number {
    return this.#line.current?.execTtl ?? this.#limits.execTtl;
  }

  /** What runs, for people; undefined when nothing does. */
  get activity(): string | undefined {
    return this.#line.current?.label;
  }

  /** How long the running request has been running, in milliseconds. */
  runsFor(now: number): number {
    return this.#line.current === undefined ? 0 : now - this.#line.begunAt;
  }

  /** True while a request runs. */
  get busy(): boolean {
    return this.#line.current !== undefined;
  }

  /** True when parts of the running request's reply were handed on: it cannot be given to another worker. */
  get replying(): boolean {
    return this.#line.current?.replyStarted === true;
  }

  /** True when the client of a stream left and the worker was asked to end it. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Sends a request to the idle worker. */
  exec(exchange: Exchange, now: number): void {
    this.#line.begin(exchange, now);
    this.#begun(now);
    const [first, second] = encodeExchange(exchange.encode(this.#codec));
    this.#channel.write(first, second);
  }

  /** Sends a request ahead to the busy worker. Requests sent ahead in one turn of the event loop go out in one write. */
  prefetch(exchange: Exchange): void {
    this.#line.hold(exchange);
    const [first, second] = encodeExchange(exchange.encode(this.#codec), this.#announced ? STREAM.BEGIN : 0);
    this.#channel.writeSoon(first, second);
  }

  /** The client of a request left: a stream is stopped, anything else is let finish unseen. */
  cancel(exchange: Exchange, now: number): void {
    if (exchange !== this.#line.current) {
      this.#line.drop(exchange);
      return;
    }
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#channel.resume();
    if (exchange.replyStarted) this.#abandonStream(now);
  }

  /** The client takes bytes again after `onReply` returned false. */
  resume(exchange: Exchange, now: number): void {
    if (exchange !== this.#line.current) return;
    this.#armExecTtl(now);
    this.#channel.resume();
  }

  /** A frame after the handshake. @throws RrtsError when it makes no sense here. */
  receive(frame: Frame): void {
    if ((frame.flags & FLAG.CONTROL) !== 0) {
      this.#receiveControl(frame);
      return;
    }
    // At any time: while it boots its application, in a request, and after the answer.
    if (this.#calls !== undefined && isRpc(frame)) {
      this.#calls.receive(frame);
      return;
    }
    const exchange = this.#line.current;
    if (exchange === undefined) throw sequenceError('a reply without a request');
    const begins = (frame.stream & STREAM.BEGIN) !== 0;
    if (begins && frame.options.length === 0 && frame.payload.length === 0) {
      this.#announce();
      return;
    }
    this.#line.announce(); // an answer says so too
    if ((frame.stream & STREAM.PING) !== 0) this.#channel.write(PONG_FRAME);
    const reply = readReply(frame, !exchange.replyStarted);
    if (reply.kind === 'part') this.#handOver(exchange, reply.head, reply.body, frame.flags, reply.last, begins);
    else if (reply.kind === 'stop_wish') this.fail({ kind: 'stop_wish' });
    else this.#end({ kind: 'error_frame', error: new RrtsError('ERR_WORKER_ERROR', reply.text) }, begins);
  }

  /** The worker will answer nothing any more: the running request ends so, and what was sent ahead is taken back. */
  fail(outcome: Outcome): void {
    const taken = this.#line.takeBack();
    const running = this.#line.current !== undefined;
    const begun = this.#line.begun;
    const exchange = this.#line.end(performance.now());
    this.deadline = 0;
    if (running) this.#owner.exchangeEnded(exchange, begun ? outcome : { ...outcome, kind: 'not_begun' }, false);
    if (taken.length > 0) this.#owner.takenBack(taken);
  }

  /** The worker is gone: its RPC calls are given up. */
  close(): void {
    this.#calls?.close();
  }

  /** Takes back what was sent ahead: the running request takes its time. */
  takeBack(): void {
    const taken = this.#line.takeBackAll();
    if (taken.length === 0) return;
    if (this.#line.isUnwanted) this.#cancelled = true;
    // It may be about to begin one of them all the same: then that reply comes, and is dropped.
    if (this.#announced) this.#channel.write(REVOKE_FRAME);
    this.#owner.takenBack(taken);
  }

  #receiveControl(frame: Frame): void {
    if (!this.#announced) throw sequenceError('a control frame after the handshake');
    const count = parseDropped(frame.payload);
    const ran = this.#line.current !== undefined;
    if (!this.#line.forget(count)) throw sequenceError('it dropped requests that were not revoked');
    if (!ran || this.#line.current !== undefined) return;
    const now = performance.now();
    const goesOn = this.#line.advance(now);
    if (goesOn) this.#begun(now);
    else this.deadline = 0;
    this.#owner.exchangeEnded(undefined, { kind: 'reply' }, goesOn);
  }

  #announce(): void {
    if (!this.#line.announce()) throw sequenceError('it begins a request that was not sent ahead');
  }

  #handOver(exchange: Exchange, head: Buffer, body: Buffer, flags: number, last: boolean, begins: boolean): void {
    let more = true;
    if (!this.#cancelled) {
      more = exchange.onReply(head, body, flags, last);
      exchange.replyStarted = true; // not before: a head that makes no sense throws, and nothing went out then
    }
    if (last) {
      this.#end({ kind: 'reply' }, begins);
      return;
    }
    this.#owner.streamBegan();
    // A stream can last, and the STOP frame that ends it says nothing of which request it means.
    this.takeBack();
    if (this.#cancelled) {
      if (!this.#abandoned) this.#abandonStream(performance.now());
      return;
    }
    if (more) {
      this.#armExecTtl(performance.now());
    } else {
      // exec_ttl counts to the first part and between parts; a client that reads slowly is the front's concern.
      this.#channel.pause();
      this.deadline = 0;
    }
  }

  /** @param begins - the worker says that it goes on with what was sent ahead. */
  #end(outcome: Outcome, begins: boolean): void {
    const now = performance.now();
    const ended = this.#line.end(now);
    // The end can stand in the same chunk as a part that nobody could take; its client may read slowly, the next one's not.
    this.#channel.resume();
    const goesOn = !this.#owner.outOfStep && this.#line.advance(now);
    if (goesOn) this.#begun(now);
    else this.deadline = 0;
    if (begins) this.#announce();
    this.#owner.exchangeEnded(ended, outcome, goesOn);
  }

  #begun(now: number): void {
    this.#cancelled = this.#line.isUnwanted;
    this.#abandoned = false;
    this.#armExecTtl(now);
  }

  #armExecTtl(now: number): void {
    const limit = this.execTtl;
    this.deadline = limit === 0 ? 0 : now + limit;
  }

  /** Asks the worker to end its stream and gives it stream_timeout for that. */
  #abandonStream(now: number): void {
    this.#abandoned = true;
    this.#channel.write(STREAM_STOP_FRAME);
    this.deadline = now + this.#limits.streamTimeout;
  }
}
