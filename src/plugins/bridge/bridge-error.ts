// Errors of calls on bridge modules, in a form that passes between threads.

import { fileURLToPath } from 'node:url';
import type { ErrorCode } from '../../core/errors.ts';
import { CallError } from '../rpc-router/method.ts';

/** Our frames in a stack are in files of this folder. */
const OWN_FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** Longest message and stack that PHP is sent. */
const MAX_MESSAGE = 8 * 1024;
const MAX_STACK = 16 * 1024;

/** Longest piece of what a caller sent that an error repeats. */
const QUOTED = 64;

/** A CallError taken apart. */
export interface PlainError {
  readonly message: string;
  readonly code: ErrorCode;
  readonly details: CallError['details'];
}

/** What a library threw, with its class, its `code` and its stack; `where` names the call. Anything may be thrown. */
export function thrownBy(where: string, thrown: unknown): CallError {
  try {
    return thrown instanceof CallError ? thrown : describe(where, thrown);
  } catch {
    // A proxy, or getters that throw.
    return new CallError(`${where}: it threw something that cannot be looked at`, 'ERR_BRIDGE_THREW', {
      class: 'Error',
    });
  }
}

function describe(where: string, thrown: unknown): CallError {
  if (!isError(thrown)) {
    const text = typeof thrown === 'object' && thrown !== null ? JSON.stringify(thrown) : String(thrown);
    return new CallError(clip(`${where}: it threw ${text}`, MAX_MESSAGE), 'ERR_BRIDGE_THREW', { class: typeof thrown });
  }
  const { message, stack, code } = thrown;
  return new CallError(clip(`${where}: ${String(message)}`, MAX_MESSAGE), 'ERR_BRIDGE_THREW', {
    class: classOf(thrown),
    ...(typeof stack === 'string' ? { stack: clip(ofLibrary(stack), MAX_STACK) } : {}),
    ...(typeof code === 'string' || typeof code === 'number' ? { nodeCode: clip(String(code), QUOTED) } : {}),
  });
}

/** The part of a stack above our own call of the library. */
function ofLibrary(stack: string): string {
  const lines = stack.split('\n');
  const own = lines.findIndex((line) => line.includes(OWN_FOLDER) && line.trimStart().startsWith('at '));
  return own > 0 ? lines.slice(0, own).join('\n') : stack;
}

/** Also one of another realm, such as a test runner's. */
function isError(thrown: unknown): thrown is Error & { code?: unknown } {
  return (
    thrown instanceof Error ||
    (typeof thrown === 'object' && thrown !== null && Object.prototype.toString.call(thrown) === '[object Error]')
  );
}

/** Name of the class of an object, as its constructor or its tag say it. */
export function classOf(object: object): string {
  const name: unknown = Object.getPrototypeOf(object)?.constructor?.name;
  if (typeof name === 'string' && name !== '') return clip(name, QUOTED);
  return clip(Object.prototype.toString.call(object).slice('[object '.length, -1), QUOTED);
}

/** For a message to another thread. */
export function toPlainError(error: unknown): PlainError {
  const { message, code, details } = error instanceof CallError ? error : thrownBy('the bridge', error);
  return { message, code, details };
}

/** What {@link toPlainError} took apart. */
export function fromPlainError({ message, code, details }: PlainError): CallError {
  return new CallError(message, code, details);
}

/** A name as an error repeats it. */
export function quoted(name: string): string {
  return clip(name, QUOTED);
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}...`;
}
