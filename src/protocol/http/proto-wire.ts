// Protobuf wire format: varints and length-delimited fields, as far as RoadRunner's heads need it.

import type { RrtsError } from '../../core/errors.ts';
import { headError } from './head-error.ts';

/** Wire types of protobuf. */
export const WIRE = { VARINT: 0, FIXED64: 1, LENGTH: 2, START_GROUP: 3, END_GROUP: 4, FIXED32: 5 } as const;

/** An unsigned varint below 2^53, as a byte string. */
export function varint(value: number): string {
  let rest = value;
  let text = '';
  while (rest >= 0x80) {
    text += String.fromCharCode((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return text + String.fromCharCode(rest);
}

/** A length-delimited field: string, bytes or message, given as a byte string. */
export function lengthField(field: number, bytes: string): string {
  return varint(field * 8 + WIRE.LENGTH) + varint(bytes.length) + bytes;
}

/** A varint field. */
export function varintField(field: number, value: number): string {
  return varint(field * 8 + WIRE.VARINT) + varint(value);
}

/** Reads the fields of one message from front to back. Throws ERR_PROTOCOL_HEAD where the bytes are no message. */
export class ProtoReader {
  readonly #bytes: Buffer;
  readonly #whole: Buffer;
  #at = 0;
  /** Number and wire type of the field that {@link next} moved to. */
  field = 0;
  wire = 0;

  /** `whole` is the head that `bytes` is a part of, for the error text. */
  constructor(bytes: Buffer, whole: Buffer = bytes) {
    this.#bytes = bytes;
    this.#whole = whole;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at === this.#bytes.length) return false;
    const key = this.varint();
    this.field = Math.floor(key / 8);
    this.wire = key % 8;
    if (this.field === 0 || this.field > 0x1fff_ffff) throw this.fail('has a field with an impossible number');
    return true;
  }

  /** True when the current field is `field` and has the wire type `wire`. A known field of another type is skipped like an unknown one. */
  is(field: number, wire: number): boolean {
    return this.field === field && this.wire === wire;
  }

  /** A varint as a number. Values from 2^53 on, which negative ones are, come out too large, never wrong and small. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw this.fail('ends in the middle of a number');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw this.fail('has a number of more than ten bytes');
  }

  /** The bytes of a length-delimited field, as a view. */
  bytes(): Buffer {
    const length = this.varint();
    const start = this.#at;
    if (length > this.#bytes.length - start) {
      throw this.fail(`has a field of ${length} bytes where ${this.#bytes.length - start} are left`);
    }
    this.#at = start + length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** Passes over the value of the current field. */
  skip(): void {
    if (this.wire === WIRE.VARINT) this.varint();
    else if (this.wire === WIRE.LENGTH) this.bytes();
    else if (this.wire === WIRE.FIXED64) this.#advance(8);
    else if (this.wire === WIRE.FIXED32) this.#advance(4);
    // Groups left the language before RoadRunner was written, and skipping them needs a stack.
    else throw this.fail(`has a field of wire type ${this.wire}`);
  }

  /** A reader of a message inside this one. */
  message(): ProtoReader {
    return new ProtoReader(this.bytes(), this.#whole);
  }

  fail(reason: string): RrtsError {
    return headError(reason, this.#whole);
  }

  #advance(count: number): void {
    if (count > this.#bytes.length - this.#at) throw this.fail('ends too early');
    this.#at += count;
  }
}
