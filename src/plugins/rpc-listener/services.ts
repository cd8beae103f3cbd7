// Which method answers a call. Errors are those of Go's net/rpc, which clients know.

import { RrtsError } from '../../core/errors.ts';
import { FLAG } from '../../protocol/frame.ts';
import type { Call } from './call.ts';

/** A method: its argument is any JSON value, or undefined for none; what it gives goes out as JSON. */
export type Method = (argument: unknown) => unknown;

/** Methods by name, by the name of their service. Maps, so that `constructor` and the like are no methods. */
export type Services = ReadonlyMap<string, ReadonlyMap<string, Method>>;

/** An error that is meant for the caller, word for word. */
export class CallError extends Error {}

/** Methods by name from a plain object, as they are registered. */
export function methodsOf(methods: Readonly<Record<string, Method>>): ReadonlyMap<string, Method> {
  return new Map(Object.entries(methods));
}

/** What the caller is told about an error: undefined for one that is nobody's but ours. */
export function textForCaller(error: unknown): string | undefined {
  return error instanceof CallError || error instanceof RrtsError ? error.message : undefined;
}

/** Runs a call. @throws CallError, and whatever the method throws. */
export async function runCall(services: Services, call: Call): Promise<unknown> {
  const method = findMethod(services, call.method.toString());
  return method(readArgument(call));
}

function findMethod(services: Services, name: string): Method {
  const dot = name.lastIndexOf('.');
  if (dot < 0) throw new CallError(`rpc: service/method request ill-formed: ${name}`);
  const service = services.get(name.slice(0, dot));
  if (service === undefined) throw new CallError(`rpc: can't find service ${name}`);
  const method = service.get(name.slice(dot + 1));
  if (method === undefined) throw new CallError(`rpc: can't find method ${name}`);
  return method;
}

function readArgument({ codec, argument }: Call): unknown {
  if (codec !== FLAG.JSON) {
    throw new CallError(`rpc: this method takes JSON (flag 0x08), the call has flags 0x${codec.toString(16)}`);
  }
  if (argument.length === 0) return undefined;
  try {
    return JSON.parse(argument.toString());
  } catch {
    throw new CallError('rpc: the argument is not well-formed JSON');
  }
}
