// The RPC service kv: checks what callers send, finds the storage, and translates between messages and drivers.

import type { MessageInitShape } from '@bufbuild/protobuf';
import { isRrtsError, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { type Item, type Request, RequestSchema, ResponseSchema } from '../../protocol/rpc/generated/kv_pb.ts';
import { CallError, type ProtoMethod, protoMethod } from '../rpc-router/method.ts';
import type { Driver, Entry } from './driver.ts';
import type { KvMetrics } from './metrics.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';

type Items = NonNullable<MessageInitShape<typeof ResponseSchema>['items']>;
type Handle = (driver: Driver, items: readonly Item[]) => Promise<Items | undefined>;

/** What the service works with. */
export interface KvServiceContext {
  /** Storages by name. */
  readonly storages: ReadonlyMap<string, Driver>;
  readonly metrics: KvMetrics;
  readonly logger: Logger;
}

/** The methods by name. Texts of errors are RoadRunner's, which its PHP package looks at. */
export function kvMethods(context: KvServiceContext): Record<string, ProtoMethod> {
  return Object.fromEntries(Object.entries(METHODS).map(([name, handle]) => [name, method(context, name, handle)]));
}

const METHODS: Readonly<Record<string, Handle>> = {
  Has: async (driver, items) => (await driver.has(keysOf(items))).map((key) => ({ key })),
  MGet: async (driver, items) => (await driver.get(keysOf(items))) as Items,
  TTL: async (driver, items) => {
    const found = await driver.expiries(keysOf(items));
    return found.map(({ key, expiresAt }) => ({
      key,
      timeout: expiresAt === undefined ? '' : formatTimestamp(expiresAt),
    }));
  },
  Set: async (driver, items) => {
    await driver.set(items.map(entryOf));
    return undefined;
  },
  MExpire: async (driver, items) => {
    await driver.expire(
      items.map((item) => {
        const { key, expiresAt } = entryOf(item);
        if (expiresAt === undefined) throw badArgument('should set timeout and at least one key');
        return { key, expiresAt };
      }),
    );
    return undefined;
  },
  Delete: async (driver, items) => {
    await driver.delete(keysOf(items));
    return undefined;
  },
  Clear: async (driver) => {
    await driver.clear();
    return undefined;
  },
};

function method(context: KvServiceContext, name: string, handle: Handle): ProtoMethod {
  return protoMethod(RequestSchema, ResponseSchema, async (request) => {
    const driver = storageOf(context.storages, request);
    try {
      const items = await handle(driver, request.items);
      context.metrics.count(request.storage, name);
      return items === undefined ? {} : { items };
    } catch (thrown) {
      context.metrics.countError(request.storage, name);
      if (thrown instanceof CallError) throw thrown;
      throw failure(context.logger, `kv.${name}`, request.storage, thrown);
    }
  });
}

/** A store that does not answer is the caller's to know; anything else is ours. */
function failure(logger: Logger, method: string, storage: string, thrown: unknown): unknown {
  if (!isRrtsError(thrown)) return thrown;
  logger.debug({ storage, error: thrown }, `${method} failed: ${messageOf(thrown)}`);
  return new CallError(`storage ${storage}: ${thrown.message}`, 'ERR_RPC_FAILED');
}

function storageOf(storages: ReadonlyMap<string, Driver>, { storage }: Request): Driver {
  if (storage === '') throw badArgument('no provided storage');
  const driver = storages.get(storage);
  if (driver === undefined) throw badArgument(`no such storage: ${storage}`);
  return driver;
}

function keysOf(items: readonly Item[]): string[] {
  return items.map(checkedKey);
}

function checkedKey({ key }: Item): string {
  if (key === '') throw badArgument("key can't be empty string");
  return key;
}

function entryOf(item: Item): Entry {
  const { value, timeout } = item;
  const key = checkedKey(item);
  const expiresAt = timeout === '' ? undefined : parseTimestamp(timeout);
  if (timeout !== '' && expiresAt === undefined) {
    throw badArgument(`the timeout ${JSON.stringify(timeout)} of ${JSON.stringify(key)} is no RFC 3339 time`);
  }
  return { key, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength), expiresAt };
}

function badArgument(text: string): CallError {
  return new CallError(text, 'ERR_RPC_ARGUMENT');
}
