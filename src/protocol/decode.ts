// Bytes to frames, whatever way the bytes were split, and never trusting them.

import { RrtsError } from '../core/errors.ts';
import { quoteBytes } from '../core/text.ts';
import type { Frame } from './frame.ts';
import {
  DEFAULT_MAX_PAYLOAD,
  FIXED_HEADER,
  headerChecksum,
  MAX_HEADER_WORDS,
  MIN_HEADER_WORDS,
  VERSION,
} from './frame.ts';

/** What the header can say. */
const MAX_LENGTH = 2 ** 32 - 1;

const NO_OPTIONS: readonly number[] = [];

/** Why the fixed header at `offset` is not one; undefined when it is. */
function headerFault(bytes: Buffer, offset: number, maxPayload: number): string | undefined {
  const first = bytes[offset] as number;
  if (first >> 4 !== VERSION) return `version ${first >> 4} instead of ${VERSION}`;
  const words = first & 0x0f;
  if (words < MIN_HEADER_WORDS || words > MAX_HEADER_WORDS) return `header length of ${words} words`;
  if (headerChecksum(bytes, offset) !== bytes.readUInt32LE(offset + 6)) return 'wrong checksum';
  const length = bytes.readUInt32LE(offset + 2);
  return length > maxPayload ? `payload length ${length}, the limit is ${maxPayload}` : undefined;
}

/**
 * Takes bytes in any portions and hands out frames. After the first fault it is poisoned: every later push throws the same
 * error, because the place of the next frame is unknown.
 */
export class FrameDecoder {
  /** Bytes of a payload; may be changed at any time, and counts for frames that begin afterwards. */
  maxPayload: number;
  readonly #onText: ((text: Buffer) => void) | undefined;
  /** Bytes of an incomplete frame, as they came; joined once, when the frame is whole. */
  #pending: Buffer[] = [];
  #pendingLength = 0;
  /** Bytes the incomplete frame has in all; 0 while its header is incomplete too. */
  #needed = 0;
  #fault: RrtsError | undefined;
  /** Bytes of a payload over the limit that have not come yet. */
  #skipping = 0;
  /**
   * Told of a frame over the limit, without payload, and of the bytes it would have had; they are thrown away as they come, and the next frame
   * follows. Default: such a frame is a fault.
   */
  onTooLarge: ((frame: Frame, length: number) => void) | undefined;
  /** While `onFrame` runs: the flags of the frame that follows in the bytes that came with this one. */
  nextFlags: number | undefined;
  /** The same of its header length in words. */
  nextWords = 0;

  /**
   * @param maxPayload - in bytes; checked from the header, before anything is kept.
   * @param onText - gets text that stands between two frames: what an SDK worker printed by mistake. Without it text is a fault.
   */
  constructor(maxPayload: number = DEFAULT_MAX_PAYLOAD, onText?: (text: Buffer) => void) {
    this.maxPayload = maxPayload;
    this.#onText = onText;
  }

  /** Bytes that are kept of a frame that has not ended, or that are still to be skipped. At end of input this must be 0. */
  get pendingBytes(): number {
    return this.#pendingLength + this.#skipping;
  }

