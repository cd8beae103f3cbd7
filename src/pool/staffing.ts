// When the workers of a pool are started: the contract of its two ways.

/** Decides when workers are started. The allocator keeps a number of them up; with pool.debug each request gets its own. */
export interface Staffing {
  /** Boots that failed in a row. */
  readonly failures: number;
  /** Starts what is missing now. */
  fill(): void;
  /** The same, without waiting for a back-off to end: somebody asks for it. */
  fillNow(): void;
  /** A worker booted. */
  succeeded(): void;
  /** A worker did not boot, or died before it served anything; `killed` when somebody else did that to it. */
  failed(error: unknown, killed?: boolean): void;
  /** The pool stops. */
  close(): void;
}
