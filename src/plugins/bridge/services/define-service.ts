// What a user's file calls to make methods that PHP can call, with schemas for what goes in and comes out.

import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { Logger } from '../../../core/logger.ts';
import type { PoolStats } from '../../../pool/stats.ts';

// A service may be made by another copy of rrts than the one that runs: that of the application. A registered symbol is the same in both.
const MARK = Symbol.for('rrts.service');

/** Values under keys, in a storage of the `kv:` section. PHP's cache sees the same keys; a value is bytes. */
export interface KeyValueStore {
  /** The bytes of a key; undefined when there is none. */
  get(key: string): Promise<Buffer | undefined>;
  /** @param ttlMs - milliseconds after which the key is gone. Default: it stays. */
  set(key: string, value: string | Uint8Array, ttlMs?: number): Promise<void>;
  delete(key: string): Promise<void>;
  has(key: string): Promise<boolean>;
}

/** What a handler may use of the server, beside its input. */
export interface ServiceContext {
  /** Lines carry the name of the method and of the caller. */
  readonly logger: Logger;
  /** Aborts when nobody waits for the answer any more: the deadline passed, the caller is gone, the server stops. */
  readonly signal: AbortSignal;
  /** Name of the call: `thumbnails.create`. */
  readonly method: string;
  /** A storage of the `kv:` section, by its name there. A call rejects when there is none. */
  kv(storage: string): KeyValueStore;
  /** The metrics of the server, for counters and the like of prom-client; what is registered here is on /metrics. */
  readonly metrics: Registry;
  /** What every pool of PHP workers does at this moment: workers, queue, counters. */
  pools(): readonly PoolStats[];
  /** Replaces the workers of a pool without a pause; `http` is all pools of http. Settles when the old ones take no more requests. */
  reset(pool: string): Promise<void>;
  /** Calls any RPC method of the server, such as one of another service. Values are plain; rejects as the method does. */
  call(method: string, argument?: unknown): Promise<unknown>;
}

/** One method of a service. */
export interface ServiceMethod<Input extends z.core.$ZodType, Output extends z.core.$ZodType> {
  /** What PHP must send. The properties of an object become the parameters of the PHP method. */
  readonly input: Input;
  /** What the handler gives, and what is sent of it: keys that are not named here are left out. */
  readonly output: Output;
  /** What the PHP method does, for its doc block. */
  readonly description?: string;
  handler(input: z.output<Input>, context: ServiceContext): z.input<Output> | Promise<z.input<Output>>;
}

/** A method whose types are not known here. */
export interface AnyServiceMethod {
  readonly input: z.core.$ZodType;
  readonly output: z.core.$ZodType;
  readonly description?: string;
  handler(input: unknown, context: ServiceContext): unknown;
}

/** What {@link defineService} gives. */
export interface Service {
  readonly [MARK]: true;
  readonly methods: Readonly<Record<string, AnyServiceMethod>>;
}

type Schemas<Names extends PropertyKey> = Record<Names, z.core.$ZodType>;

/**
 * Makes a service out of methods. Export what it gives from a file that is named in `bridge.services`; PHP then calls
 * `name.method`, and `rrts stubs` writes a class for it. Input and output are checked at every call.
 * @throws TypeError that names the method when one has no schema of zod 4, or no handler.
 */
export function defineService<Inputs extends Schemas<keyof Inputs>, Outputs extends Schemas<keyof Inputs>>(
  methods: { readonly [Name in keyof Inputs]: { readonly input: Inputs[Name] } } & {
    readonly [Name in keyof Outputs]: { readonly output: Outputs[Name] };
  } & { readonly [Name in keyof Inputs]: ServiceMethod<Inputs[Name], Outputs[Name & keyof Outputs]> },
): Service {
  const checked: Record<string, AnyServiceMethod> = {};
  for (const [name, method] of Object.entries<AnyServiceMethod>(methods as never)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new TypeError(`${name}: is no name for a method`);
    for (const part of ['input', 'output'] as const) {
      if (!isSchema(method[part]))
        throw new TypeError(`${name}.${part}: must be a schema of zod 4, such as z.object({})`);
    }
    if (typeof method.handler !== 'function') throw new TypeError(`${name}.handler: must be a function`);
    checked[name] = method;
  }
  return { [MARK]: true, methods: checked };
}

/** True for a {@link Service}, also one made by another copy of this module. */
export function isService(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && (value as Partial<Service>)[MARK] === true;
}

/** Bytes: a Buffer here, an ordinary string in PHP. The same as `z.instanceof(Buffer)`. */
export function bytes(): z.ZodType<Buffer, Buffer> {
  return z.instanceof(Buffer) as unknown as z.ZodType<Buffer, Buffer>;
}

function isSchema(value: unknown): value is z.core.$ZodType {
  return typeof value === 'object' && value !== null && '_zod' in value;
}
