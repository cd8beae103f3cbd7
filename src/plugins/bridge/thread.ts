// One worker thread with one module, seen from the master.

import { extname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { RrtsError } from '../../core/errors.ts';
import { CallError } from '../rpc-router/method.ts';
import { fromPlainError, toPlainError } from './bridge-error.ts';
import type { ModuleSource } from './hosted-module.ts';
import { IDS_PER_PLACE, type Place } from './place.ts';
import type { BridgeRequest } from './request.ts';
import type { ThreadAnswer, ThreadFault, ThreadOrder } from './thread-message.ts';
import type { Ticket } from './ticket.ts';

/** Of the sources or of the build, as this file is. */
const ENTRY = new URL(`./thread-entry${extname(import.meta.url)}`, import.meta.url).href;

/** Somewhat longer than a module may take to load: then not even the thread's own timer has run. */
const BOOT_TIMEOUT_MS = 35_000;
/** How long a thread whose call was given up may be silent before it counts as computing. */
const PATIENCE_MS = 250;

/** What a thread is made of. */
export interface ThreadOptions {
  readonly source: ModuleSource;
  /** Its number among all places; ids of its objects begin with it. */
  readonly index: number;
  /** The thread has ended by itself (`crashed`), or was ended because it computed too long. Not called by {@link Thread.close}. */
  readonly onEnd: (thread: Thread, reason: string, crashed: boolean) => void;
  /** A call has ended. */
  readonly onFree: () => void;
  /** The module threw when no call waited for it. */
  readonly onFault: (thrown: CallError) => void;
}

/** Start it once; it ends once. Its objects end with it. */
export class Thread implements Place {
  readonly index: number;
  readonly #options: ThreadOptions;
  // One pool for each thread, of one thread: objects live in a certain one, and a call must get there. The thread must not sleep
  // between calls (`atomics`), because streams and timers of the module go on.
  readonly #piscina: Piscina<ThreadOrder, ThreadAnswer>;
  readonly #computing = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #startedAt = performance.now();
  #ended: string | undefined;
  #lastCall = 0;
  #load = 0;
  #objects = 0;
  #warnings: readonly string[] = [];

  private constructor(options: ThreadOptions, piscina: Piscina<ThreadOrder, ThreadAnswer>) {
    this.#options = options;
    this.index = options.index;
    this.#piscina = piscina;
    this.#piscina.on('message', ({ fault }: ThreadFault) => options.onFault(fromPlainError(fault)));
    // What it says is said by the events of the thread itself too.
    this.#piscina.on('error', () => undefined);
  }

  /** @throws RrtsError ERR_BRIDGE_MODULE when the module cannot be loaded in it. */
  static async start(options: ThreadOptions): Promise<Thread> {
    const thread = new Thread(options, await openPiscina());
    try {
      await thread.#boot();
      return thread;
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** Calls that run, without those that wait for the next value of an iteration. */
  get load(): number {
    return this.#load;
  }

  /** Milliseconds since its start. */
  get age(): number {
    return performance.now() - this.#startedAt;
  }

  get objects(): number {
    return this.#objects;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Counts a call that will come: two that look for a free thread at the same time find different ones. {@link run} takes it. */
  reserve(): void {
    this.#load++;
  }

  /** A call on an export must have been reserved. */
  async run(request: BridgeRequest, ticket: Ticket): Promise<Buffer> {
    const { kind } = request.wish;
    if (kind !== 'call' && kind !== 'next') this.#load++;
    try {
      if (ticket.abandoned !== undefined) throw ticket.abandoned;
      const call = this.#nextCall();
      const answer = this.#order({ kind: 'run', call, request });
      // The thread is free for others when it has heard that nobody waits, although the module may never answer.
      const given = new Promise<never>((_, reject) => {
        ticket.onAbandon((reason) => void this.#abandon(call, reason).then(() => reject(reason)));
      });
      const { bytes, error } = await Promise.race([answer, given]);
      if (error !== undefined) throw fromPlainError(error);
      return bytes === undefined ? Buffer.alloc(0) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } finally {
      if (kind !== 'next') {
        this.#load--;
        this.#options.onFree();
      }
    }
  }

  moduleOf(): string {
    return this.#options.source.name;
  }

  release(caller: number, ids: readonly number[]): void {
    this.#tell({ kind: 'release', caller, ids });
  }

  drop(caller: number): void {
    this.#tell({ kind: 'drop', caller });
  }

  /** Ends it without a word. Settles when it is gone. */
  async close(): Promise<void> {
    this.#ended ??= 'the server stops';
    await this.#piscina.destroy();
  }

  async #boot(): Promise<void> {
    const { source, index } = this.#options;
    const key = `bridge.modules.${source.name}`;
    const late = new AbortController();
    const tooLate = pause(BOOT_TIMEOUT_MS, undefined, { signal: late.signal });
    tooLate.catch(() => undefined);
    const order = { kind: 'boot', source, base: index * IDS_PER_PLACE, computing: this.#computing } as const;
    const ended = (): ThreadAnswer => ({
      startError: { message: `${key}: its thread ended while it loaded` },
      objects: 0,
    });
    const booted = this.#order(order).catch(ended);
    const answer = await Promise.race([booted, tooLate]).finally(() => late.abort());
    const failed = answer === undefined ? { message: `${key}: it does not end loading` } : answer.startError;
    if (failed !== undefined) throw new RrtsError('ERR_BRIDGE_MODULE', failed.message, failed);
    this.#warnings = answer?.warnings ?? [];
    const [worker] = this.#piscina.threads;
    worker?.once('error', (error) => this.#end(`it crashed: ${error.message}`, true));
    worker?.once('exit', (code) => this.#end(`it ended with exit code ${code}`, true));
  }

  /** @throws CallError when the thread ends before it has answered. */
  async #order(order: ThreadOrder): Promise<ThreadAnswer> {
    if (this.#ended !== undefined) throw this.#gone();
    try {
      const answer = await this.#piscina.run(order);
      this.#objects = answer.objects;
      return answer;
    } catch {
      throw this.#gone();
    }
  }

  /** An order that nobody waits for; a thread that is gone has forgotten everything anyway. */
  #tell(order: ThreadOrder): void {
    this.#order(order).catch(() => undefined);
  }

  /** Nobody waits for a call any more. It cannot be stopped while it computes, so then the thread is ended. */
  async #abandon(call: number, reason: CallError): Promise<void> {
    if (this.#ended !== undefined) return;
    const heard = this.#order({ kind: 'abandon', call, reason: toPlainError(reason) }).then(
      () => true,
      () => true,
    );
    const bound = new AbortController();
    const silence = pause(PATIENCE_MS, false, { signal: bound.signal }).catch(() => true);
    const answered = await Promise.race([heard, silence]).finally(() => bound.abort());
    const computing = Atomics.load(this.#computing, 0);
    if (answered) return;
    // Another call may compute, within its own time: this one is given up when that is done.
    if (computing === 0 || computing === call) this.#end('a call in it computed longer than it may', false);
    await heard;
  }

  #end(reason: string, crashed: boolean): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#objects = 0;
    this.#piscina.destroy().catch(() => undefined);
    this.#options.onEnd(this, reason, crashed);
  }

  #gone(): CallError {
    const why = this.#ended ?? 'it ended';
    return new CallError(`the thread of ${this.#options.source.name} is gone: ${why}`, 'ERR_RPC_FAILED');
  }

  #nextCall(): number {
    this.#lastCall = (this.#lastCall % 0x7fff_ffff) + 1;
    return this.#lastCall;
  }
}

/** The package is loaded for those who have threads. */
async function openPiscina(): Promise<Piscina<ThreadOrder, ThreadAnswer>> {
  const { Piscina } = await import('piscina');
  return new Piscina({
    filename: ENTRY,
    name: 'obey',
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    concurrentTasksPerWorker: Number.MAX_SAFE_INTEGER,
    loadBalancer: (_, [worker]) => worker ?? null,
    recordTiming: false,
  });
}
