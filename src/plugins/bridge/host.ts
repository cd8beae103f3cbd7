// Runs calls on modules of this thread, and keeps the objects that they give, for each caller apart.

import { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { CallError } from '../rpc-router/method.ts';
import { type AllowList, exportName } from './allow-list.ts';
import { classOf, quoted, thrownBy } from './bridge-error.ts';
import { Iteration } from './iteration.ts';
import type { Export, ModuleExports } from './module-exports.ts';
import { type Held, ObjectTable } from './object-table.ts';
import type { Place } from './place.ts';
import { isObject, propertyNames, readProperty } from './properties.ts';
import { denied, missing, noModule } from './refusals.ts';
import type { BridgeCodec, BridgeRequest, Wish } from './request.ts';
import type { Ticket } from './ticket.ts';
import { readArguments } from './values-in.ts';
import { encodeValue, isIterable } from './values-out.ts';

/** A module that is loaded. */
export interface HostedModule {
  readonly name: string;
  readonly allow: AllowList;
  readonly exports: ModuleExports;
}

/** What a host is made of. */
export interface HostOptions {
  readonly modules: ReadonlyMap<string, HostedModule>;
  /** Ids of objects are above it. */
  readonly base: number;
  /** Runs code of a module, so that what it throws later is known to be the module's. */
  readonly guard: <T>(module: string, code: () => T) => T;
  /** Told of `error` events that nobody listens to, and of what iterators throw when they are ended. */
  readonly onFault: (module: string, thrown: unknown) => void;
}

/** Names that a suggestion looks through. */
const MAX_NAMES = 200;

type HeldObject = Held<HostedModule>;

/** Everything about a call but what it does. */
interface Context {
  readonly caller: number;
  readonly codec: BridgeCodec;
  readonly maxBytes: number;
  readonly ticket: Ticket;
}

/** One per thread. */
export class Host implements Place {
  readonly #options: HostOptions;
  readonly #tables = new Map<number, ObjectTable<HostedModule>>();
  /** Listeners are added once, however often an object is handed out. */
  readonly #watched = new WeakSet<object>();

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /** Objects of all callers. */
  get objects(): number {
    let objects = 0;
    for (const table of this.#tables.values()) objects += table.size;
    return objects;
  }

  /** Does what is asked for; a promise only where a module needs time. @throws, rejects with CallError. */
  run({ caller, codec, maxBytes, wish }: BridgeRequest, ticket: Ticket): Buffer | Promise<Buffer> {
    const context = { caller, codec, maxBytes, ticket };
    switch (wish.kind) {
      case 'call':
        return this.#call(wish, context);
      case 'callObject':
        return this.#callObject(wish, context);
      case 'get':
        return this.#get(wish.name, this.#table(caller).get(wish.id), context);
      case 'next':
        return this.#next(wish.count, this.#table(caller).get(wish.id), context);
      case 'return':
        return this.#return(this.#table(caller).get(wish.id), context);
    }
  }

  moduleOf(caller: number, id: number): string | undefined {
    return this.#tables.get(caller)?.find(id)?.module.name;
  }

  /** Takes back one handout for each id, as often as it is there. */
  release(caller: number, ids: readonly number[]): void {
    // The table stays when it is empty: it knows which ids there were.
    const table = this.#tables.get(caller);
    for (const id of ids) this.#letGo(table?.release(id));
  }

  /** The caller is gone: it holds nothing any more. */
  drop(caller: number): void {
    const table = this.#tables.get(caller);
    this.#tables.delete(caller);
    for (const held of table?.clear() ?? []) this.#letGo(held);
  }

  /** Lets go of everything. */
  close(): void {
    for (const caller of [...this.#tables.keys()]) this.drop(caller);
  }

  #call({ module: moduleName, name, values }: Wish & { kind: 'call' }, context: Context): Buffer | Promise<Buffer> {
    const module = this.#options.modules.get(moduleName);
    if (module === undefined) throw noModule(moduleName, [...this.#options.modules.keys()]);
    const isNew = /^new(\s|$)/.test(name);
    const path = exportName(isNew ? name.slice(3).trim() : name);
    const where = `${isNew ? 'new ' : ''}${path === '' ? `${moduleName}()` : `${moduleName}.${quoted(path)}`}`;
    const isAllowed = isNew ? module.allow.mayConstruct(path) : module.allow.mayCall(path);
    if (!isAllowed) throw denied(moduleName, where, path, isNew ? `new ${path}`.trim() : path || '()');
    const found = this.#guarded(module, where, () => module.exports.find(path));
    if (found === undefined) throw missing(moduleName, where, path, module.exports.names());
    const list = this.#arguments(values, context);
    return this.#settle(module, where, context, () => invoke(found, isNew, list, where));
  }

  #callObject({ id, name, values }: Wish & { kind: 'callObject' }, context: Context): Buffer | Promise<Buffer> {
    const { object, module } = this.#table(context.caller).get(id);
    const where = memberOf(object, name);
    if (!module.allow.mayUse(name)) throw denied(module.name, where, name, `.${name}`);
    const list = this.#arguments(values, context);
    const method = this.#guarded(module, where, () => readProperty(object, name));
    if (method === undefined) throw missing(module.name, where, name, propertyNames(object, MAX_NAMES));
    // The object itself, where it is one that can be waited for and was kept because `.then` is allowed.
    if (name === 'then' && list.length === 0) return this.#settle(module, where, context, async () => await object);
    return this.#settle(module, where, context, () =>
      invoke({ value: method.value, owner: object }, false, list, where),
    );
  }

  #get(name: string, { object, module }: HeldObject, context: Context): Buffer | Promise<Buffer> {
    const where = memberOf(object, name);
    if (!module.allow.mayUse(name)) throw denied(module.name, where, name, `.${name}`);
    const property = this.#guarded(module, where, () => readProperty(object, name));
    if (property === undefined) throw missing(module.name, where, name, propertyNames(object, MAX_NAMES));
    return this.#settle(module, where, context, () => property.value);
  }

  async #next(count: number, held: HeldObject, context: Context): Promise<Buffer> {
    const { object, module } = held;
    const where = memberOf(object, 'next');
    const iteration = this.#guarded(module, where, () => {
      if (!isIterable(object)) throw new CallError(`${classOf(object)} cannot be iterated`, 'ERR_RPC_ARGUMENT');
      held.iteration ??= new Iteration(object as Iterable<unknown>);
      return held.iteration;
    });
    return this.#settle(module, where, context, async () => {
      const batch = await iteration.next(count, context.ticket);
      // Whoever goes through it again begins anew, where the object can.
      if (batch.done && held.iteration === iteration) held.iteration = undefined;
      return batch;
    });
  }

  async #return(held: HeldObject, context: Context): Promise<Buffer> {
    const { iteration, module } = held;
    held.iteration = undefined;
    await this.#options.guard(module.name, () => iteration?.return());
    return this.#encode(module, 'return', undefined, context);
  }

  #arguments(values: unknown, { caller, codec }: Context): unknown[] {
    return readArguments(values, { codec, object: (id) => this.#table(caller).get(id).object });
  }

  /** Runs `code`, waits for a promise, and encodes what came. */
  #settle(module: HostedModule, where: string, context: Context, code: () => unknown): Buffer | Promise<Buffer> {
    const result = this.#guarded(module, where, code);
    if (!this.#isAwaited(module, where, result)) return this.#encode(module, where, result, context);
    return this.#later(module, where, result as PromiseLike<unknown>, context);
  }

  async #later(module: HostedModule, where: string, promise: PromiseLike<unknown>, context: Context): Promise<Buffer> {
    let result: unknown;
    try {
      // In the guard, because the `then` of an object that is no Promise is code of the module too.
      result = await this.#options.guard(module.name, async () => await promise);
    } catch (thrown) {
      throw thrownBy(where, thrown);
    }
    // Nobody would release the objects in it.
    if (context.ticket.abandoned !== undefined) throw context.ticket.abandoned;
    return this.#encode(module, where, result, context);
  }

  /** Promises are. Other objects with a `then`, such as query builders, stay objects where the module lists `.then`. */
  #isAwaited(module: HostedModule, where: string, result: unknown): boolean {
    if (!isObject(result)) return false;
    if (types.isPromise(result)) return true;
    if (module.allow.keepsThenables) return false;
    return this.#guarded(module, where, () => typeof (result as { then?: unknown }).then === 'function');
  }

  #encode(module: HostedModule, where: string, result: unknown, { caller, codec, maxBytes }: Context): Buffer {
    const given: number[] = [];
    try {
      return this.#guarded(module, where, () =>
        encodeValue(result, {
          codec,
          maxBytes,
          isObject: (object) => isGivenAsObject(object, module.allow),
          handle: (object) => {
            const { id } = this.#handOut(module, object, caller);
            given.push(id);
            return { id, iterable: isIterable(object) };
          },
        }),
      );
    } catch (error) {
      // The caller never learns of those that stand before what cannot be sent.
      this.release(caller, given);
      throw error;
    }
  }

  #handOut(module: HostedModule, object: object, caller: number): HeldObject {
    const held = this.#table(caller).add(object, module);
    if (object instanceof EventEmitter && !this.#watched.has(object)) {
      this.#watched.add(object);
      // Without a listener, Node turns an `error` event into an exception that ends the process.
      object.on('error', (error) => this.#options.onFault(module.name, error));
    }
    return held;
  }

  #letGo(held: HeldObject | undefined): void {
    const iteration = held?.iteration;
    if (held === undefined || iteration === undefined) return;
    this.#options.guard(held.module.name, () => void iteration.return());
  }

  #table(caller: number): ObjectTable<HostedModule> {
    const known = this.#tables.get(caller);
    if (known !== undefined) return known;
    const table = new ObjectTable<HostedModule>(this.#options.base);
    this.#tables.set(caller, table);
    return table;
  }

  #guarded<T>(module: HostedModule, where: string, code: () => T): T {
    try {
      return this.#options.guard(module.name, code);
    } catch (thrown) {
      throw thrownBy(where, thrown);
    }
  }
}

