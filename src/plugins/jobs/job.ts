// What a job is, from its push to its end.

/** Headers of a job: names to values, without a prototype. */
export type JobHeaders = Readonly<Record<string, readonly string[]>>;

/** One job. It never changes: a retry is a new object with the same id. */
export interface Job {
  /** Given by who pushed it; never empty. */
  readonly id: string;
  /** What is to be done: the name of a class, as a rule. RoadRunner calls it `job`. */
  readonly name: string;
  /** Opaque: whoever pushes serialises. */
  readonly payload: Buffer;
  readonly headers: JobHeaders;
  /** Lower ones first; within one priority in the order of their pushes. */
  readonly priority: number;
  /** 1 for its first run; one more for each run that failed. A run that was not begun, or was cut by a stop, does not count. */
  readonly attempt: number;
  /** When it was pushed, in milliseconds since 1970; a retry does not change it. */
  readonly pushedAt: number;
  readonly options: JobOptions;
}

/** What a job asks for beyond what its pipeline says. It travels with the job; a driver stores it and does not read it, but for `unique`. */
export interface JobOptions {
  /** Milliseconds one run may take. Default: `timeout` of the pipeline. */
  readonly timeoutMs?: number;
  /** Runs that may fail before it goes to the dead-letter pipeline. Default: `retry.max_attempts` of the pipeline. */
  readonly maxAttempts?: number;
  /** While a job with this key is in the pipeline, another one is a duplicate. The key is free again once the job is acknowledged. */
  readonly unique?: string;
  /** Jobs to push, one after the other, each when the one before it is done. */
  readonly chain?: readonly ChainLink[];
  /** Acknowledged before it runs: lost when its run fails. RoadRunner's `auto_ack`. */
  readonly autoAck?: boolean;
  /** It has been run for the last time, and what follows it could not be stored: it is not run again, that is tried again. */
  readonly ended?: JobEnd;
}

/** How a job has ended for good: well, or as a dead letter since `at`, in milliseconds since 1970. */
export type JobEnd =
  | { readonly result: 'done' }
  | { readonly result: 'dead'; readonly error: string; readonly at: number };

/** A job that follows another one. */
export interface ChainLink {
  readonly pipeline: string;
  readonly id: string;
  readonly name: string;
  readonly payload: Buffer;
  readonly headers: JobHeaders;
  /** Resolved when the chain is pushed. */
  readonly priority: number;
  readonly delayMs: number;
  readonly options: JobOptions;
}
