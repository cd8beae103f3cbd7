// The lock service that several servers of a test share, with faults between it and each of them.

import { silentLogger } from '../../../src/core/logger.ts';
import { SharedLock } from '../../../src/plugins/cron/shared-lock.ts';
import { MemoryLockStore } from '../../../src/plugins/lock/memory/memory-lock-store.ts';
import { LockMetrics } from '../../../src/plugins/lock/metrics.ts';
import { lockMethods } from '../../../src/plugins/lock/service.ts';
import { fakeContext } from '../fake-context.ts';

/** What happens to one call: before it reaches the service, or to its answer. */
export interface Fault {
  readonly before?: Error;
  readonly after?: Error;
}

/** One server, as the lock service sees it. */
export interface LockUser {
  readonly lock: SharedLock;
  /** From the call on whose number is given (1 is the next one) none is made or answered, as when the process is killed. */
  kill(fromCall?: number): void;
}

/** The service, what it was asked, and the faults of the calls that come next. */
export function lockService() {
  const context = fakeContext(() => []);
  const store = new MemoryLockStore({ maxResources: 1000, maxWaiting: 100 });
  const metrics = new LockMetrics(context.metrics, () => 0);
  context.registerRpc('lock', lockMethods({ store, metrics, logger: silentLogger }));
  const calls: [method: string, argument: { readonly resource: string; readonly ttl?: number }][] = [];
  const faults: Fault[] = [];
  const call = async (method: string, argument: unknown): Promise<unknown> => {
    calls.push([method, argument as { resource: string; ttl?: number }]);
    const { before, after } = faults.shift() ?? {};
    if (before !== undefined) throw before;
    const answer = await context.callRpc(method, argument);
    if (after !== undefined) throw after;
    return answer;
  };
  const join = (): LockUser => {
    let left = Number.POSITIVE_INFINITY;
    const lock = new SharedLock((method, argument) => {
      return --left <= 0 ? new Promise(() => {}) : call(method, argument);
    }, silentLogger);
    return {
      lock,
      kill: (fromCall = 1) => {
        left = fromCall;
      },
    };
  };
  return { calls, faults, join };
}
