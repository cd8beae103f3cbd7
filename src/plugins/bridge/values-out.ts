// Results of a library as PHP gets them: values, and handles for objects that have methods.

import { types } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { encodeMessagePack } from '../../protocol/rpc/message-pack.ts';
import { CallError } from '../rpc-router/method.ts';
import { classOf, thrownBy } from './bridge-error.ts';

/** First key of a map that stands for something else. */
const SPECIAL_KEY = '$rrts';

/** Levels of lists and maps. A few fewer than MessagePack takes, for what a date or a handle adds. */
const MAX_DEPTH = 120;
/** Values in one result: a structure that shares its parts would grow without end as a tree. */
const MAX_VALUES = 4_000_000;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** How a result goes out. */
export interface Departure {
  readonly codec: 'json' | 'msgpack';
  /** Longest result. */
  readonly maxBytes: number;
  /** True for an object that PHP gets as a handle, since the module allows a method of it. */
  readonly isObject: (object: object) => boolean;
  /** Keeps the object for the caller. @throws CallError ERR_RPC_BUSY when the caller has too many. */
  readonly handle: (object: object) => { readonly id: number; readonly iterable: boolean };
}

/**
 * A result in the codec of its call.
 * @throws CallError ERR_RPC_RESULT that names the path of what cannot be sent (`result.items[3].onClick`), ERR_RPC_TOO_LARGE, ERR_BRIDGE_THREW
 * for a getter that throws.
 */
export function encodeValue(result: unknown, departure: Departure): Buffer {
  const bytes = encode(new Walk(departure).value(result, 'result', 0), departure.codec);
  if (bytes.length > departure.maxBytes) throw tooLarge(`${bytes.length}`, departure.maxBytes);
  return bytes;
}

function encode(tree: unknown, codec: Departure['codec']): Buffer {
  if (codec === 'json') return Buffer.from(JSON.stringify(tree));
  try {
    return encodeMessagePack(tree);
  } catch (error) {
    throw cannot('result', messageOf(error));
  }
}

/** True for what can be iterated with bridge.Next. Lists, maps, texts and bytes are values and not asked for. */
export function isIterable(object: object): boolean {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = object as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  return typeof later === 'function' || typeof now === 'function';
}

class Walk {
  readonly #departure: Departure;
  /** Where the objects that are being walked are, the outermost first. */
  readonly #above = new Map<object, string>();
  #count = 0;
  /** Bytes of texts and bytes so far, at least: what is far too large is not even encoded. */
  #bytes = 0;

  constructor(departure: Departure) {
    this.#departure = departure;
  }

  value(value: unknown, path: string, depth: number): unknown {
    if (++this.#count > MAX_VALUES) {
      throw new CallError(`the result has more than ${MAX_VALUES} values`, 'ERR_RPC_TOO_LARGE');
    }
    switch (typeof value) {
      case 'undefined':
        return null;
      case 'bigint':
        return this.#bigint(value);
      case 'function':
      case 'symbol':
        throw cannot(path, `is a ${typeof value}, which cannot be sent`);
      case 'object':
        return value === null ? null : this.#object(value, path, depth);
      case 'string':
        this.#measure(value.length);
        return value;
      default:
        return value;
    }
  }

