// What the master and a thread say to one another. Everything can be cloned.

import type { PlainError } from './bridge-error.ts';
import type { ModuleSource } from './hosted-module.ts';
import type { BridgeRequest } from './request.ts';

/** From the master. */
export type ThreadOrder =
  | {
      readonly kind: 'boot';
      readonly source: ModuleSource;
      /** Ids of objects are above it. */
      readonly base: number;
      /** The one call that runs at this moment, without a pause: number of the call, or 0. */
      readonly computing: Int32Array;
    }
  | { readonly kind: 'run'; readonly call: number; readonly request: BridgeRequest }
  | { readonly kind: 'abandon'; readonly call: number; readonly reason: PlainError }
  | { readonly kind: 'release'; readonly caller: number; readonly ids: readonly number[] }
  | { readonly kind: 'drop'; readonly caller: number };

/** The answer to an order. */
export interface ThreadAnswer {
  readonly bytes?: Uint8Array;
  readonly error?: PlainError;
  /** Why the module cannot be loaded. */
  readonly startError?: { readonly message: string; readonly place?: string; readonly cure?: string };
  /** After a boot. */
  readonly warnings?: readonly string[];
  /** Objects that the thread keeps now. */
  readonly objects: number;
}

/** What a module threw when no call waited for it. Sent without having been asked. */
export interface ThreadFault {
  readonly fault: PlainError;
}
