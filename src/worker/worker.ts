// One PHP process and its life: handshake, one exchange at a time, stop, death.

import type { Socket } from 'node:net';
import type { RrtsError } from '../core/errors.ts';
import type { FifoEntry } from '../core/fifo.ts';
import { quoteBytes } from '../core/text.ts';
import { encodePidRequest, STOP_FRAME } from '../protocol/control.ts';
import type { Frame } from '../protocol/frame.ts';
import type { HeadCodec } from '../protocol/payload.ts';
import { Channel, type ChannelOwner } from './channel.ts';
import type { Exchange, Outcome, OutcomeKind } from './exchange.ts';
import type { ExitReason } from './exit-reason.ts';
import {
  bootTimedOut,
  brokeHandshake,
  brokeReply,
  endedAtBoot,
  endedInExchange,
  howItEnded,
  ranTooLong,
  streamNotEnded,
  usedTooMuchMemory,
  whatItPrinted,
} from './failures.ts';
import { introduce, type Prefetches } from './handshake.ts';
import { afterLastWords } from './last-words.ts';
import { WorkerOutput } from './output.ts';
import type { WorkerOptions } from './owner.ts';
import { sequenceError } from './reply.ts';
import { ResidentMemory } from './resident.ts';
import { rpcPeer } from './rpc-peer.ts';
import { Session, type SessionOwner } from './session.ts';
import type { SpawnedProcess } from './spawn.ts';
import { mayGo, type WorkerState } from './state.ts';

/** A worker that closed its channel and lives on is taken down after this time. */
const DEAF_MS = 50;
/** A worker gets requests ahead while it takes less than this for one, on average: design section 4. */
const QUICK_MS = 5;
/** A request that runs longer than this lets those that were sent behind it go elsewhere. */
export const STALL_MS = 10;
/** Stop ladder: from SIGTERM to SIGKILL. */
const TERM_TO_KILL_MS = 2000;

/** One worker. `exec` may be called when its state is `ready`, and only then. */
export class Worker implements FifoEntry, ChannelOwner, SessionOwner {
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
  /** `performance.now()` when it became idle last. */
  idleSince = performance.now();
  codec: HeadCodec = 'json';
  phpVersion = '';

  readonly #kill: (signal: NodeJS.Signals) => void;
  readonly #options: WorkerOptions;
  readonly #output: WorkerOutput;
  readonly #sockets: Socket[];
  #state: WorkerState = 'starting';
  #channel: Channel | undefined;
  #stdioChannel: Channel | undefined;
  #privateChannel: Channel | undefined;
  #session: Session | undefined;
  #memory: ResidentMemory | undefined;
  #prefetches: Prefetches = 'never';
  #outOfStep = false;
  #bootTimer: NodeJS.Timeout | undefined;
  #ladderTimer: NodeJS.Timeout | undefined;
  #gone = false;
  #bootError: RrtsError | undefined;
  #reason: ExitReason | undefined;
  #booted = false;
  #strayLogged = false;
  #printedEarly: Buffer | undefined;

