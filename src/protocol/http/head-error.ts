// The error of a head that cannot be decoded.

import { RrtsError } from '../../core/errors.ts';
import { quoteBytes } from '../../core/text.ts';

/** ERR_PROTOCOL_HEAD that says what is wrong and quotes the first bytes of the head. */
export function headError(reason: string, head: Uint8Array, cause?: unknown): RrtsError {
  const quoted = head.length === 0 ? 'it is empty' : `it begins ${quoteBytes(head, 80)}`;
  return new RrtsError('ERR_PROTOCOL_HEAD', `the head of the reply ${reason}; ${quoted}`, {
    cause,
    facts: { bytes: head.length, hex: Buffer.from(head.subarray(0, 32)).toString('hex') },
  });
}
