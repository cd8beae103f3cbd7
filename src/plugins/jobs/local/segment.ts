// The files of a log: their names, their first bytes, and what of them is still needed.

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Entry } from './entry.ts';

/** Bytes before the first record. */
export const SEGMENT_HEAD = 32;

const MAGIC = Buffer.from('rrtsjobs');
const VERSION = 1;
const VERSION_AT = 8;
const NUMBER_AT = 16;
const CRC_AT = 28;

/** Two parts: the number, by which they are in order, and the mark of the records in it. */
const NAME = /^(\d{10})-([0-9a-f]{8})\.log$/;

/** One file of the log. It only grows, until it is left for the next one; then it stays as it is until nothing in it is needed. */
export class Segment {
  readonly number: number;
  /** The random number that each of its records begins with. */
  readonly mark: number;
  readonly path: string;
  /** Bytes that are known to be good. */
  size = SEGMENT_HEAD;
  /** Jobs whose newest record is here, in the order of the records. */
  readonly live = new Set<Entry>();
  /** Bytes of those records. */
  liveBytes = 0;

  constructor(directory: string, number: number, mark: number) {
    this.number = number;
    this.mark = mark;
    this.path = join(directory, `${String(number).padStart(10, '0')}-${mark.toString(16).padStart(8, '0')}.log`);
  }

  /** The one of this file name; undefined for any other file. */
  static named(directory: string, name: string): Segment | undefined {
    const [, number, mark] = NAME.exec(name) ?? [];
    return number === undefined || mark === undefined
      ? undefined
      : new Segment(directory, Number(number), Number.parseInt(mark, 16));
  }
}

/** The first bytes of a file: what it is, the version of the format, its number, and a CRC-32. */
export function encodeSegmentHead(number: number): Buffer {
  const head = Buffer.alloc(SEGMENT_HEAD);
  MAGIC.copy(head);
  head.writeUInt32LE(VERSION, VERSION_AT);
  head.writeDoubleLE(number, NUMBER_AT);
  head.writeUInt32LE(crc32(head.subarray(0, CRC_AT)), CRC_AT);
  return head;
}

/** `newer`: another version of rrts wrote it. `torn`: the beginning of a head, or zeros, as a crash leaves it. */
export type HeadFinding = 'good' | 'newer' | 'torn' | 'damaged';

/** What the first bytes of a file are. */
export function inspectSegmentHead(head: Buffer): HeadFinding {
  if (head.length < SEGMENT_HEAD || head.every((byte) => byte === 0)) {
    const begins = head.subarray(0, MAGIC.length).equals(MAGIC.subarray(0, head.length));
    return begins || head.every((byte) => byte === 0) ? 'torn' : 'damaged';
  }
  const isWhole = head.readUInt32LE(CRC_AT) === crc32(head.subarray(0, CRC_AT));
  if (!isWhole || !head.subarray(0, MAGIC.length).equals(MAGIC)) return 'damaged';
  return head.readUInt32LE(VERSION_AT) === VERSION ? 'good' : 'newer';
}
