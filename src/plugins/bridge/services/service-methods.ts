// The RPC methods of a service: check the input, run the handler, check the output.

import { z } from 'zod';
import { ERROR_CODES, type ErrorCode, isRrtsError, messageOf } from '../../../core/errors.ts';
import { type CallContext, CallError, type PlainMethod } from '../../rpc-router/method.ts';
import type { AnyServiceMethod, Service } from './define-service.ts';
import { shapeForSchema } from './from-caller.ts';
import type { AnySchema } from './schema-tree.ts';
import { CallServiceContext, type ServiceHost } from './service-context.ts';
import { sendable, UnsendableError } from './to-caller.ts';

/** So many mistakes are told; who made more has made one many times. */
const MISTAKES_SHOWN = 20;

/** The methods of a service by name, as they are registered. They reject with CallErrors. */
export function serviceMethods(service: Service, host: ServiceHost): Record<string, PlainMethod> {
  return Object.fromEntries(
    Object.entries(service.methods).map(([name, method]) => [
      name,
      (argument, call) => runMethod(method, argument, call, host),
    ]),
  );
}

async function runMethod(
  method: AnyServiceMethod,
  argument: unknown,
  call: CallContext,
  host: ServiceHost,
): Promise<unknown> {
  const json = call.codec === 'json';
  if (call.codec === 'raw') throw refused('ERR_RPC_ARGUMENT', 'this method takes JSON or MessagePack, not raw bytes');
  const input = await readInput(method.input, argument, json);
  const context = new CallServiceContext(host, call);
  let result: unknown;
  try {
    result = await method.handler(input, context);
  } catch (thrown) {
    throw handlerError(thrown, context);
  }
  try {
    return sendable(await readOutput(method.output, result), json);
  } catch (thrown) {
    const what = thrown instanceof UnsendableError ? thrown.message : messageOf(thrown);
    context.logger.error(
      { code: 'ERR_RPC_RESULT' },
      `${call.method} gave what its output schema does not allow: ${what}`,
    );
    throw refused('ERR_RPC_RESULT', `the service gave what its output schema does not allow: ${what}`);
  }
}

async function readInput(schema: AnySchema, argument: unknown, json: boolean): Promise<unknown> {
  const shaped = shapeForSchema(schema, argument, { json });
  const parsed = await z.core.safeParseAsync(schema, shaped);
  if (parsed.success) return parsed.data;
  throw refused('ERR_RPC_ARGUMENT', mistakes(parsed.error.issues));
}

async function readOutput(schema: AnySchema, result: unknown): Promise<unknown> {
  const parsed = await z.core.safeParseAsync(schema, result);
  if (parsed.success) return parsed.data;
  throw new UnsendableError(mistakes(parsed.error.issues));
}

/** `width: Invalid input: ...; files.0.name: ...` */
function mistakes(issues: readonly z.core.$ZodIssue[]): string {
  const told = issues.slice(0, MISTAKES_SHOWN).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`;
  });
  const more = issues.length - told.length;
  return told.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** What a handler throws is for the caller: whoever wrote the handler wrote it for those who call it. */
function handlerError(thrown: unknown, context: CallServiceContext): CallError {
  if (isCallError(thrown)) return new CallError(thrown.message, thrown.code);
  if (isRrtsError(thrown)) return new CallError(thrown.message, thrown.code);
  context.logger.warn({ err: thrown }, `${context.method} threw: ${messageOf(thrown)}`);
  if (!(thrown instanceof Error)) return new CallError(messageOf(thrown), 'ERR_BRIDGE_THREW', {});
  const nodeCode = 'code' in thrown && typeof thrown.code === 'string' ? { nodeCode: thrown.code } : {};
  const stack = thrown.stack === undefined ? {} : { stack: thrown.stack };
  return new CallError(thrown.message, 'ERR_BRIDGE_THREW', { class: thrown.name, ...nodeCode, ...stack });
}

/** Also one of another copy of rrts, which the application has in its node_modules. */
function isCallError(thrown: unknown): thrown is CallError {
  if (!(thrown instanceof Error) || thrown.name !== 'CallError' || !('code' in thrown)) return false;
  return typeof thrown.code === 'string' && Object.hasOwn(ERROR_CODES, thrown.code);
}

function refused(code: ErrorCode, message: string): CallError {
  return new CallError(message, code);
}
