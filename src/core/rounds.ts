// Work that many may ask for and that must not run twice at once.

/**
 * Runs one round of work at a time. Who asks during a round gets the one that follows it, together with all others that do: the
 * running one may have looked at things before they changed.
 */
export class Rounds<T> {
  readonly #work: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(work: () => Promise<T>) {
    this.#work = work;
  }

  /** Settles as a round does that began after this call. */
  run(): Promise<T> {
    if (this.#running === undefined) return this.#begin();
    const again = (): Promise<T> => {
      this.#next = undefined;
      return this.run();
    };
    this.#next ??= this.#running.then(again, again);
    return this.#next;
  }

  #begin(): Promise<T> {
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