  constructor(spawned: SpawnedProcess, options: WorkerOptions) {
    this.#kill = (signal) => spawned.kill(signal);
    this.pid = spawned.pid;
    this.#options = options;
    this.#output = new WorkerOutput(options.logger.child({ logger: 'server', pid: spawned.pid }));
    this.#sockets = [spawned.stdin, spawned.stdout, spawned.stderr, spawned.channel];
    spawned.stderr.on('data', (chunk: Buffer) => this.#output.push(chunk));
    spawned.process.once('exit', (code, signal) => this.#exited(code, signal));
    this.#bootTimer = setTimeout(() => this.#bootTimedOut(), options.bootTimeout);
    this.#open(spawned);
  }

  get outOfStep(): boolean {
    return this.#outOfStep;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Why its handshake failed, when it did. */
  get bootError(): RrtsError | undefined {
    return this.#bootError;
  }

  /** `performance.now()` after which the running request is over time; 0 for never. The pool's ticker looks at it. */
  get deadline(): number {
    return this.#session?.deadline ?? 0;
  }

  /** Gives the idle worker a request. */
  exec(exchange: Exchange, now: number): void {
    this.#go('working');
    this.execs++;
    (this.#session as Session).exec(exchange, now);
  }

  /** True when a further request may be sent ahead: see {@link prefetch}. */
  mayHold(depth: number, now: number): boolean {
    const session = this.#session;
    if (this.#prefetches === 'never' || session === undefined || this.#state !== 'working') return false;
    if (session.held >= depth || session.replying || session.hasVoids) return false;
    if (session.runsFor(now) > STALL_MS) return false;
    return session.averageMs > 0 && session.averageMs < QUICK_MS;
  }

  /** Its resident set in bytes; 0 where that cannot be read. */
  get memoryBytes(): number {
    this.#memory ??= new ResidentMemory(this.pid);
    return this.#memory.bytes;
  }

  /** What it runs, for people; undefined when it runs nothing. */
  get activity(): string | undefined {
    return this.#session?.activity;
  }

  /** How long it has been running that, in milliseconds; 0 when it runs nothing. */
  busyMs(now: number): number {
    return this.#session?.runsFor(now) ?? 0;
  }

  /** Handling time in milliseconds of the request that ended last; 0 before the first. */
  get tookMs(): number {
    return this.#session?.tookMs ?? 0;
  }

  /** Requests that were sent ahead. */
  get held(): number {
    return this.#session?.held ?? 0;
  }

  /** Gives the busy worker a further request, so that it need not wait for it when it has answered the one it runs. */
  prefetch(exchange: Exchange): void {
    this.execs++;
    (this.#session as Session).prefetch(exchange);
  }

  /** Takes back what was sent ahead, when the running request takes longer than `stallMs`. */
  takeBackIfStalled(now: number, stallMs: number): void {
    const session = this.#session;
    if (session !== undefined && session.held > 0 && session.runsFor(now) > stallMs) session.takeBack();
  }

  /** The client of a request went away: a stream is stopped, anything else is let finish unseen. */
  cancel(exchange: Exchange, now: number): void {
    this.#session?.cancel(exchange, now);
  }

  /** The client takes bytes again after `onReply` returned false. */
  resume(exchange: Exchange, now: number): void {
    if (this.#state === 'working') this.#session?.resume(exchange, now);
  }

  /** Ends it gently: stop frame, after `graceMs` SIGTERM, then SIGKILL to the group. For a worker that has no request. */
  stop(reason: ExitReason, graceMs: number): void {
    if (this.#state === 'stopping' || this.#state === 'dead') return;
    this.#reason ??= reason;
    const handshaken = this.#channel !== undefined;
    this.#go('stopping');
    clearTimeout(this.#bootTimer);
    this.#channel?.write(STOP_FRAME);
    // Its last words are still being read: there is nobody left to signal, and its pid may soon be another's.
    if (this.#gone) return;
    this.#ladderTimer = setTimeout(() => this.#terminate(), handshaken ? graceMs : 0);
  }

  /** Ends it at once: SIGKILL to its process group. A running exchange ends as `kind`. */
  kill(reason: ExitReason, kind: OutcomeKind, error: RrtsError): void {
    if (this.#state === 'dead') return;
    this.#reason ??= reason;
    if (this.#state !== 'stopping') this.#go('stopping');
    clearTimeout(this.#bootTimer);
    this.#kill('SIGKILL');
    this.#session?.fail({ kind, error });
  }

  /** The pool's ticker found the deadline passed. */
  overtime(): void {
    const { streamTimeout } = this.#options;
    if (this.#session?.abandoned === true) {
      this.kill('stream_timeout', 'stream_timeout', streamNotEnded(this.pid, streamTimeout));
      return;
    }
    this.kill(
      'exec_ttl',
      this.#session?.replying === true ? 'cut' : 'exec_ttl',
      ranTooLong(this.#session?.execTtl ?? 0, this.#facts),
    );
  }

  /** It uses more memory than `limit` bytes, which is more than it ever may. */
  overweight(limit: number): void {
    const kind = this.#session?.replying === true ? 'cut' : 'memory_limit';
    this.kill('max_worker_memory_hard', kind, usedTooMuchMemory(limit, this.#facts));
  }

  /** Takes over its connection to the socket relay, with the frame it introduced itself by. */
  adopt(channel: Channel, introduction: Frame): void {
    channel.owner = this;
    this.#privateChannel = channel;
    this.onFrame(channel, introduction);
  }

  onFrame(channel: Channel, frame: Frame): void {
    if (this.#state === 'starting') this.#introduced(channel, frame);
    else if (channel !== this.#channel) throw sequenceError('a handshake after the handshake');
    else this.#session?.receive(frame);
  }

  onFault(channel: Channel, error: RrtsError): void {
    if (this.#state === 'dead' || this.#state === 'stopping') return;
    if (this.#state === 'starting') {
      this.#failBoot(brokeHandshake(this.#options.script, error));
      return;
    }
    if (channel !== this.#channel) return;
    if (channel.ended) return; // it died inside a frame: `exit` tells more
    // There is no request whose failure would tell of it.
    if (this.#session?.busy !== true) {
      this.#options.logger.warn(this.#facts, `an idle worker broke the protocol: ${error.message}`);
    }
    const kind = this.#session?.replying === true ? 'cut' : 'malformed_reply';
    this.kill('malformed_reply', kind, brokeReply(error, this.#facts));
  }

  onEnd(channel: Channel): void {
    if (channel !== this.#channel || this.#state === 'stopping' || this.#state === 'dead') return;
    // Its end of the channel is closed, so it can answer nothing any more. Usually `exit` is about to follow;
    // a process that stays (it closed the descriptor, or handed it to a child) is taken down.
    this.#reason ??= 'died';
    if (this.#state === 'ready') this.#go('stopping'); // or it would be given a request that it cannot answer
    this.#ladderTimer ??= setTimeout(() => this.#kill('SIGKILL'), DEAF_MS);
  }

  exchangeEnded(exchange: Exchange | undefined, outcome: Outcome, goesOn: boolean): void {
    if (!goesOn && this.#state === 'working') this.#becomeIdle();
    // A second answer to one request: it must not be taken for that of the next, which is about to be sent. A worker that asked to
    // be ended gets no next one, and may still answer what it was sent ahead.
    if (this.#state === 'ready' && outcome.kind !== 'stop_wish' && this.#channel?.hasMore === true) {
      this.onFault(this.#channel, sequenceError('a second reply to one request'));
    }
    // It may have read what was taken back, or thrown it away: which reply would come next is not known.
    if (this.#outOfStep && this.#state === 'ready') this.stop('out_of_step', 0);
    this.#options.owner.exchangeEnded(this, exchange, outcome);
  }

  streamBegan(): void {
    if (this.#prefetches !== 'but-in-streams') return;
    this.#prefetches = 'never';
    this.#outOfStep = this.held > 0;
  }

  takenBack(exchanges: Exchange[]): void {
    this.execs -= exchanges.length;
    this.#options.owner.takenBack(exchanges);
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
    const onStdout = channel === this.#stdioChannel;
    const { codec, phpVersion, prefetches, calls } = introduce(channel, frame, onStdout, this.#options);
    this.codec = codec;
    this.phpVersion = phpVersion;
    this.#channel = channel;
    const door = calls ? this.#options.rpc?.open(rpcPeer(channel, this.pid, this.#options.debug)) : undefined;
    this.#session = new Session(channel, codec, this, this.#options, prefetches === 'always', door);
    this.#prefetches = prefetches;
    this.#booted = true;
    clearTimeout(this.#bootTimer);
    if (this.#printedEarly !== undefined && channel === this.#stdioChannel) this.#warnOfStray(this.#printedEarly);
    this.#printedEarly = undefined;
    this.#go('ready');
    this.#options.owner.workerReady(this);
  }

  #bootTimedOut(): void {
    const { script, bootTimeout, debug } = this.#options;
    this.#failBoot(bootTimedOut(script, bootTimeout, whatItPrinted(this.#output.tail, debug)));
  }

  #failBoot(error: RrtsError): void {
    this.#bootError ??= error;
    this.#reason ??= 'boot';
    clearTimeout(this.#bootTimer);
    if (this.#state === 'starting') this.#go('stopping');
    this.#kill('SIGKILL');
  }

  #terminate(): void {
    this.#signal('SIGTERM');
    this.#ladderTimer = setTimeout(() => this.#signal('SIGKILL'), TERM_TO_KILL_MS);
  }

  #signal(signal: NodeJS.Signals): void {
    this.#options.logger.debug({ pid: this.pid, signal, reason: this.#reason }, 'worker is signalled');
    this.#kill(signal);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#gone = true;
    clearTimeout(this.#bootTimer);
    clearTimeout(this.#ladderTimer);
    // What it started and left behind goes with it, unless it was asked to stop. The end of its channel may come first.
    if (this.#reason === undefined || this.#reason === 'died') this.#kill('SIGKILL');
    const waiting = this.#session?.busy === true || !this.#booted;
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
    const { script, owner, debug } = this.#options;
    this.#output.flush();
    for (const socket of this.#sockets) socket.destroy();
    this.#privateChannel?.close();
    this.#memory?.close();
    const { tail } = this.#output;
    const how = howItEnded(code, signal);
    const facts = { ...this.#facts, exitCode: code, signal };
    if (!this.#booted) this.#bootError ??= endedAtBoot(script, how, whatItPrinted(tail, debug), facts);
    this.#state = 'dead';
    const cut = this.#session?.replying === true;
    // The page of pool.debug shows it; elsewhere the pool's log line does.
    const told = debug ? `${how}${whatItPrinted(tail, true)}` : how;
    this.#session?.close();
    this.#session?.fail({ kind: cut ? 'cut' : 'crash', error: endedInExchange(this.pid, told, cut, facts) });
    owner.workerExited(this, { code, signal, reason: this.#reason ?? 'died', tail }, this.#booted);
  }

  /** Who it is, for the log. */
  get #facts(): { pid: number; script: string } {
    return { pid: this.pid, script: this.#options.script };
  }

  #becomeIdle(): void {
    this.#go('ready');
    this.idleSince = performance.now();
  }

  #go(to: WorkerState): void {
    if (!mayGo(this.#state, to)) throw new Error(`worker ${this.pid}: ${this.#state} to ${to} is no transition`);
    this.#state = to;
  }
}
