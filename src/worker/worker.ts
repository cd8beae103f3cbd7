// One PHP process and its life: handshake, one exchange at a time, stop, death.

import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { RrtsError } from '../core/errors.ts';
import type { FifoEntry } from '../core/fifo.ts';
import { quoteBytes } from '../core/text.ts';
import { encodePidRequest, STOP_FRAME } from '../protocol/control.ts';
import { encodeExchange, PONG_FRAME, STREAM_STOP_FRAME } from '../protocol/encode.ts';
import { FLAG, type Frame, STREAM } from '../protocol/frame.ts';
import type { HeadCodec } from '../protocol/payload.ts';
import { Channel, type ChannelOwner } from './channel.ts';
import type { Exchange, Outcome, OutcomeKind } from './exchange.ts';
import {
  bootTimedOut,
  brokeHandshake,
  brokeReply,
  endedAtBoot,
  endedInExchange,
  howItEnded,
  ranTooLong,
  streamNotEnded,
} from './failures.ts';
import { introduce } from './handshake.ts';
import { afterLastWords } from './last-words.ts';
import { WorkerOutput } from './output.ts';
import type { WorkerOptions } from './owner.ts';
import { readReply, sequenceError } from './reply.ts';
import { killGroup, type SpawnedProcess } from './spawn.ts';
import { mayGo, type WorkerState } from './state.ts';

/** A worker that closed its channel and lives on is taken down after this time. */
const DEAF_MS = 50;
/** Stop ladder: from SIGTERM to SIGKILL. */
const TERM_TO_KILL_MS = 2000;

/** One worker. `exec` may be called when its state is `ready`, and only then. */
export class Worker implements FifoEntry, ChannelOwner {
  fifoNext: FifoEntry | undefined = undefined;
  fifoPrevious: FifoEntry | undefined = undefined;
  fifoOwner: object | undefined = undefined;

  readonly pid: number;
  /** Wall clock, milliseconds. */
  readonly startedAt = Date.now();
  /** Requests it was given. */
  execs = 0;
  /** Requests after which it is replaced; 0 for never. Set by the pool. */
  maxJobs = 0;
  /** `performance.now()` after which the running request is over time; 0 for none. Set by the pool, checked by its ticker. */
  deadline = 0;
  /** Time allowed for a reply and between two parts of it, in milliseconds; 0 for no limit. */
  execTtl = 0;
  codec: HeadCodec = 'json';
  phpVersion = '';

  readonly #process: ChildProcess;
  readonly #options: WorkerOptions;
  readonly #output: WorkerOutput;
  readonly #sockets: Socket[];
  #state: WorkerState = 'starting';
  #channel: Channel | undefined;
  #stdioChannel: Channel | undefined;
  #privateChannel: Channel | undefined;
  #exchange: Exchange | undefined;
  #cancelled = false;
  #abandoned = false;
  #bootTimer: NodeJS.Timeout | undefined;
  #ladderTimer: NodeJS.Timeout | undefined;
  #bootError: RrtsError | undefined;
  #reason: string | undefined;
  #booted = false;
  #strayLogged = false;
  #printedEarly: Buffer | undefined;