  /**
   * Decodes `chunk` and calls `onFrame` for each frame that it completes. Frames keep views of `chunk`.
   * @throws RrtsError ERR_PROTOCOL_FRAME, quoting the first bytes that made no sense.
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    if (this.#fault !== undefined) throw this.#fault;
    let bytes = this.#skipping > 0 ? chunk.subarray(this.#skip(chunk, 0)) : chunk;
    if (bytes.length === 0) return;
    if (this.#pendingLength > 0) {
      this.#pending.push(bytes);
      this.#pendingLength += bytes.length;
      if (this.#pendingLength < Math.max(this.#needed, FIXED_HEADER)) return;
      bytes = Buffer.concat(this.#pending, this.#pendingLength);
      this.#forget();
    }
    this.#decode(bytes, onFrame);
  }

  #decode(bytes: Buffer, onFrame: (frame: Frame) => void): void {
    let offset = this.#skipText(bytes, 0);
    while (bytes.length - offset >= FIXED_HEADER) {
      const fault = headerFault(bytes, offset, this.onTooLarge === undefined ? this.maxPayload : MAX_LENGTH);
      if (fault !== undefined) this.#poison(fault, bytes.subarray(offset));
      const header = ((bytes[offset] as number) & 0x0f) * 4;
      const length = bytes.readUInt32LE(offset + 2);
      const tooLarge = length > this.maxPayload;
      const end = offset + header + (tooLarge ? 0 : length);
      if (end > bytes.length) {
        this.#keep(bytes.subarray(offset), end - offset);
        return;
      }
      const frame = frameAt(bytes, offset, offset + header, end);
      if (tooLarge) {
        this.#skipping = length;
        offset = end + this.#skip(bytes, end);
        this.onTooLarge?.(frame, length);
        continue;
      }
      offset = this.#skipText(bytes, end);
      this.nextFlags = bytes[offset + 1];
      this.nextWords = (bytes[offset] ?? 0) & 0x0f;
      onFrame(frame);
    }
    if (offset === bytes.length) return;
    this.#refuseEarly(bytes, offset);
    this.#keep(bytes.subarray(offset), 0);
  }

  /** Takes what comes of a payload that is thrown away, from `offset`; returns how many bytes that are. */
  #skip(bytes: Buffer, offset: number): number {
    const skipped = Math.min(this.#skipping, bytes.length - offset);
    this.#skipping -= skipped;
    return skipped;
  }

  /** Hands out text up to the next header and returns where that is. */
  #skipText(bytes: Buffer, from: number): number {
    if (this.#onText === undefined || from === bytes.length || resemblesHeader(bytes, from)) return from;
    if (isForeignHeader(bytes, from)) return from;
    let end = from + 1;
    while (end < bytes.length && !resemblesHeader(bytes, end)) end++;
    this.#onText(bytes.subarray(from, end));
    return end;
  }

  /** A few bytes of text must not wait for ever for the rest of a header that they can never become. */
  #refuseEarly(bytes: Buffer, offset: number): void {
    const first = bytes[offset] as number;
    const words = first & 0x0f;
    if (first >> 4 !== VERSION) this.#poison(`version ${first >> 4} instead of ${VERSION}`, bytes.subarray(offset));
    if (words < MIN_HEADER_WORDS || words > MAX_HEADER_WORDS) {
      this.#poison(`header length of ${words} words`, bytes.subarray(offset));
    }
  }

  #keep(rest: Buffer, needed: number): void {
    this.#pending = [rest];
    this.#pendingLength = rest.length;
    this.#needed = needed;
  }

  #forget(): void {
    this.#pending = [];
    this.#pendingLength = 0;
    this.#needed = 0;
  }

  #poison(fault: string, bytes: Buffer): never {
    this.#forget();
    this.#fault = new RrtsError('ERR_PROTOCOL_FRAME', `not a frame (${fault}): ${quoteBytes(bytes)}`);
    throw this.#fault;
  }
}

function frameAt(bytes: Buffer, from: number, payload: number, end: number): Frame {
  return {
    flags: bytes[from + 1] as number,
    stream: bytes[from + 10] as number,
    options: readOptions(bytes, from + FIXED_HEADER, payload),
    payload: bytes.subarray(payload, end),
  };
}

function readOptions(bytes: Buffer, from: number, to: number): readonly number[] {
  if (from === to) return NO_OPTIONS;
  if (to - from === 4) return [bytes.readUInt32LE(from)];
  const options: number[] = [];
  for (let at = from; at < to; at += 4) options.push(bytes.readUInt32LE(at));
  return options;
}

/**
 * True when the bytes at `at` look like a header, right or damaged: version and length fit, and the two bytes after the
 * checksum are no text. Fewer than 12 bytes are given the benefit of the doubt.
 */
function resemblesHeader(bytes: Buffer, at: number): boolean {
  const first = bytes[at] as number;
  const words = first & 0x0f;
  if (first >> 4 !== VERSION || words < MIN_HEADER_WORDS || words > MAX_HEADER_WORDS) return false;
  return at + FIXED_HEADER > bytes.length || ((bytes[at + 10] as number) < 0x10 && bytes[at + 11] === 0);
}

/** True for a header of another protocol version: the checksum is right, so it is no text. */
function isForeignHeader(bytes: Buffer, at: number): boolean {
  return at + FIXED_HEADER <= bytes.length && headerChecksum(bytes, at) === bytes.readUInt32LE(at + 6);
}
