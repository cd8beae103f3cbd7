// One iteration over an object that a library gave, as PHP asks for it: some values at a time.

import { setTimeout as pause } from 'node:timers/promises';
import type { Ticket } from './ticket.ts';

/** Longest wait for an iterator that is ended before its end. */
const RETURN_TIMEOUT_MS = 1000;
/** Bytes after which no further value is added to an answer. */
const ENOUGH_BYTES = 1024 * 1024;

const LATE = Symbol('late');

type Step = { readonly value: unknown } | { readonly done: true } | { readonly error: unknown };
type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

/** What an answer has. */
export interface Batch {
  readonly values: readonly unknown[];
  readonly done: boolean;
}

/** Steps run one after the other, however many ask at the same time. */
export class Iteration {
  readonly #iterator: AnyIterator;
  /** A step that was begun and whose value nobody has taken yet. */
  #ahead: Promise<Step> | undefined;
  #end: 'done' | { readonly error: unknown } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(iterable: AsyncIterable<unknown> | Iterable<unknown>) {
    this.#iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  }

  /** Waits for a value, then adds what is there already, up to `count`. What a caller that gave up has not taken, the next one gets. */
  next(count: number, ticket: Ticket): Promise<Batch> {
    const batch = this.#turn.then(() => this.#take(count, ticket));
    this.#turn = batch.catch(() => undefined);
    return batch;
  }

  /** Ends it early: the iterator is asked to clean up, for at most a second. What it throws is nobody's any more. */
  async return(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = 'done';
    const bound = new AbortController();
    const tooLate = pause(RETURN_TIMEOUT_MS, undefined, { signal: bound.signal }).catch(() => undefined);
    try {
      await Promise.race([this.#iterator.return?.(), tooLate]);
    } catch {
      // The caller wanted no more of it.
    } finally {
      bound.abort();
    }
  }

  async #take(count: number, ticket: Ticket): Promise<Batch> {
    const values: unknown[] = [];
    let bytes = 0;
    let immediate: NodeJS.Immediate | undefined;
    let hurry = new Promise<typeof LATE>((resolve) => ticket.onAbandon(() => resolve(LATE)));
    try {
      while (values.length < count && bytes < ENOUGH_BYTES && this.#end === undefined) {
        this.#ahead ??= this.#step();
        const step = await Promise.race([this.#ahead, hurry]);
        if (step === LATE) break;
        this.#ahead = undefined;
        if ('value' in step) {
          values.push(step.value);
          bytes += lengthOf(step.value);
        } else this.#end ??= 'error' in step ? step : 'done';
        if (values.length === 1 && immediate === undefined) {
          hurry = new Promise((resolve) => {
            immediate = setImmediate(() => resolve(LATE));
          });
        }
      }
    } finally {
      clearImmediate(immediate);
    }
    return this.#batch(values);
  }

  /** Values that came before an error go out first; the error is for who asks next. */
  #batch(values: readonly unknown[]): Batch {
    const end = this.#end;
    if (typeof end === 'object' && values.length === 0) {
      this.#end = 'done';
      throw end.error;
    }
    return { values, done: end === 'done' };
  }

  /** Never rejects: nobody may wait for it yet. */
  async #step(): Promise<Step> {
    try {
      const { done, value } = await this.#iterator.next();
      return done === true ? { done } : { value };
    } catch (error) {
      return { error };
    }
  }
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return ArrayBuffer.isView(value) ? value.byteLength : 0;
}