  constructor(spawned: SpawnedProcess, options: WorkerOptions) {
    this.#process = spawned.process;
    this.pid = spawned.pid;
    this.#options = options;
    this.#output = new WorkerOutput(options.logger.child({ logger: 'server', pid: spawned.pid }));
    this.#sockets = [spawned.stdin, spawned.stdout, spawned.stderr, spawned.channel];
    spawned.stderr.on('data', (chunk: Buffer) => this.#output.push(chunk));
    this.#process.once('exit', (code, signal) => this.#exited(code, signal));
    this.#bootTimer = setTimeout(() => this.#bootTimedOut(), options.bootTimeout);
    this.#open(spawned);
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Why its handshake failed, when it did. */
  get bootError(): RrtsError | undefined {
    return this.#bootError;
  }

  /** Gives the worker a request. */
  exec(exchange: Exchange, now: number): void {
    this.#go('working');
    this.#exchange = exchange;
    this.#cancelled = false;
    this.#abandoned = false;
    this.execs++;
    this.deadline = this.execTtl === 0 ? 0 : now + this.execTtl;
    const [first, second] = encodeExchange(exchange.encode(this.codec));
    (this.#channel as Channel).write(first, second);
  }

  /** The client of the running request went away: a stream is stopped, anything else is let finish unseen. */
  cancel(now: number): void {
    if (this.#exchange === undefined || this.#cancelled) return;
    this.#cancelled = true;
    this.#channel?.resume();
    if (this.#exchange.replyStarted) this.#abandonStream(now);
  }

  /** The client takes bytes again after `onReply` returned false. */
  resume(now: number): void {
    if (this.#state !== 'working') return;
    this.deadline = this.execTtl === 0 ? 0 : now + this.execTtl;
    this.#channel?.resume();
  }

  /** Ends it gently: stop frame, after `graceMs` SIGTERM, then SIGKILL to the group. For a worker that has no request. */
  stop(reason: string, graceMs: number): void {
    if (this.#state === 'stopping' || this.#state === 'dead') return;
    this.#reason ??= reason;
    const handshaken = this.#channel !== undefined;
    this.#go('stopping');
    clearTimeout(this.#bootTimer);
    this.#channel?.write(STOP_FRAME);
    this.#ladderTimer = setTimeout(() => this.#terminate(), handshaken ? graceMs : 0);
  }

  /** Ends it at once: SIGKILL to its process group. A running exchange ends as `kind`. */
  kill(reason: string, kind: OutcomeKind, error: RrtsError): void {
    if (this.#state === 'dead') return;
    this.#reason ??= reason;
    if (this.#state !== 'stopping') this.#go('stopping');
    clearTimeout(this.#bootTimer);
    killGroup(this.pid, 'SIGKILL');
    this.#endExchange({ kind, error });
  }

  /** The pool's ticker found the deadline passed. */
  overtime(): void {
    const { streamTimeout } = this.#options;
    if (this.#abandoned) {
      this.kill('stream_timeout', 'stream_timeout', streamNotEnded(this.pid, streamTimeout));
      return;
    }
    this.kill(
      'exec_ttl',
      this.#exchange?.replyStarted === true ? 'cut' : 'exec_ttl',
      ranTooLong(this.execTtl, this.#facts),
    );
  }

  /** Takes over its connection to the socket relay, with the frame it introduced itself by. */
  adopt(channel: Channel, introduction: Frame): void {
    channel.owner = this;
    this.#privateChannel = channel;
    this.onFrame(channel, introduction);
  }

  onFrame(channel: Channel, frame: Frame): void {
    if (this.#state === 'starting') this.#introduced(channel, frame);
    else if (channel !== this.#channel || (frame.flags & FLAG.CONTROL) !== 0)
      throw sequenceError('a handshake after the handshake');
    else this.#reply(frame);
  }

  onFault(channel: Channel, error: RrtsError): void {
    if (this.#state === 'dead' || this.#state === 'stopping') return;
    if (this.#state === 'starting') {
      this.#failBoot(brokeHandshake(this.#options.script, error));
      return;
    }
    if (channel !== this.#channel) return;
    if (channel.ended) return; // it died inside a frame: `exit` tells more
    const kind = this.#exchange?.replyStarted === true ? 'cut' : 'malformed_reply';
    this.kill('malformed_reply', kind, brokeReply(error, this.#facts));
  }

  onEnd(channel: Channel): void {
    if (channel !== this.#channel || this.#state === 'stopping' || this.#state === 'dead') return;
    // Its end of the channel is closed, so it can answer nothing any more. Usually `exit` is about to follow;
    // a process that stays (it closed the descriptor, or handed it to a child) is taken down.
    this.#reason ??= 'died';
    if (this.#state === 'ready') this.#go('stopping'); // or it would be given a request that it cannot answer
    this.#ladderTimer ??= setTimeout(() => killGroup(this.pid, 'SIGKILL'), DEAF_MS);
  }

  #open(spawned: SpawnedProcess): void {
    if (this.#options.socketRelay) {
      spawned.stdout.on('data', (chunk: Buffer) => this.#output.push(chunk));
      return;
    }
    this.#stdioChannel = new Channel(spawned.stdout, spawned.stdin, this, (text) => this.#stray(text));
    this.#privateChannel = new Channel(spawned.channel, spawned.channel, this);
    spawned.stdin.write(encodePidRequest(process.pid));
  }

  /** Text on the stdout of a worker: a log for a native one, printed by mistake by an SDK worker. */
  #stray(text: Buffer): void {
    if (!this.#booted) this.#printedEarly ??= text;
    else if (this.#channel === this.#stdioChannel) this.#warnOfStray(text);
    this.#output.push(text);
  }

  #warnOfStray(text: Buffer): void {
    if (this.#strayLogged) return;
    this.#strayLogged = true;
    const message = `${this.#options.script} prints to STDOUT, where its replies travel; use STDERR: ${quoteBytes(text)}`;
    this.#options.logger.warn({ pid: this.pid }, message);
  }

  #introduced(channel: Channel, frame: Frame): void {
    const { codec, phpVersion } = introduce(channel, frame, channel === this.#stdioChannel, this.#options);
    this.codec = codec;
    this.phpVersion = phpVersion;
    this.#channel = channel;
    this.#booted = true;
    clearTimeout(this.#bootTimer);
    if (this.#printedEarly !== undefined && channel === this.#stdioChannel) this.#warnOfStray(this.#printedEarly);
    this.#printedEarly = undefined;
    this.#go('ready');
    this.#options.owner.workerReady(this);
  }

  #reply(frame: Frame): void {
    const exchange = this.#exchange;
    if (exchange === undefined) throw sequenceError('a reply without a request');
    if ((frame.stream & STREAM.PING) !== 0) this.#channel?.write(PONG_FRAME);
    const reply = readReply(frame, !exchange.replyStarted);
    if (reply.kind === 'part') this.#handOver(exchange, reply.head, reply.body, frame.flags, reply.last);
    else if (reply.kind === 'stop_wish') this.#endExchange({ kind: 'stop_wish' });
    else this.#endExchange({ kind: 'error_frame', error: new RrtsError('ERR_WORKER_ERROR', reply.text) });
  }

  #handOver(exchange: Exchange, head: Buffer, body: Buffer, flags: number, last: boolean): void {
    let more = true;
    if (!this.#cancelled) {
      more = exchange.onReply(head, body, flags, last);
      exchange.replyStarted = true; // not before: a head that makes no sense throws, and nothing went out then
    }
    if (last) {
      this.#endExchange({ kind: 'reply' });
      return;
    }
    if (this.#cancelled) {
      if (!this.#abandoned) this.#abandonStream(performance.now());
      return;
    }
    if (!more) this.#channel?.pause();
    // exec_ttl counts to the first part of a reply and then between parts; a client that reads slowly is the front's concern.
    this.deadline = this.execTtl === 0 || !more ? 0 : performance.now() + this.execTtl;
  }

  #endExchange(outcome: Outcome): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.deadline = 0;
    // The end can stand in the same chunk as a part that nobody could take; its client may read slowly, the next one's not.
    this.#channel?.resume();
    if (this.#state === 'working') this.#go('ready');
    this.#options.owner.exchangeEnded(this, exchange, outcome);
  }

  /** Asks the worker to end its stream and gives it stream_timeout for that. */
  #abandonStream(now: number): void {
    this.#abandoned = true;
    this.#channel?.write(STREAM_STOP_FRAME);
    this.deadline = now + this.#options.streamTimeout;
  }

  #bootTimedOut(): void {
    const { script, bootTimeout } = this.#options;
    this.#failBoot(bootTimedOut(script, bootTimeout, this.#output.tail));
  }

  #failBoot(error: RrtsError): void {
    this.#bootError ??= error;
    this.#reason ??= 'boot';
    clearTimeout(this.#bootTimer);
    if (this.#state === 'starting') this.#go('stopping');
    killGroup(this.pid, 'SIGKILL');
  }

  #terminate(): void {
    this.#signal('SIGTERM');
    this.#ladderTimer = setTimeout(() => this.#signal('SIGKILL'), TERM_TO_KILL_MS);
  }

  #signal(signal: NodeJS.Signals): void {
    this.#options.logger.debug({ pid: this.pid, signal, reason: this.#reason }, 'worker is signalled');
    killGroup(this.pid, signal);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    clearTimeout(this.#bootTimer);
    clearTimeout(this.#ladderTimer);
    // What it started and left behind goes with it, unless it was asked to stop. The end of its channel may come first.
    if (this.#reason === undefined || this.#reason === 'died') killGroup(this.pid, 'SIGKILL');
    const waiting = this.#exchange !== undefined || !this.#booted;
    const allRead =
      this.#channel?.ended ?? (this.#stdioChannel?.ended === true && this.#privateChannel?.ended === true);
    if (!waiting || allRead) {
      this.#bury(code, signal);
      return;
    }
    // A whole reply, or the reason of a failed boot, may still be in the pipe. It gets no further request meanwhile.
    if (this.#state === 'working') this.#go('stopping');
    afterLastWords(this.#sockets, () => this.#bury(code, signal));
  }

  #bury(code: number | null, signal: NodeJS.Signals | null): void {
    const { script, owner } = this.#options;
    this.#output.flush();
    for (const socket of this.#sockets) socket.destroy();
    this.#privateChannel?.close();
    const { tail } = this.#output;
    const how = howItEnded(code, signal);
    const facts = { ...this.#facts, exitCode: code, signal };
    if (!this.#booted) this.#bootError ??= endedAtBoot(script, how, tail, facts);
    this.#state = 'dead';
    const cut = this.#exchange?.replyStarted === true;
    this.#endExchange({ kind: cut ? 'cut' : 'crash', error: endedInExchange(this.pid, how, cut, facts) });
    owner.workerExited(this, { code, signal, reason: this.#reason ?? 'died', tail }, this.#booted);
  }

  /** Who it is, for the log. */
  get #facts(): { pid: number; script: string } {
    return { pid: this.pid, script: this.#options.script };
  }

  #go(to: WorkerState): void {
    if (!mayGo(this.#state, to)) throw new Error(`worker ${this.pid}: ${this.#state} to ${to} is no transition`);
    this.#state = to;
  }
}
