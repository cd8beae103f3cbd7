// The Goridge v1 frame: its layout, its constants and its checksum. The only file with magic numbers.
//
//   byte 0      version (high nibble, 1) | header length in 32-bit words (low nibble, 3 + options)
//   byte 1      flags
//   bytes 2-5   payload length, uint32 little-endian
//   bytes 6-9   CRC-32 of bytes 0-5, little-endian
//   byte 10     stream bits
//   byte 11     reserved, 0
//   then        options, uint32 little-endian each, then the payload
//
// Nothing but bytes 0-5 is covered by the checksum.

import { crc32 } from 'node:zlib';

/** Protocol version of every frame. */
export const VERSION = 1;

/** Bytes of a header without options; every frame has at least these. */
export const FIXED_HEADER = 12;

/** Header words a frame may have: 3 without options, 13 with the ten allowed. */
export const MIN_HEADER_WORDS = 3;
export const MAX_HEADER_WORDS = 13;

/** Bits of byte 1. A reply without codec flag is RoadRunner's JSON generation. */
export const FLAG = {
  CONTROL: 0x01,
  RAW: 0x04,
  JSON: 0x08,
  MSGPACK: 0x10,
  ERROR: 0x40,
  PROTO: 0x80,
} as const;

/** Bits of byte 10. */
export const STREAM = {
  /** More frames of this reply follow. */
  MORE: 0x01,
  /** Master to worker: abandon the stream. */
  STOP: 0x02,
  /** Worker to master: answer with PONG. */
  PING: 0x04,
  PONG: 0x08,
  /** Master to worker: say when you begin this request. Worker to master: the next request that you have sent ahead is begun. */
  BEGIN: 0x10,
} as const;

/** A decoded frame. `payload` is a view of the bytes that were received. */
export interface Frame {
  readonly flags: number;
  readonly stream: number;
  readonly options: readonly number[];
  readonly payload: Buffer;
}

/** Largest payload a decoder takes unless told otherwise: 256 MiB. A larger reply has to be streamed. */
export const DEFAULT_MAX_PAYLOAD = 256 * 1024 * 1024;

/** CRC-32 (IEEE, as PHP's `crc32()`) of the six bytes from `offset`, unsigned. */
export function headerChecksum(bytes: Buffer, offset: number): number {
  return crc32(bytes.subarray(offset, offset + 6));
}
