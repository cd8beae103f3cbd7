// One action for many wishes: waits until no more come, and never runs twice at once.

/** How long to wait, and what for. */
export interface DebounceOptions {
  /** The action runs when no wish came for so long; milliseconds. */
  readonly quietMs: number;
  /** Wishes that never pause do not put it off for longer than this; milliseconds. */
  readonly longestMs: number;
  /** Must not reject: there is nobody to tell. */
  readonly action: () => Promise<void>;
}

/**
 * Runs an action once after each burst of wishes. A wish that comes while the action runs leads to another run, so that there is always
 * one that began after the last wish. The owner calls `close`.
 */
export class Debounce {
  readonly #options: DebounceOptions;
  #timer: NodeJS.Timeout | undefined;
  /** Of the burst that is waited for; undefined when none is. */
  #firstWish: number | undefined;
  #lastWish = 0;
  #running = false;
  #closed = false;

  constructor(options: DebounceOptions) {
    this.#options = options;
  }

  /** Wishes for a run. */
  wish(): void {
    if (this.#closed) return;
    this.#lastWish = performance.now();
    this.#firstWish ??= this.#lastWish;
    if (!this.#running) this.#timer ??= setTimeout(this.#look, this.#options.quietMs);
  }

  /** No further run begins; one that is under way goes on. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    // A process that was starved finds its timers due before it has read the events that came meanwhile: those are read first.
    setImmediate(() => {
      if (this.#closed) return;
      const wait = this.#left();
      this.#timer = wait > 0 ? setTimeout(this.#look, wait) : undefined;
      if (wait <= 0) void this.#run();
    });
  };

  #left(): number {
    const { quietMs, longestMs } = this.#options;
    return Math.min(this.#lastWish + quietMs, (this.#firstWish ?? 0) + longestMs) - performance.now();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#firstWish = undefined;
    try {
      await this.#options.action();
    } finally {
      this.#running = false;
      if (this.#firstWish !== undefined && !this.#closed) this.#timer = setTimeout(this.#look, this.#left());
    }
  }
}
