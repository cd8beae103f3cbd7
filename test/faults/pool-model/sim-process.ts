// A simulated PHP process: its pipes, its life and its death. What it says on them is its client's business.

import { EventEmitter } from 'node:events';
import { quoteBytes } from '../../../src/core/text.ts';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import type { SpawnedProcess } from '../../../src/worker/spawn.ts';
import { NativeClient } from './native-client.ts';
import type { Step } from './script.ts';
import { SdkClient } from './sdk-client.ts';
import { SimSocket } from './sim-socket.ts';

/** How a process starts, and what kind of process it is. */
export interface Boot {
  readonly fate: 'ok' | 'exits' | 'hangs' | 'garbage' | 'version' | 'dies-when-ready' | 'no-spawn';
  /** Milliseconds to the process, and from there to its first words. */
  readonly spawnMs: number;
  readonly bootMs: number;
  /** Milliseconds that bytes are on their way. */
  readonly lagMs: number;
  /** Milliseconds from its death to the master's knowledge of it. */
  readonly exitLagMs: number;
  /** Heeds neither stop frame nor SIGTERM. */
  readonly stubborn: boolean;
  /** A process it started keeps its pipes open after its death. */
  readonly grandchild: boolean;
  /** Bytes of a turn arrive in two pieces. */
  readonly split: boolean;
  /** SDK workers: takes frames from the pipe while it streams, and loses them. */
  readonly loses: boolean;
}

/** The kinds of client in a process. */
export type ClientKind = 'native' | 'native-without-prefetch' | 'sdk';

/** The protocol's side of a process. */
export interface Client {
  /** Says who it is. */
  hello(): void;
  /** Bytes have arrived, or the process runs again after it was stopped: goes on if it waited for that. */
  wake(): void;
  /** A frame has arrived in the pipe. */
  arrived(frame: Parameters<Parameters<FrameDecoder['push']>[1]>[0]): void;
  /** The master has closed its end. */
  closed(): void;
}

/** What a process needs of the world around it. */
export interface Host {
  /** A request is taken up; the steps to take. `begins` is false for one that hands it back unhandled. */
  taken(process: SimProcess, id: number, attempt: number): readonly Step[];
  /** Something happened that is worth a line in the story of a failed sequence. */
  tell(line: () => string): void;
}

/** One process. */
export class SimProcess {
  readonly pid: number;
  readonly boot: Boot;
  readonly host: Host;
  readonly spawned: SpawnedProcess;
  alive = true;
  frozen = false;
  /** It was frozen at some time, or closed its channel. */
  wasFrozen = false;
  wasDeaf = false;
  /** It broke the protocol. */
  misbehaved = false;
  /** It has asked to be ended: the pool took back what it held. */
  hasAskedToStop = false;
  /** Who ended it: itself, somebody outside, or the pool. */
  endedBy: 'self' | 'outside' | 'pool' | undefined;
  /** It ended as asked, with code 0. */
  endedWell = false;
  /** A write of the pool failed after its death: what was still to be read on that socket is lost. */
  broken = false;

  readonly #events = new EventEmitter();
  readonly #client: Client;
  readonly #voice: SimSocket;
  readonly #sockets: readonly SimSocket[];
  readonly #decoder = new FrameDecoder();
  readonly #timers = new Set<NodeJS.Timeout>();
  #postponed: (() => void)[] = [];
  /** What is on its way, either way, in order: timers of 0 ms fire sooner or later, depending on where they are set. */
  readonly #inward: (() => void)[] = [];
  readonly #outward: (() => void)[] = [];
  #outbox: Buffer[] = [];
  #voiceClosed = false;
  #terminated = false;

  constructor(pid: number, kind: ClientKind, boot: Boot, host: Host) {
    this.pid = pid;
    this.boot = boot;
    this.host = host;
    const deaf = (): boolean => this.alive;
    const hears = (bytes: Buffer): boolean => this.#hear(bytes);
    const closed = (): void => this.#travel(this.#inward, () => this.alive && this.#client.closed());
    const sdk = kind === 'sdk';
    const stdin = new SimSocket('out', sdk ? hears : deaf, sdk ? closed : undefined);
    const stdout = new SimSocket('in', deaf);
    const stderr = new SimSocket('in', deaf);
    const channel = new SimSocket('both', sdk ? deaf : hears, sdk ? undefined : closed);
    this.#voice = sdk ? stdout : channel;
    this.#sockets = [stdout, stderr, channel];
    this.#client = sdk ? new SdkClient(this) : new NativeClient(this, kind === 'native');
    this.spawned = {
      process: this.#events,
      pid,
      stdin: stdin.asSocket,
      stdout: stdout.asSocket,
      stderr: stderr.asSocket,
      channel: channel.asSocket,
      kill: (signal) => this.#signalled(signal),
    };
    this.#start();
  }

