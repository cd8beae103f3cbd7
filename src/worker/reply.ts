// Takes a reply frame apart and refuses what is none.

import { RrtsError } from '../core/errors.ts';
import { isStopWish } from '../protocol/control.ts';
import { FLAG, type Frame, STREAM } from '../protocol/frame.ts';

/** A reply frame: an error, the wish to be stopped, or a part of the reply. */
export type Reply =
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'stop_wish' }
  | { readonly kind: 'part'; readonly head: Buffer; readonly body: Buffer; readonly last: boolean };

/**
 * Reads a reply. `first` is true until a part of this reply was seen: only then a stop wish can come.
 * @throws RrtsError ERR_PROTOCOL_SEQUENCE when options and payload do not fit together.
 */
export function readReply(frame: Frame, first: boolean): Reply {
  if ((frame.flags & FLAG.ERROR) !== 0) return { kind: 'error', text: frame.payload.toString('utf8') };
  const { options, payload } = frame;
  if (options.length !== 1) throw sequenceError(`a reply with ${options.length} options instead of 1`);
  const length = options[0] as number;
  if (length > payload.length) throw sequenceError(`a head of ${length} bytes in a payload of ${payload.length}`);
  const head = payload.subarray(0, length);
  const body = payload.subarray(length);
  const last = (frame.stream & STREAM.MORE) === 0;
  if (last && first && isStopWish(head, body)) return { kind: 'stop_wish' };
  return { kind: 'part', head, body, last };
}

/** A well-formed frame at the wrong place. */
export function sequenceError(what: string): RrtsError {
  return new RrtsError('ERR_PROTOCOL_SEQUENCE', what);
}
