// The objects that one caller holds: each by its id, as long as PHP has a handle of it.

import { CallError } from '../rpc-router/method.ts';
import type { Iteration } from './iteration.ts';
import { IDS_PER_PLACE } from './place.ts';

/** Objects that one caller may hold at a time. */
export const MAX_OBJECTS = 10_000;

/** An object that was handed out. */
export interface Held<Module> {
  readonly id: number;
  readonly object: object;
  /** The module that gave it: its allow list counts. */
  readonly module: Module;
  /** How often it was handed out and not released. */
  handouts: number;
  iteration: Iteration | undefined;
}

/** Ids are given in turn from `base` + 1 and never again: a handle that was released can never mean another object. */
export class ObjectTable<Module> {
  readonly #byId = new Map<number, Held<Module>>();
  readonly #byObject = new Map<object, Held<Module>>();
  readonly #limit: number;
  #last: number;

  constructor(base: number, limit: number = MAX_OBJECTS) {
    this.#last = base;
    this.#limit = limit;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The same object has the same id as long as it is held. @throws CallError ERR_RPC_BUSY at the limit. */
  add(object: object, module: Module): Held<Module> {
    const known = this.#byObject.get(object);
    if (known !== undefined) {
      known.handouts++;
      return known;
    }
    if (this.#byId.size >= this.#limit) {
      const text = `the caller holds ${this.#limit} objects of Node already: it keeps them and does not let them go (unset them, or keep fewer)`;
      throw new CallError(text, 'ERR_RPC_BUSY');
    }
    const held = { id: ++this.#last, object, module, handouts: 1, iteration: undefined };
    this.#byId.set(held.id, held);
    this.#byObject.set(object, held);
    return held;
  }

  find(id: number): Held<Module> | undefined {
    return this.#byId.get(id);
  }

  /** @throws CallError ERR_BRIDGE_RELEASED. */
  get(id: number): Held<Module> {
    const held = this.#byId.get(id);
    if (held !== undefined) return held;
    if (Math.floor(id / IDS_PER_PLACE) !== Math.floor(this.#last / IDS_PER_PLACE)) {
      throw new CallError(`object ${id} is in another thread than what it is given to`, 'ERR_RPC_ARGUMENT');
    }
    const text = id <= this.#last ? `object ${id} was released` : `this caller was never given an object ${id}`;
    throw new CallError(text, 'ERR_BRIDGE_RELEASED');
  }

  /** Takes back one handout; unknown ids are nothing to complain of. @returns the object when it was the last one. */
  release(id: number): Held<Module> | undefined {
    const held = this.#byId.get(id);
    if (held === undefined || --held.handouts > 0) return undefined;
    this.#byId.delete(id);
    this.#byObject.delete(held.object);
    return held;
  }

  /** All of them, which are held no more. */
  clear(): Held<Module>[] {
    const all = [...this.#byId.values()];
    this.#byId.clear();
    this.#byObject.clear();
    return all;
  }
}