  /** Sends bytes; they arrive together with all else that is sent until then. */
  send(bytes: Buffer): void {
    if (this.#voiceClosed || !this.alive) return;
    if (this.#outbox.length === 0) this.#travel(this.#outward, () => this.#flush());
    this.#outbox.push(bytes);
    this.host.tell(() => `${this.pid} says ${quoteBytes(bytes)}`);
  }

  /** Does something later, if it lives and is not stopped then. */
  after(ms: number, work: () => void): void {
    this.#after(ms, work);
  }

  /** It ends by itself. */
  exit(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.#die(code, signal, 'self');
  }

  /** kill -9 from outside, of this process alone. */
  killFromOutside(): void {
    this.#die(null, 'SIGKILL', 'outside');
  }

  /** SIGSTOP. */
  freeze(): void {
    this.frozen = true;
    this.wasFrozen = true;
  }

  /** SIGCONT. */
  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    const works = this.#postponed;
    this.#postponed = [];
    if (this.#terminated) this.#signalled('SIGTERM');
    for (const work of works) if (this.alive) work();
    if (this.alive) this.#client.wake();
  }

  /** Closes its end of the channel and lives on. */
  closeChannel(): void {
    if (this.#voiceClosed) return;
    this.#voiceClosed = true;
    this.wasDeaf = true;
    this.#travel(this.#outward, () => this.#voice.deliverEnd());
  }

  #start(): void {
    const { fate, bootMs } = this.boot;
    if (fate === 'hangs') return;
    this.#after(bootMs, () => {
      if (fate === 'exits') this.exit(255);
      else if (fate === 'garbage') this.send(Buffer.alloc(20, 0xf7));
      else this.#client.hello();
    });
    if (fate === 'dies-when-ready') this.#after(bootMs + 4, () => this.exit(1));
  }

  #hear(bytes: Buffer): boolean {
    if (!this.alive) {
      this.broken = true;
      return false;
    }
    this.host.tell(() => `${this.pid} is told ${quoteBytes(bytes)}`);
    this.#travel(this.#inward, () => {
      if (!this.alive) return;
      this.#decoder.push(bytes, (frame) => this.#client.arrived(frame));
      if (!this.frozen) this.#client.wake();
    });
    return true;
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#outbox);
    this.#outbox = [];
    const middle = this.boot.split ? bytes.length >> 1 : 0;
    if (middle > 0) this.#voice.deliver(bytes.subarray(0, middle));
    this.#voice.deliver(bytes.subarray(middle));
  }

  #signalled(signal: NodeJS.Signals): void {
    if (!this.alive)
      this.#endPipes(); // the group: a grandchild goes too
    else if (signal === 'SIGKILL') this.#die(null, signal, 'pool');
    else if (this.frozen) this.#terminated = true;
    else if (!this.boot.stubborn) this.#die(null, signal, 'pool');
    if (signal === 'SIGKILL') this.#endPipes();
  }

  #die(code: number | null, signal: NodeJS.Signals | null, by: 'self' | 'outside' | 'pool'): void {
    if (!this.alive) return;
    this.alive = false;
    this.endedBy = by;
    this.endedWell = code === 0;
    this.host.tell(() => `${this.pid} ends ${code ?? signal} by ${by}`);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    if (!this.boot.grandchild) this.#endPipes();
    setTimeout(() => {
      this.#events.emit('exit', code, signal);
    }, this.boot.exitLagMs);
  }

  #endPipes(): void {
    this.#travel(this.#outward, () => {
      for (const socket of this.#sockets) socket.deliverEnd();
    });
  }

  /** Arrives after everything that was on this way before. Neither death nor SIGSTOP holds it up. */
  #travel(way: (() => void)[], arrival: () => void): void {
    way.push(arrival);
    setTimeout(() => way.shift()?.(), this.boot.lagMs);
  }

  #after(ms: number, work: () => void): void {
    if (!this.alive) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.frozen) this.#postponed.push(work);
      else work();
    }, ms);
    this.#timers.add(timer);
  }
}
