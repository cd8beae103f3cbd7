// One call and its reply as frames: options are sequence number and length of the method's name, which stands before argument and result.

import { RrtsError } from '../../core/errors.ts';
import { encodeFrame } from '../../protocol/encode.ts';
import { FLAG, type Frame } from '../../protocol/frame.ts';

/** A call as it came. */
export interface Call {
  readonly sequence: number;
  /** `Service.Method`, as bytes because the reply repeats them. */
  readonly method: Buffer;
  readonly argument: Buffer;
  /** Flag of the argument's codec, and of the reply's. */
  readonly codec: number;
}

/** @throws RrtsError ERR_PROTOCOL_SEQUENCE for a frame that is no call. */
export function readCall({ flags, options, payload }: Frame): Call {
  const [sequence, length] = options;
  if (sequence === undefined || length === undefined || options.length !== 2) {
    throw notACall(`${options.length} options instead of 2`);
  }
  if ((flags & (FLAG.CONTROL | FLAG.ERROR)) !== 0) throw notACall(`flags ${flags}`);
  if (length > payload.length) throw notACall(`a method name of ${length} bytes in a payload of ${payload.length}`);
  return { sequence, method: payload.subarray(0, length), argument: payload.subarray(length), codec: flags };
}

/** The frame of a result. */
export function encodeResult({ sequence, method, codec }: Call, result: unknown): Buffer {
  return encodeFrame(codec, 0, [sequence, method.length], join(method, JSON.stringify(result ?? null)));
}

/** The frame of an error. */
export function encodeError({ sequence, method, codec }: Call, text: string): Buffer {
  return encodeFrame(codec | FLAG.ERROR, 0, [sequence, method.length], join(method, text));
}

function join(method: Buffer, text: string): Buffer {
  return Buffer.concat([method, Buffer.from(text)]);
}

function notACall(why: string): RrtsError {
  return new RrtsError('ERR_PROTOCOL_SEQUENCE', `a frame that is no RPC call: ${why}`);
}
