// How errors look on the terminal: one sentence for a user's mistake, a stack trace for ours.

import { isRrtsError, messageOf } from '../core/errors.ts';
import { EXIT, exitCodeFor } from './exit-codes.ts';

/** What to print on stderr and how to end. */
export interface PrintedError {
  readonly text: string;
  readonly exitCode: number;
}

/** Text (with line end) and exit code for whatever ended a command. */
export function printableError(thrown: unknown): PrintedError {
  if (!isRrtsError(thrown)) {
    const trace = thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : messageOf(thrown);
    return { text: `rrts: internal error, please report it\n${trace}\n`, exitCode: EXIT.internal };
  }
  const { code, message, place, cure } = thrown;
  // Each line of these has its own place first, so that an editor can jump to it.
  const hasPlaces = Array.isArray(thrown.facts['problems']);
  const first = hasPlaces ? message : `rrts: ${place === undefined ? '' : `${place} `}${message}`;
  const second = cure === undefined || cure === '' ? '' : `\n  ${cure}`;
  return { text: `${first}${second}\n`, exitCode: exitCodeFor(code) };
}
