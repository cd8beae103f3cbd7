// The RPC service `cron`: what is due when, and a run now.

import { CallError, type Method } from '../rpc-router/method.ts';
import type { Entries } from './entries.ts';

/** The methods. They take and give plain values. */
export function cronMethods(entries: Entries): Record<string, Method> {
  return {
    /** All entries: see EntryReport. */
    List: () => entries.all.map(({ report }) => report),
    /** Runs one now, and answers when it is over with `{result, message, began, seconds}`. A caller that goes does not end the run. */
    Run: (argument) => entries.find(nameOf(argument)).run(),
  };
}

/** `"nightly"` or `{"name": "nightly"}`. */
function nameOf(argument: unknown): string {
  const name = typeof argument === 'object' && argument !== null && 'name' in argument ? argument.name : argument;
  if (typeof name === 'string') return name;
  throw new CallError('cron.Run: the argument must be the name of an entry', 'ERR_RPC_ARGUMENT');
}
