// The RPC service lock: checks what callers send, and translates between messages and the store.

import { isRrtsError, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { type Request, RequestSchema, ResponseSchema } from '../../protocol/rpc/generated/lock_pb.ts';
import { type CallContext, CallError, type ProtoMethod, protoMethod } from '../rpc-router/method.ts';
import type { LockStore, Mode } from './lock-store.ts';
import type { LockMetrics } from './metrics.ts';

/** What the service works with. */
export interface LockServiceContext {
  readonly store: LockStore;
  readonly metrics: LockMetrics;
  readonly logger: Logger;
}

type Handle = (store: LockStore, request: Request, call: CallContext) => Promise<boolean>;

/** Times of the wire are microseconds. */
const MICROSECONDS = 1000;
/** A lock without a ttl ends after a year, as in RoadRunner: what nobody releases does not stay for ever. */
const YEAR_MS = 365 * 24 * 3_600_000;
const LEAST_WAIT_MS = 1;

/** The methods by name. */
export function lockMethods(context: LockServiceContext): Record<string, ProtoMethod> {
  return Object.fromEntries(Object.entries(METHODS).map(([name, handle]) => [name, method(context, name, handle)]));
}

const METHODS: Readonly<Record<string, Handle>> = {
  Lock: acquire('exclusive'),
  LockRead: acquire('shared'),
  Release: (store, request) => store.release(request.resource, idOf(request)),
  ForceRelease: (store, { resource }) => store.forceRelease(resource),
  Exists: (store, request) => store.exists(request.resource, idOf(request)),
  UpdateTTL: (store, request) => store.updateTtl(request.resource, idOf(request), ttlOf(request)),
};

function acquire(mode: Mode): Handle {
  return (store, request, call) => {
    const { resource } = request;
    const waitMs = Math.max(milliseconds('wait', request.wait), LEAST_WAIT_MS);
    const signal = (): AbortSignal => call.signal;
    return store.acquire({ resource, id: idOf(request), mode, ttlMs: ttlOf(request), waitMs, signal });
  };
}

function method({ store, metrics, logger }: LockServiceContext, name: string, handle: Handle): ProtoMethod {
  return protoMethod(RequestSchema, ResponseSchema, async (request, call) => {
    try {
      if (request.resource === '') throw badArgument('empty resource is not allowed');
      const ok = await handle(store, request, call);
      metrics.count(name, ok);
      return { ok };
    } catch (thrown) {
      metrics.countError(name);
      if (thrown instanceof CallError || !isRrtsError(thrown)) throw thrown;
      logger.debug({ error: thrown }, `lock.${name} failed: ${messageOf(thrown)}`);
      throw new CallError(`lock: ${thrown.message}`, 'ERR_RPC_FAILED');
    }
  });
}

function idOf({ id }: Request): string {
  if (id === '') throw badArgument('empty ID is not allowed');
  return id;
}

function ttlOf({ ttl }: Request): number {
  const wanted = milliseconds('ttl', ttl);
  return wanted === 0 ? YEAR_MS : wanted;
}

/** Rounded up: a time that is not 0 does not become 0. */
function milliseconds(name: string, microseconds: bigint | undefined): number {
  const count = Number(microseconds ?? 0n);
  if (count < 0) throw badArgument(`${name} must not be negative`);
  return Math.ceil(count / MICROSECONDS);
}

function badArgument(text: string): CallError {
  return new CallError(text, 'ERR_RPC_ARGUMENT');
}
