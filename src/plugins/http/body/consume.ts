// Reads a request to its end, counting.

import type { Readable } from 'node:stream';
import { BodyError, tooLarge } from './body-error.ts';

/**
 * Hands every chunk to `take`; while the promise that it may return is pending, the source is paused. Settles at the
 * end of the source. When it rejects, the source is paused, not destroyed: its socket still has to carry the answer.
 * @throws BodyError 413 over `maxBytes`, 400 when the source ends early; whatever `take` throws.
 */
export function consume(
  source: Readable,
  maxBytes: number,
  take: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  if (source.readableEnded) return Promise.resolve();
  if (source.destroyed) return Promise.reject(endedEarly());
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let taking: Promise<void> | undefined;

    const settle = (): void => {
      source.off('data', onData);
      source.off('end', onEnd);
      source.off('close', onClose);
    };
    const fail = (error: unknown): void => {
      settle();
      source.pause();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      try {
        if (bytes > maxBytes) throw tooLarge();
        taking = take(chunk);
        if (taking === undefined) return;
        source.pause();
        taking.then(() => source.resume(), fail);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = (): void => {
      settle();
      if (taking === undefined) resolve();
      else taking.then(resolve, reject);
    };
    // An aborted request closes without an end. This comes after 'end' too, when nobody listens any more.
    const onClose = (): void => fail(endedEarly());

    source.on('data', onData).on('end', onEnd).on('close', onClose);
    // Stays: an error of the connection may come long after this function is done, and must not end the process.
    source.on('error', ignore);
  });
}

function endedEarly(): BodyError {
  return new BodyError(400, 'the request body ended early');
}

function ignore(): void {}
