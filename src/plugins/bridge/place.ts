// Where calls on modules run: the master, or a worker thread.

import type { BridgeRequest } from './request.ts';
import type { Ticket } from './ticket.ts';

/** A thread has so many ids of objects for itself: an id tells where its object is. */
export const IDS_PER_PLACE = 2 ** 32;

/** One thread with its modules and objects. */
export interface Place {
  /** Does what is asked for. @throws, rejects with CallError. */
  run(request: BridgeRequest, ticket: Ticket): Buffer | Promise<Buffer>;
  /** The module that gave the caller an object; undefined where it has none of this id. */
  moduleOf(caller: number, id: number): string | undefined;
  /** Takes back one handout for each id. */
  release(caller: number, ids: readonly number[]): void;
  /** The caller is gone. */
  drop(caller: number): void;
}

/** A module as calls find it. */
export interface Target {
  /** Longest time of a call, in milliseconds; 0 for no limit. */
  readonly timeoutMs: number;
  /** Where a call runs whose arguments have these objects. @throws CallError. */
  place(objects: ReadonlySet<number>, ticket: Ticket): Place | Promise<Place>;
}
