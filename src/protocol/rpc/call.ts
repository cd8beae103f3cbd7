// One RPC call and its reply as frames: options are sequence number and length of the method's name, which stands before argument and result.

import { RrtsError } from '../../core/errors.ts';
import { encodeFrame } from '../encode.ts';
import { FLAG, type Frame } from '../frame.ts';

/** A call as it came. */
export interface Call {
  readonly sequence: number;
  /** `Service.Method`, as bytes because the reply repeats them. */
  readonly method: Buffer;
  readonly argument: Buffer;
  /** Flag of the argument's codec, and of the reply's. */
  readonly codec: number;
  /** Milliseconds in which the caller wants an answer; 0 when it did not say. */
  readonly deadlineMs: number;
}

/** RoadRunner's clients send sequence and method length; ours may add a deadline. */
const FEWEST_OPTIONS = 2;
const MOST_OPTIONS = 3;

/** True for a frame of RPC; every other frame has one option or none. */
export function isRpc({ options }: Frame): boolean {
  return options.length >= FEWEST_OPTIONS;
}

/** @throws RrtsError ERR_PROTOCOL_SEQUENCE for a frame that is no call. */
export function readCall({ flags, options, payload }: Frame): Call {
  const [sequence, length, deadlineMs = 0] = options;
  if (sequence === undefined || length === undefined || options.length > MOST_OPTIONS) {
    throw notACall(`${options.length} options instead of 2 or 3`);
  }
  if ((flags & (FLAG.CONTROL | FLAG.ERROR)) !== 0) throw notACall(`flags ${flags}`);
  if (length > payload.length) throw notACall(`a method name of ${length} bytes in a payload of ${payload.length}`);
  return {
    sequence,
    method: payload.subarray(0, length),
    argument: payload.subarray(length),
    codec: flags,
    deadlineMs,
  };
}

/** The frame of a result that is encoded already. */
export function encodeResult({ sequence, method, codec }: Call, result: Uint8Array): Buffer {
  return encodeFrame(codec, 0, [sequence, method.length], method, result);
}

/** The frame of an error; its text or map is encoded already. */
export function encodeError({ sequence, method, codec }: Call, error: Uint8Array): Buffer {
  return encodeFrame(codec | FLAG.ERROR, 0, [sequence, method.length], method, error);
}

function notACall(why: string): RrtsError {
  return new RrtsError('ERR_PROTOCOL_SEQUENCE', `a frame that is no RPC call: ${why}`);
}
