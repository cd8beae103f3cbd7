// What a handler of a service may use: made for each call, its parts when they are first read.

import type { Registry } from 'prom-client';
import type { Logger } from '../../../core/logger.ts';
import type { PoolStats } from '../../../pool/stats.ts';
import type { PluginContext } from '../../plugin.ts';
import type { CallContext } from '../../rpc-router/method.ts';
import type { KeyValueStore, ServiceContext } from './define-service.ts';

/** The part of a plugin's context that services use. */
export type ServiceHost = Pick<PluginContext, 'logger' | 'metrics' | 'pools' | 'callRpc'>;

/** The context of one call. */
export class CallServiceContext implements ServiceContext {
  readonly #host: ServiceHost;
  readonly #call: CallContext;
  #logger: Logger | undefined;

  constructor(host: ServiceHost, call: CallContext) {
    this.#host = host;
    this.#call = call;
  }

  get logger(): Logger {
    this.#logger ??= this.#host.logger.child({ method: this.#call.method, caller: this.#call.caller.name });
    return this.#logger;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get method(): string {
    return this.#call.method;
  }

  get metrics(): Registry {
    return this.#host.metrics;
  }

  // Handlers take these out of the context, as in `({ kv }) => kv('cache')`: there is no `this` then.
  readonly kv = (storage: string): KeyValueStore => new RpcKeyValueStore(storage, this.call);

  readonly pools = (): readonly PoolStats[] => this.#host.pools().map((pool) => pool.stats());

  readonly reset = async (pool: string): Promise<void> => {
    await this.call('resetter.Reset', pool);
  };

  readonly call = (method: string, argument?: unknown): Promise<unknown> => this.#host.callRpc(method, argument);
}

interface KeyValueItem {
  readonly key: string;
  readonly value?: Uint8Array | string;
}

/** A storage of the kv plugin, through the same methods that PHP calls: where it is kept is not known here. */
class RpcKeyValueStore implements KeyValueStore {
  readonly #storage: string;
  readonly #call: ServiceContext['call'];

  constructor(storage: string, call: ServiceContext['call']) {
    this.#storage = storage;
    this.#call = call;
  }

  async get(key: string): Promise<Buffer | undefined> {
    const [item] = await this.#ask('kv.MGet', { key });
    return item === undefined ? undefined : bytesOf(item.value);
  }

  async set(key: string, value: string | Uint8Array, ttlMs?: number): Promise<void> {
    const timeout = ttlMs === undefined ? {} : { timeout: new Date(Date.now() + ttlMs).toISOString() };
    await this.#ask('kv.Set', { key, value: Buffer.from(value), ...timeout });
  }

  async delete(key: string): Promise<void> {
    await this.#ask('kv.Delete', { key });
  }

  async has(key: string): Promise<boolean> {
    const found = await this.#ask('kv.Has', { key });
    return found.length > 0;
  }

  async #ask(method: string, item: object): Promise<readonly KeyValueItem[]> {
    const answer = await this.#call(method, { storage: this.#storage, items: [item] });
    return (answer as { readonly items?: readonly KeyValueItem[] } | null)?.items ?? [];
  }
}

function bytesOf(value: Uint8Array | string | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : Buffer.from(value);
}
