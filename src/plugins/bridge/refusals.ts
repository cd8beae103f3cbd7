// What a caller is told about calls that are not made.

import { CallError } from '../rpc-router/method.ts';
import { isInherited, isNeverAllowed } from './allow-list.ts';
import { quoted } from './bridge-error.ts';

/** Names that a message lists. */
const LISTED = 8;

/** There is no such module. @returns ERR_BRIDGE_MODULE. */
export function noModule(name: string, known: readonly string[]): CallError {
  const there = known.length === 0 ? 'there is none' : `there are ${list(known)}`;
  return new CallError(`bridge.modules has no module ${quoted(name)}; ${there}`, 'ERR_BRIDGE_MODULE');
}

/** The allow list does not have it; `pattern` is what would allow it. @returns ERR_BRIDGE_DENIED. */
export function denied(module: string, where: string, name: string, pattern: string): CallError {
  if (isNeverAllowed(name)) return never(where);
  const cure = /^[\w$.*() ]{1,64}$/.test(pattern)
    ? `; to allow it: bridge.modules.${module}.allow: ['${pattern}']`
    : '';
  return new CallError(`${where} is not allowed${cure}`, 'ERR_BRIDGE_DENIED');
}

/** It is allowed, but not there. @returns ERR_RPC_METHOD, or ERR_BRIDGE_DENIED for what every object has by itself. */
export function missing(module: string, where: string, name: string, names: readonly string[]): CallError {
  if (isInherited(name.slice(name.lastIndexOf('.') + 1))) return never(where);
  const shown = names.filter((one) => !one.startsWith('_') && !isInherited(one) && one !== 'default');
  const there = shown.length === 0 ? '' : `; there are ${list(shown)}`;
  return new CallError(`${where} does not exist in ${module}${there}`, 'ERR_RPC_METHOD');
}

function never(where: string): CallError {
  return new CallError(`${where} can never be called`, 'ERR_BRIDGE_DENIED');
}

function list(names: readonly string[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${names.slice(0, LISTED).map(quoted).join(', ')}${more}`;
}
