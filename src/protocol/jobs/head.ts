// The head of a job and of its reply, before and after the codecs.

/** A job as a head codec takes it; its payload is the body. */
export interface JobHead {
  readonly id: string;
  readonly name: string;
  readonly pipeline: string;
  /** Name of the driver, as clients know it. */
  readonly driver: string;
  /** Name of the queue in the broker. */
  readonly queue: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Milliseconds it may run; 0 for no limit. */
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly pushedAt: number;
}

/** What the worker says of a job that it ran. */
export type JobReply =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** False: it would fail again. */
      readonly retry: boolean;
      /** Milliseconds until the next attempt; undefined: as the pipeline says. */
      readonly delayMs: number | undefined;
      /** Put over those of the job, also of the dead letter; what the worker wants the next attempt to know. */
      readonly headers?: Readonly<Record<string, readonly string[]>>;
    }
  | {
      readonly kind: 'requeue';
      readonly delayMs: number;
      /** Put over those of the job; undefined: none. */
      readonly headers: Readonly<Record<string, readonly string[]>> | undefined;
      /** Why, for the log. */
      readonly message: string;
    };

/** The reply of most jobs. */
export const DONE: JobReply = { kind: 'done' };
