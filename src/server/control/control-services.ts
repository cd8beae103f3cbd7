// The RPC service `control`: what only the owner of the server may ask for.

import { CallError, type Method } from '../../plugins/rpc-router/method.ts';
import type { Pool } from '../../pool/pool.ts';
import type { UsageReader } from '../../worker/usage.ts';
import type { ReloadReport } from '../reload.ts';
import { reportPools, type ServerReport, type ServerStatus } from './report.ts';

/** The server, as its control socket sees it. */
export interface ControlHost {
  status(): ServerStatus;
  pools(): readonly Pool[];
  /** Reads the configuration again and replaces the workers. Rejects when everything stays as it was. */
  reload(): Promise<ReloadReport>;
  /** Begins to stop; with `force` at once. */
  stop(force: boolean): void;
  /** Longest time that an orderly stop takes, in milliseconds. */
  graceMs(): number;
}

/** What `control.Stop` answers: the stop has begun. */
export interface StopAnswer {
  readonly pid: number;
  readonly graceMs: number;
}

/** The methods. */
export function controlMethods(host: ControlHost, readUsage: UsageReader): Record<string, Method> {
  return {
    Status: () => host.status(),
    Workers: async (): Promise<ServerReport> => ({
      ...host.status(),
      pools: await reportPools(host.pools(), readUsage),
    }),
    Reload: () => host.reload(),
    Stop: (argument: unknown): StopAnswer => {
      const force = forceOf(argument);
      // After the answer is on its way: a stop at once would take the connection with it.
      setImmediate(() => host.stop(force));
      return { pid: host.status().pid, graceMs: host.graceMs() };
    },
  };
}

/** `true`, `false`, nothing, or `{"force": true}`. */
function forceOf(argument: unknown): boolean {
  const value = typeof argument === 'object' && argument !== null && 'force' in argument ? argument.force : argument;
  if (value === undefined || value === null || typeof value === 'boolean') return value === true;
  throw new CallError('control.Stop: the argument must be true (at once), false, or nothing');
}
