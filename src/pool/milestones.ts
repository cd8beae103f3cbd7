// Promises for states that a pool reaches sooner or later, or not at all.

interface Milestone {
  reached(): boolean;
  undo(): void;
  resolve(): void;
  reject(error: unknown): void;
}

/** Whoever changes a pool waits here until its workers have followed. */
export class Milestones {
  readonly #open = new Set<Milestone>();
  #closed: { readonly error: unknown } | undefined;

  /** Settles when `reached` is true, at once or at one of the next looks. A failure calls `undo` first, then rejects. */
  until(reached: () => boolean, undo: () => void): Promise<void> {
    if (reached()) return Promise.resolve();
    if (this.#closed !== undefined) {
      undo();
      return Promise.reject(this.#closed.error);
    }
    return new Promise((resolve, reject) => {
      this.#open.add({ reached, undo, resolve, reject });
    });
  }

  /** Something changed. */
  look(): void {
    for (const milestone of this.#open) {
      if (!milestone.reached()) continue;
      this.#open.delete(milestone);
      milestone.resolve();
    }
  }

  /** The pool stops: whatever is waited for, now or later, will not come. */
  close(error: unknown): void {
    this.#closed = { error };
    this.fail(error);
  }

  /** A worker did not boot: what is waited for will not come. */
  fail(error: unknown): void {
    const open = [...this.#open];
    this.#open.clear();
    for (const milestone of open) {
      milestone.undo();
      milestone.reject(error);
    }
  }
}
