// What callers may ask of the bridge, checked before anything is done.

import { decodeMessagePack } from '../../protocol/rpc/message-pack.ts';
import { type CallContext, CallError } from '../rpc-router/method.ts';

/** Most values of an iteration in one answer. */
const MAX_COUNT = 1000;
/** Longest name; longer ones are nobody's. */
const MAX_NAME = 256;

/** How argument and result of a bridge call are written. */
export type BridgeCodec = 'json' | 'msgpack';

/** What is asked for. */
export type Wish =
  | { readonly kind: 'call'; readonly module: string; readonly name: string; readonly values: unknown }
  | { readonly kind: 'callObject'; readonly id: number; readonly name: string; readonly values: unknown }
  | { readonly kind: 'get'; readonly id: number; readonly name: string }
  | { readonly kind: 'next'; readonly id: number; readonly count: number }
  | { readonly kind: 'return'; readonly id: number };

/** A wish and who has it. */
export interface BridgeRequest {
  /** Number of the caller: handles are its own. */
  readonly caller: number;
  readonly codec: BridgeCodec;
  /** Longest result. */
  readonly maxBytes: number;
  readonly wish: Wish;
}

/** The codec of a call. @throws CallError ERR_RPC_ARGUMENT for protobuf and raw calls. */
export function bridgeCodec({ codec, method }: CallContext): BridgeCodec {
  if (codec === 'json' || codec === 'msgpack') return codec;
  throw new CallError(`${method} takes JSON or MessagePack, not ${codec}`, 'ERR_RPC_ARGUMENT');
}

/** The fields of an argument. @throws CallError, RrtsError ERR_RPC_ARGUMENT. */
export class Fields {
  readonly #map: Readonly<Record<string, unknown>>;

  constructor(argument: Buffer, codec: BridgeCodec) {
    const value = codec === 'json' ? parseJson(argument) : decodeMessagePack(argument);
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      throw wrong('the argument must be a map, such as {module, name, arguments}');
    }
    this.#map = value as Record<string, unknown>;
  }

  text(key: string): string {
    const value = this.#map[key];
    if (typeof value !== 'string') throw wrong(`${key} must be a text`);
    if (value.length > MAX_NAME) throw wrong(`${key} is longer than ${MAX_NAME} characters`);
    return value;
  }

  id(): number {
    return idOf(this.#map['id'], 'id');
  }

  ids(): number[] {
    const value = this.#map['ids'];
    if (!Array.isArray(value)) throw wrong('ids must be a list of whole numbers');
    return value.map((item) => idOf(item, 'ids'));
  }

  /** How many values at most; 1 where nothing is said. */
  count(): number {
    const value = this.#map['count'] ?? 1;
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw wrong('count must be a whole number from 1');
    return Math.min(value as number, MAX_COUNT);
  }

  /** Not checked: see readArguments. */
  values(): unknown {
    return this.#map['arguments'];
  }
}

function idOf(value: unknown, key: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw wrong(`${key} must have whole numbers from 1`);
  return value as number;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw wrong('the argument is not well-formed JSON');
  }
}

function wrong(what: string): CallError {
  return new CallError(what, 'ERR_RPC_ARGUMENT');
}
