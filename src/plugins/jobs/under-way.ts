// Work that is under way, and somebody who waits for its end.

/** Counts work until it has settled. */
export class UnderWay {
  readonly #waiting = new Set<() => void>();
  #count = 0;

  /** How much has not settled. */
  get count(): number {
    return this.#count;
  }

  /** Begins work, and settles as it does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      return await work();
    } finally {
      this.#count--;
      if (this.#count === 0) for (const wake of [...this.#waiting]) wake();
    }
  }

  /** Waits until nothing is under way, for at most so many milliseconds. False when something still is. */
  ended(ms: number): Promise<boolean> {
    if (this.#count === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (done: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(done);
      };
      const wake = (): void => end(true);
      const timer = setTimeout(() => end(false), ms);
      this.#waiting.add(wake);
    });
  }
}
