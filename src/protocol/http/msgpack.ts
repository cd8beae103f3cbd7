// The part of MessagePack that heads need, on bytes.
//
// msgpackr is not used here: it decodes and encodes every string as UTF-8, and a header value is bytes. A latin1 byte
// in a header would not survive it. It also honours extension types, which no head has any business to carry.

import type { RrtsError } from '../../core/errors.ts';
import { headError } from './head-error.ts';

// Prefixes are latin1 text like the strings they stand before; those of short strings are looked up.
const STR_PREFIX: readonly string[] = Array.from({ length: 256 }, (_, length) =>
  length < 32 ? String.fromCharCode(0xa0 | length) : `\xd9${String.fromCharCode(length)}`,
);

function uint16(value: number): string {
  return String.fromCharCode((value >> 8) & 0xff, value & 0xff);
}

function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** What goes before a string of `length` bytes. */
export function strPrefix(length: number): string {
  if (length < 256) return STR_PREFIX[length] as string;
  return length < 65_536 ? `\xda${uint16(length)}` : `\xdb${uint32(length)}`;
}

/** A string given as one byte per character. */
export function packStr(bytes: string): string {
  return strPrefix(bytes.length) + bytes;
}

/** What goes before the items of an array. */
export function arrayPrefix(count: number): string {
  if (count < 16) return String.fromCharCode(0x90 | count);
  return count < 65_536 ? `\xdc${uint16(count)}` : `\xdd${uint32(count)}`;
}

/** What goes before the keys and values of a map. */
export function mapPrefix(count: number): string {
  if (count < 16) return String.fromCharCode(0x80 | count);
  return count < 65_536 ? `\xde${uint16(count)}` : `\xdf${uint32(count)}`;
}

/** A whole number from 0 to 2^53. */
export function packUint(value: number): string {
  if (value < 128) return String.fromCharCode(value);
  if (value < 256) return `\xcc${String.fromCharCode(value)}`;
  if (value < 65_536) return `\xcd${uint16(value)}`;
  if (value < 0x1_0000_0000) return `\xce${uint32(value)}`;
  return `\xcf${uint32(Math.floor(value / 0x1_0000_0000))}${uint32(value >>> 0)}`;
}

/**
 * Reads one head from front to back. Every read checks its bounds before it moves, and throws ERR_PROTOCOL_HEAD where
 * type or length are not what was asked for, so no bytes can make it allocate, recurse or run long.
 */
export class MsgpackReader {
  readonly #head: Buffer;
  // All strings of a head are cut from one: a call into C++ for each would cost more than the rest of the decoding.
  readonly #text: string;
  #at = 0;

  constructor(head: Buffer) {
    this.#head = head;
    this.#text = head.toString('latin1');
  }

  get remaining(): number {
    return this.#head.length - this.#at;
  }

  /** The number of items of an array; at least that many bytes follow. */
  arrayCount(): number {
    const type = this.#byte();
    let count: number;
    if (type >= 0x90 && type <= 0x9f) count = type & 0x0f;
    else if (type === 0xdc) count = this.#uint(2);
    else if (type === 0xdd) count = this.#uint(4);
    else throw this.#wrongType('an array', type);
    if (count > this.remaining) throw this.fail(`has an array of ${count} items in ${this.remaining} bytes`);
    return count;
  }

  /** A whole number that is not negative, up to 32 bits; longer encodings of such a number are taken too. */
  uint(): number {
    const type = this.#byte();
    if (type < 0x80) return type;
    if (type === 0xcc || type === 0xd0) return this.#positive(this.#uint(1), type, 0x7f);
    if (type === 0xcd || type === 0xd1) return this.#positive(this.#uint(2), type, 0x7fff);
    if (type === 0xce || type === 0xd2) return this.#positive(this.#uint(4), type, 0x7fff_ffff);
    if (type === 0xcf || type === 0xd3) {
      if (this.#uint(4) !== 0) throw this.fail('has a number that is out of range');
      return this.#uint(4);
    }
    throw this.#wrongType('a whole number', type);
  }

  /** `str` or `bin`, one byte per character. */
  bytes(): string {
    const type = this.#byte();
    let length: number;
    if (type >= 0xa0 && type <= 0xbf) length = type & 0x1f;
    else if (type === 0xd9 || type === 0xc4) length = this.#uint(1);
    else if (type === 0xda || type === 0xc5) length = this.#uint(2);
    else if (type === 0xdb || type === 0xc6) length = this.#uint(4);
    else throw this.#wrongType('a string', type);
    if (length > this.remaining) throw this.fail(`has a string of ${length} bytes in ${this.remaining}`);
    const start = this.#at;
    this.#at = start + length;
    return this.#text.slice(start, this.#at);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.remaining !== 0) throw this.fail(`has ${this.remaining} bytes after its end`);
  }

  fail(reason: string): RrtsError {
    return headError(reason, this.#head);
  }

  #byte(): number {
    const value = this.#head[this.#at];
    if (value === undefined) throw this.fail('ends too early');
    this.#at++;
    return value;
  }

  #uint(width: 1 | 2 | 4): number {
    if (this.remaining < width) throw this.fail('ends too early');
    const value = this.#head.readUIntBE(this.#at, width);
    this.#at += width;
    return value;
  }

  // 0xd0 to 0xd2 are the signed types: a value above `max` is negative in them.
  #positive(value: number, type: number, max: number): number {
    if (type >= 0xd0 && value > max) throw this.fail('has a negative number');
    return value;
  }

  #wrongType(wanted: string, type: number): RrtsError {
    return this.fail(
      `has type 0x${type.toString(16).padStart(2, '0')} at byte ${this.#at - 1} where ${wanted} belongs`,
    );
  }
}
