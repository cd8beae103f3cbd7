// Frames to bytes.

import { FIXED_HEADER, FLAG, headerChecksum, MIN_HEADER_WORDS, STREAM, VERSION } from './frame.ts';
import type { Payload } from './payload.ts';

/** Up to this many bytes a body is copied behind its head, so that one write sends it all; a larger one goes out as it is. */
const COPY_LIMIT = 64 * 1024;

/** Writes the header of a frame at the start of `target`, which has room for it. Returns its length. */
function writeHeader(
  target: Buffer,
  flags: number,
  stream: number,
  options: readonly number[],
  length: number,
): number {
  const words = MIN_HEADER_WORDS + options.length;
  target[0] = (VERSION << 4) | words;
  target[1] = flags;
  target.writeUInt32LE(length, 2);
  target.writeUInt32LE(headerChecksum(target, 0), 6);
  target[10] = stream;
  target[11] = 0;
  for (let i = 0; i < options.length; i++) target.writeUInt32LE(options[i] as number, FIXED_HEADER + 4 * i);
  return words * 4;
}

/** A whole frame in one buffer. For control messages, RPC, tests and small frames; copies the payload, which may come in two parts. */
export function encodeFrame(
  flags: number,
  stream: number,
  options: readonly number[],
  payload: Uint8Array,
  rest?: Uint8Array,
): Buffer {
  const header = FIXED_HEADER + 4 * options.length;
  const length = payload.length + (rest?.length ?? 0);
  const frame = Buffer.allocUnsafe(header + length);
  writeHeader(frame, flags, stream, options, length);
  frame.set(payload, header);
  if (rest !== undefined) frame.set(rest, header + payload.length);
  return frame;
}

/**
 * A request: one option, the head's length; payload is head + body. One buffer, or two when the body is large.
 * The first buffer always holds the whole header, because RoadRunner's pipe relay reads those 12 bytes in one read.
 * @param stream - bits of STREAM.
 */
export function encodeExchange(payload: Payload, stream = 0): readonly [Buffer] | readonly [Buffer, Buffer] {
  const { flags, head, body } = payload;
  const start = FIXED_HEADER + 4;
  const length = head.length + body.length;
  const copyBody = body.length <= COPY_LIMIT;
  const first = Buffer.allocUnsafe(start + (copyBody ? length : head.length));
  first[0] = (VERSION << 4) | (MIN_HEADER_WORDS + 1);
  first[1] = flags;
  first.writeUInt32LE(length, 2);
  first.writeUInt32LE(headerChecksum(first, 0), 6);
  first[10] = stream;
  first[11] = 0;
  first.writeUInt32LE(head.length, FIXED_HEADER);
  first.set(head, start);
  if (!copyBody) return [first, body];
  if (body.length > 0) first.set(body, start + head.length);
  return [first];
}

/** A header-only frame that answers a PING. */
export const PONG_FRAME: Buffer = encodeFrame(0, STREAM.PONG, [], Buffer.alloc(0));

/** A header-only frame that asks the worker to abandon its stream. */
export const STREAM_STOP_FRAME: Buffer = encodeFrame(0, STREAM.STOP, [], Buffer.alloc(0));

/** A control frame: CONTROL|JSON with a JSON object. */
export function encodeControl(message: object): Buffer {
  return encodeFrame(FLAG.CONTROL | FLAG.JSON, 0, [], Buffer.from(JSON.stringify(message)));
}