/** Calls a function, or constructs; what is no function is its own value. */
function invoke({ value, owner }: Export, isNew: boolean, list: unknown[], where: string): unknown {
  if (typeof value === 'function') {
    return isNew ? Reflect.construct(value, list) : Reflect.apply(value as () => unknown, owner, list);
  }
  if (isNew) throw new CallError(`${where}: it is no class`, 'ERR_RPC_ARGUMENT');
  if (list.length === 0) return value;
  throw new CallError(`${where}: it is a value and takes no arguments`, 'ERR_RPC_ARGUMENT');
}

/**
 * What PHP gets as an object: what can be iterated; objects of a class, where the module allows a method of its objects; and plain ones
 * that have a function which it allows.
 */
function isGivenAsObject(object: object, allow: AllowList): boolean {
  if (isIterable(object)) return true;
  if (!allow.givesObjects) return false;
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== null && prototype !== Object.prototype) return true;
  const properties = Object.entries(Object.getOwnPropertyDescriptors(object));
  return properties.some(([name, { value }]) => typeof value === 'function' && allow.mayUse(name));
}

function memberOf(object: object, name: string): string {
  return `${safeClassOf(object)}.${quoted(name)}`;
}

/** A proxy may refuse to say. */
function safeClassOf(object: object): string {
  try {
    return classOf(object);
  } catch {
    return 'Object';
  }
}
