// MessagePack of RPC arguments and results, for a peer that has one kind of string.
//
// msgpackr is not used here: it decodes every `str` as UTF-8, and PHP sends bytes as `str` too, which would not survive it. It also
// honours extension types, and follows a nesting as deep as the sender likes.

import { isUtf8 } from 'node:buffer';
import { RrtsError } from '../../core/errors.ts';

/** Levels of arrays and maps, in both directions; a cycle ends here too. */
export const MAX_DEPTH = 128;

const FIRST_SIZE = 256;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** What is asked for a value that MessagePack does not have; what it gives is encoded instead. */
export type Replace = (value: object | bigint) => unknown;

/** What is asked for a map whose first key is `$rrts`; what it gives takes the place of the map. */
export type Revive = (map: Record<string, unknown>) => unknown;

/** First key of a map that stands for something else. */
export const SPECIAL_KEY = '$rrts';

/**
 * Encodes null, undefined (as nil), booleans, numbers, bigints of 64 bits, strings (`str`), bytes (`bin`), arrays, Maps and plain
 * objects, of which properties that are undefined are left out. `replace` is asked for all other objects and for larger bigints.
 * @throws TypeError for functions, symbols, cycles, a nesting over 128, and what nobody replaces.
 */
export function encodeMessagePack(value: unknown, replace?: Replace): Buffer {
  const writer = new Writer(replace);
  writer.value(value, 0);
  return writer.finish();
}

/**
 * Decodes one value. `str` that is UTF-8 becomes a string; other `str`, and `bin`, a Buffer, which is a view of `bytes`. Maps become objects without a
 * prototype, integers beyond 2^53 bigints. The last of equal keys counts.
 * @throws RrtsError ERR_RPC_ARGUMENT for anything malformed, extension types, keys that are neither string nor integer, a nesting
 * over 128, and bytes after the end.
 */
export function decodeMessagePack(bytes: Buffer, revive?: Revive): unknown {
  const reader = new Reader(bytes, revive);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Writer {
  readonly #replace: Replace | undefined;
  #bytes = Buffer.allocUnsafe(FIRST_SIZE);
  #at = 0;

  constructor(replace: Replace | undefined) {
    this.#replace = replace;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#string(value);
        return;
      case 'number':
        this.#number(value);
        return;
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2);
        return;
      case 'undefined':
        this.#byte(0xc0);
        return;
      case 'bigint':
        this.#bigint(value, depth);
        return;
      case 'object':
        if (value === null) this.#byte(0xc0);
        else this.#object(value, depth);
        return;
      default:
        throw new TypeError(`a ${typeof value} cannot be sent`);
    }
  }

  #object(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) throw new TypeError(`it is nested deeper than ${MAX_DEPTH} levels, or contains itself`);
    if (Array.isArray(value)) {
      this.#length(value.length, 0x90, 16, 0xdc);
      for (const item of value) this.value(item, depth + 1);
    } else if (ArrayBuffer.isView(value)) this.#binary(value);
    else if (value instanceof Map) {
      this.#length(value.size, 0x80, 16, 0xde);
      for (const [key, item] of value) {
        this.#key(key);
        this.value(item, depth + 1);
      }
    } else if (isPlain(value)) this.#plain(value, depth);
    else this.#replaced(value, depth);
  }

  #plain(value: Record<string, unknown>, depth: number): void {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    this.#length(keys.length, 0x80, 16, 0xde);
    for (const key of keys) {
      this.#string(key);
      this.value(value[key], depth + 1);
    }
  }

  #replaced(value: object | bigint, depth: number): void {
    if (this.#replace === undefined) throw new TypeError(`a value of type ${nameOf(value)} cannot be sent`);
    // A level deeper: a replacement that has to be replaced again, and so on, ends like a cycle.
    this.value(this.#replace(value), depth + 1);
  }

  #key(key: unknown): void {
    if (typeof key === 'string') this.#string(key);
    else if (typeof key === 'number' || typeof key === 'bigint') this.#string(String(key));
    else throw new TypeError(`a map with a key of type ${typeof key} cannot be sent`);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      const at = this.#room(9);
      this.#bytes[at] = 0xcb;
      this.#bytes.writeDoubleBE(value, at + 1);
    } else if (value >= 0) this.#positive(value);
    else this.#negative(value);
  }

  #positive(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value < 0x100) this.#sized(0xcc, 1, value);
    else if (value < 0x1_0000) this.#sized(0xcd, 2, value);
    else if (value < 0x1_0000_0000) this.#sized(0xce, 4, value);
    else this.#int64(BigInt(value));
  }

  #negative(value: number): void {
    if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#sized(0xd0, 1, value & 0xff);
    else if (value >= -0x8000) this.#sized(0xd1, 2, value & 0xffff);
    else if (value >= -0x8000_0000) this.#sized(0xd2, 4, value >>> 0);
    else this.#int64(BigInt(value));
  }

  #bigint(value: bigint, depth: number): void {
    if (value < INT64_MIN || value > INT64_MAX) this.#replaced(value, depth);
    else if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) this.#number(Number(value));
    else this.#int64(value);
  }

  #int64(value: bigint): void {
    const at = this.#room(9);
    this.#bytes[at] = value < 0n ? 0xd3 : 0xcf;
    this.#bytes.writeBigUInt64BE(BigInt.asUintN(64, value), at + 1);
  }

  #string(value: string): void {
    const length = value.length < 32 ? shortLength(value) : -1;
    if (length >= 0) {
      const at = this.#room(1 + length);
      this.#bytes[at] = 0xa0 | length;
      this.#bytes.write(value, at + 1, length, 'latin1');
      return;
    }
    const byteLength = Buffer.byteLength(value);
    this.#head(byteLength, 0xd9, 0xda, 0xdb, byteLength < 32 ? 0xa0 | byteLength : undefined);
    const at = this.#room(byteLength);
    this.#bytes.write(value, at, byteLength, 'utf8');
  }

  #binary(view: ArrayBufferView): void {
    const { byteLength } = view;
    this.#head(byteLength, 0xc4, 0xc5, 0xc6, undefined);
    const at = this.#room(byteLength);
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset, byteLength), at);
  }

  #head(length: number, type8: number, type16: number, type32: number, fixed: number | undefined): void {
    if (fixed !== undefined) this.#byte(fixed);
    else if (length < 0x100) this.#sized(type8, 1, length);
    else if (length < 0x1_0000) this.#sized(type16, 2, length);
    else this.#sized(type32, 4, length);
  }

  #length(count: number, fixed: number, fixedLimit: number, type16: number): void {
    if (count < fixedLimit) this.#byte(fixed | count);
    else if (count < 0x1_0000) this.#sized(type16, 2, count);
    else this.#sized(type16 + 1, 4, count);
  }

  #sized(type: number, width: 1 | 2 | 4, value: number): void {
    const at = this.#room(1 + width);
    this.#bytes[at] = type;
    this.#bytes.writeUIntBE(value, at + 1, width);
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  #room(bytes: number): number {
    const at = this.#at;
    this.#at = at + bytes;
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

