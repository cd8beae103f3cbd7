// Collects a request body into one buffer.

import type { Readable } from 'node:stream';
import { consume } from './consume.ts';

/** Up to this length the word of the client is taken for it; a larger buffer is made only when the bytes are there. */
const TRUSTED_LENGTH = 1024 * 1024;

/** The whole body. Its bytes are copied at most once: a body that came in one piece is not copied at all. */
export async function collectRaw(
  source: Readable,
  contentLength: number | undefined,
  maxBytes: number,
): Promise<Buffer> {
  if (contentLength !== undefined && contentLength <= TRUSTED_LENGTH) {
    return collectKnown(source, contentLength, maxBytes);
  }
  const chunks: Buffer[] = [];
  await consume(source, maxBytes, (chunk) => {
    chunks.push(chunk);
    return undefined;
  });
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

async function collectKnown(source: Readable, contentLength: number, maxBytes: number): Promise<Buffer> {
  let whole: Buffer | undefined;
  let used = 0;
  // Node's parser never passes on more than the content length; the second limit is for sources that are not Node's.
  await consume(source, Math.min(maxBytes, contentLength), (chunk) => {
    if (whole === undefined && chunk.length === contentLength) whole = chunk;
    else {
      whole ??= Buffer.allocUnsafe(contentLength);
      chunk.copy(whole, used);
    }
    used += chunk.length;
    return undefined;
  });
  return whole === undefined ? Buffer.alloc(0) : whole.subarray(0, used);
}
