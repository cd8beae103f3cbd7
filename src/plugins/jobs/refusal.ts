// Errors of jobs, as the caller of an RPC method is told.

import { isRrtsError } from '../../core/errors.ts';
import { CallError } from '../rpc-router/method.ts';

/** Runs a method; an error of ours is the caller's to know, word for word and with its code and cure. */
export async function asCallError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!isRrtsError(thrown)) throw thrown;
    const text = thrown.cure === undefined ? thrown.message : `${thrown.message}. ${thrown.cure}`;
    throw new CallError(text, thrown.code);
  }
}