  #measure(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#departure.maxBytes) throw tooLarge(`at least ${this.#bytes}`, this.#departure.maxBytes);
  }

  #bigint(value: bigint): unknown {
    const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    if (isSafe) return Number(value);
    if (this.#departure.codec === 'msgpack' && value >= INT64_MIN && value <= INT64_MAX) return value;
    return { [SPECIAL_KEY]: 'int', value: String(value) };
  }

  #object(object: object, path: string, depth: number): unknown {
    if (depth > MAX_DEPTH) throw cannot(path, `is nested deeper than ${MAX_DEPTH} levels`);
    const above = this.#above.get(object);
    if (above !== undefined) throw cannot(path, `is a cycle: it leads back to ${above}`);
    this.#above.set(object, path);
    try {
      return this.#anyObject(object, path, depth);
    } catch (thrown) {
      throw thrownBy(path, thrown);
    } finally {
      this.#above.delete(object);
    }
  }

  #anyObject(object: object, path: string, depth: number): unknown {
    if (Array.isArray(object)) return this.#list(object, path, depth);
    if (ArrayBuffer.isView(object)) return this.#view(object);
    if (types.isAnyArrayBuffer(object)) return this.#binary(Buffer.from(object));
    if (types.isDate(object)) return this.#date(object);
    if (types.isMap(object)) return this.#entries(object.entries(), path, depth);
    if (types.isSet(object)) return this.#list([...object], path, depth);
    if (types.isBoxedPrimitive(object)) return this.value(object.valueOf(), path, depth);
    if (types.isPromise(object)) throw cannot(path, 'is a promise; only a promise as the whole result is waited for');
    if (types.isNativeError(object) || object instanceof Error) return { name: object.name, message: object.message };
    if (object instanceof URL) return object.href;
    if (this.#departure.isObject(object)) return this.#handle(object);
    const prototype: unknown = Object.getPrototypeOf(object);
    const isPlain = prototype === null || prototype === Object.prototype || types.isModuleNamespaceObject(object);
    if (isPlain) return this.#entries(Object.entries(object), path, depth);
    throw cannot(
      path,
      `is an object of ${classOf(object)}; PHP can have it when the module allows a method of it, such as '.*'`,
    );
  }

  #handle(object: object): unknown {
    const { id, iterable } = this.#departure.handle(object);
    return { [SPECIAL_KEY]: 'object', id, class: classOf(object), iterable };
  }

  #list(items: readonly unknown[], path: string, depth: number): unknown[] {
    // Not map(), which leaves holes.
    return Array.from(items, (item, index) =>
      // Long lists are mostly of numbers: their paths are never asked for.
      this.value(item, typeof item === 'number' ? path : `${path}[${index}]`, depth + 1),
    );
  }

  /** Not into an ordinary object: `__proto__` is a key like any other. */
  #entries(entries: Iterable<[unknown, unknown]>, path: string, depth: number): unknown {
    const pairs: [string, unknown][] = [];
    for (const [key, item] of entries) {
      if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint') {
        throw cannot(path, `is a map with a key that is neither text nor number`);
      }
      if (item !== undefined) pairs.push([String(key), this.value(item, `${path}.${String(key)}`, depth + 1)]);
    }
    if (pairs[0]?.[0] === SPECIAL_KEY) return { [SPECIAL_KEY]: 'map', value: pairs };
    if (this.#departure.codec === 'msgpack') return new Map(pairs);
    return Object.assign(Object.create(null), Object.fromEntries(pairs));
  }

  /** Numbers of an array of numbers, bytes of what holds bytes. */
  #view(view: ArrayBufferView): unknown {
    const isNumbers = types.isTypedArray(view) && !types.isUint8Array(view) && !types.isUint8ClampedArray(view);
    if (isNumbers) return Array.from(view as unknown as Iterable<number | bigint>, (item) => this.value(item, '', 0));
    return this.#binary(Buffer.from(view.buffer, view.byteOffset, view.byteLength));
  }

  #binary(bytes: Buffer): unknown {
    this.#measure(bytes.length);
    return this.#departure.codec === 'msgpack' ? bytes : { [SPECIAL_KEY]: 'bytes', value: bytes.toString('base64') };
  }

  #date(date: Date): unknown {
    return Number.isNaN(date.getTime()) ? null : { [SPECIAL_KEY]: 'date', value: date.toISOString() };
  }
}

function tooLarge(bytes: string, maxBytes: number): CallError {
  return new CallError(`the result has ${bytes} bytes, allowed are ${maxBytes}`, 'ERR_RPC_TOO_LARGE');
}

function cannot(path: string, why: string): CallError {
  return new CallError(`${path} ${why}`, 'ERR_RPC_RESULT');
}