class Reader {
  readonly #bytes: Buffer;
  readonly #revive: Revive | undefined;
  #at = 0;

  constructor(bytes: Buffer, revive: Revive | undefined) {
    this.#bytes = bytes;
    this.#revive = revive;
  }

  value(depth: number): unknown {
    const type = this.#uint(1);
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f, depth);
    if (type < 0xa0) return this.#array(type & 0x0f, depth);
    if (type < 0xc0) return this.#string(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    return this.#typed(type, depth);
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw malformed(`${left} bytes after its end`);
  }

  #typed(type: number, depth: number): unknown {
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#uint((1 << (type - 0xc4)) as 1 | 2 | 4));
      case 0xca:
        return this.#take(4).readFloatBE();
      case 0xcb:
        return this.#take(8).readDoubleBE();
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint((1 << (type - 0xcc)) as 1 | 2 | 4);
      case 0xcf:
        return small(this.#take(8).readBigUInt64BE());
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const width = 1 << (type - 0xd0);
        return this.#take(width).readIntBE(0, width);
      }
      case 0xd3:
        return small(this.#take(8).readBigInt64BE());
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#uint((1 << (type - 0xd9)) as 1 | 2 | 4));
      case 0xdc:
        return this.#array(this.#uint(2), depth);
      case 0xdd:
        return this.#array(this.#uint(4), depth);
      case 0xde:
        return this.#map(this.#uint(2), depth);
      case 0xdf:
        return this.#map(this.#uint(4), depth);
      default:
        throw malformed(`type 0x${type.toString(16)} at byte ${this.#at - 1}, which is not taken here`);
    }
  }

  #array(count: number, depth: number): unknown[] {
    this.#expect(count, depth);
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) items.push(this.value(depth + 1));
    return items;
  }

  #map(count: number, depth: number): unknown {
    this.#expect(count * 2, depth);
    const map: Record<string, unknown> = Object.create(null);
    let special = false;
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      if (i === 0) special = key === SPECIAL_KEY;
      map[key] = this.value(depth + 1);
    }
    return special && this.#revive !== undefined ? this.#revive(map) : map;
  }

  #key(): string {
    const key = this.value(MAX_DEPTH);
    if (typeof key === 'string') return key;
    if (Number.isInteger(key) || typeof key === 'bigint') return String(key);
    throw malformed(`a map with a key that is neither text nor a whole number, before byte ${this.#at}`);
  }

  #string(length: number): string | Buffer {
    const bytes = this.#take(length);
    if (length < 24) {
      const text = asciiText(bytes);
      if (text !== undefined) return text;
    }
    return isUtf8(bytes) ? bytes.toString('utf8') : bytes;
  }

  /** Whoever says that much follows must have sent at least a byte for each: nothing is allocated for less. */
  #expect(items: number, depth: number): void {
    if (depth >= MAX_DEPTH) throw malformed(`a nesting deeper than ${MAX_DEPTH} levels`);
    const left = this.#bytes.length - this.#at;
    if (items > left) throw malformed(`${items} items in ${left} bytes`);
  }

  #take(length: number): Buffer {
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length) throw malformed(`${length} bytes in ${this.#bytes.length - start}`);
    this.#at = end;
    return this.#bytes.subarray(start, end);
  }

  #uint(width: 1 | 2 | 4): number {
    const at = this.#at;
    if (at + width > this.#bytes.length) throw malformed('an end that comes too early');
    this.#at = at + width;
    return width === 1 ? (this.#bytes[at] as number) : this.#bytes.readUIntBE(at, width);
  }
}

/** Length in bytes of a short text, or -1 when it has characters beyond ASCII. */
function shortLength(value: string): number {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= 0x80) return -1;
  return value.length;
}

function asciiText(bytes: Buffer): string | undefined {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) >= 0x80) return undefined;
  return bytes.toString('latin1');
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function nameOf(value: object | bigint): string {
  return typeof value === 'bigint' ? 'integer of more than 64 bits' : (value.constructor?.name ?? 'object');
}

function small(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function malformed(what: string): RrtsError {
  return new RrtsError('ERR_RPC_ARGUMENT', `this is not MessagePack as it is spoken here: it has ${what}`);
}
