// The threads of one module: which of them a call gets, and new ones for those that end.

import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { CallError } from '../rpc-router/method.ts';
import type { ModuleSource } from './hosted-module.ts';
import { IDS_PER_PLACE, type Place, type Target } from './place.ts';
import { Thread } from './thread.ts';
import type { Ticket } from './ticket.ts';

/** Pause before a thread is tried again whose module did not load; it doubles up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A thread that crashes sooner has crashed quickly; the second in a row is not replaced at once. */
const QUICK_CRASH_MS = 10_000;
const LONGEST_CRASH_PAUSE_MS = 5000;
/** Threads that are gone of which the reason is remembered. */
const REMEMBERED = 100;

/** What a pool is made of. */
export interface ThreadPoolOptions {
  readonly source: ModuleSource;
  readonly threads: number;
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** A number that no other place has had. */
  readonly nextIndex: () => number;
  readonly onFault: (thrown: unknown) => void;
  /** A thread ended that should not have. */
  readonly onEnd: () => void;
}

interface Waiting {
  readonly ticket: Ticket;
  readonly found: (thread: Thread) => void;
}

/** Start it once, close it once. */
export class ThreadPool implements Target {
  readonly timeoutMs: number;
  readonly #options: ThreadPoolOptions;
  readonly #threads = new Map<number, Thread>();
  /** Why threads are gone. */
  readonly #gone = new Map<number, string>();
  readonly #waiting = new Set<Waiting>();
  readonly #retries = new Set<NodeJS.Timeout>();
  /** In a row. */
  #quickCrashes = 0;
  #closed = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.timeoutMs = options.timeoutMs;
  }

  /** Settles when all threads have loaded the module. @throws RrtsError ERR_BRIDGE_MODULE. */
  async start(): Promise<void> {
    const started = await Promise.allSettled(Array.from({ length: this.#options.threads }, () => this.#add()));
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    const [first] = this.#threads.values();
    for (const warning of first?.warnings ?? []) this.#options.logger.warn({}, warning);
  }

  /** Objects in all threads. */
  get objects(): number {
    let objects = 0;
    for (const thread of this.#threads.values()) objects += thread.objects;
    return objects;
  }

  /** The thread of these objects, or else a free one, as soon as there is one: each runs one call at a time. */
  place(objects: ReadonlySet<number>, ticket: Ticket): Place | Promise<Place> {
    for (const id of objects) {
      const thread = this.threadAt(Math.floor(id / IDS_PER_PLACE));
      if (thread === undefined) continue;
      thread.reserve();
      return thread;
    }
    const free = this.#free();
    if (free === undefined) return this.#wait(ticket);
    free.reserve();
    return free;
  }

  /** A thread by its number; undefined for one of others. @throws CallError ERR_BRIDGE_RELEASED for one that is gone. */
  threadAt(index: number): Thread | undefined {
    const reason = this.#gone.get(index);
    if (reason === undefined) return this.#threads.get(index);
    const text = `the object is gone with its thread of ${this.#options.source.name}: ${reason}`;
    throw new CallError(text, 'ERR_BRIDGE_RELEASED');
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const retry of this.#retries) clearTimeout(retry);
    this.#retries.clear();
    await Promise.all([...this.#threads.values()].map((thread) => thread.close()));
    this.#threads.clear();
  }

  async #add(): Promise<void> {
    const { source, nextIndex, onFault } = this.#options;
    const thread = await Thread.start({
      source,
      index: nextIndex(),
      onFault,
      onFree: () => this.#serve(),
      onEnd: (ended, reason, crashed) => this.#replace(ended, reason, crashed),
    });
    // A stop did not wait for it.
    if (this.#closed) await thread.close();
    else {
      this.#threads.set(thread.index, thread);
      this.#serve();
    }
  }

  #replace(thread: Thread, reason: string, crashed: boolean): void {
    if (this.#closed) return;
    const { logger, source, onEnd } = this.#options;
    this.#threads.delete(thread.index);
    this.#gone.set(thread.index, reason);
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > REMEMBERED && oldest !== undefined) this.#gone.delete(oldest);
    onEnd();
    logger.warn({ module: source.name }, `a thread of ${source.name} is gone and a new one starts: ${reason}`);
    this.#quickCrashes = crashed && thread.age < QUICK_CRASH_MS ? this.#quickCrashes + 1 : 0;
    const pauseMs = FIRST_PAUSE_MS * 2 ** Math.min(this.#quickCrashes - 2, 10);
    this.#tryAgain(this.#quickCrashes < 2 ? 0 : Math.min(pauseMs, LONGEST_CRASH_PAUSE_MS));
  }

  #tryAgain(pauseMs: number): void {
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      this.#add().catch((error: unknown) => {
        if (this.#closed) return;
        this.#options.logger.error({ err: error }, `a thread does not start, it is tried again: ${messageOf(error)}`);
        this.#tryAgain(Math.min(Math.max(pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS));
      });
    }, pauseMs);
    this.#retries.add(retry);
  }

  #free(): Thread | undefined {
    for (const thread of this.#threads.values()) if (thread.load === 0) return thread;
    return undefined;
  }

  #wait(ticket: Ticket): Promise<Place> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { ticket, found: resolve };
      this.#waiting.add(waiting);
      ticket.onAbandon((reason) => {
        if (this.#waiting.delete(waiting)) reject(reason);
      });
    });
  }

  /** Whoever waits longest gets what is free. */
  #serve(): void {
    for (const waiting of this.#waiting) {
      const free = this.#free();
      if (free === undefined) return;
      this.#waiting.delete(waiting);
      free.reserve();
      waiting.found(free);
    }
  }
}
