// The argument of a call from its bytes, and its result or error to bytes, as the flag of the frame says.

import {
  create,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { type ErrorCode, isRrtsError, messageOf as textOf } from '../../core/errors.ts';
import { FLAG } from '../../protocol/frame.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/rpc/message-pack.ts';
import { CallError, type Caller, type Codec, type Method, type ProtoMethod } from './method.ts';
import { messageOf, plainOf } from './proto-values.ts';

/** Go's own encoding, which only programs in Go speak. */
const GOB = 0x20;

/** The codec that a call names. @throws CallError ERR_RPC_ARGUMENT for one that is not spoken here. */
export function codecOf(flags: number): Codec {
  switch (flags) {
    case FLAG.JSON:
      return 'json';
    case FLAG.MSGPACK:
      return 'msgpack';
    case FLAG.PROTO:
      return 'proto';
    case FLAG.RAW:
      return 'raw';
    default: {
      const name = flags === GOB ? "Go's gob (flag 0x20)" : `flags 0x${flags.toString(16)}`;
      throw refused(`rpc: the call has ${name}; JSON, MessagePack, protobuf and raw are understood here`);
    }
  }
}

/** The argument as the method wants it. @throws CallError, RrtsError ERR_RPC_ARGUMENT. */
export function decodeArgument(method: Method, codec: Codec, bytes: Buffer): unknown {
  if (typeof method !== 'function') return 'bytes' in method ? bytes : decodeMessage(method, codec, bytes);
  if (codec === 'msgpack') return bytes.length === 0 ? undefined : decodeMessagePack(bytes);
  if (codec === 'json') return parseJson(bytes);
  if (codec === 'raw') return bytes;
  throw refused('rpc: this method takes JSON (flag 0x08) or MessagePack (flag 0x10), not protobuf');
}

/** The result as the caller wants it. @throws CallError ERR_RPC_RESULT when it cannot be written so. */
export function encodeValue(method: Method, codec: Codec, result: unknown): Uint8Array {
  try {
    if (typeof method !== 'function') {
      return 'bytes' in method ? (result as Buffer) : encodeMessage(method, codec, result);
    }
    if (codec === 'msgpack') return encodeMessagePack(result);
    if (codec === 'json') return Buffer.from(jsonOf(result));
  } catch (thrown) {
    throw new CallError(`rpc: the result cannot be sent: ${textOf(thrown)}`, 'ERR_RPC_RESULT');
  }
  if (typeof result === 'string') return Buffer.from(result);
  if (result instanceof Uint8Array) return result;
  throw new CallError('rpc: the result of this method is not bytes; call it with another codec', 'ERR_RPC_RESULT');
}

/** What a caller is told of an error; `shown` is false when it is nobody's but ours, and has to be logged. */
export function encodeFailure(
  codec: number,
  thrown: unknown,
  caller: Caller,
): { bytes: Buffer; code: ErrorCode; shown: boolean } {
  const shown = thrown instanceof CallError || isRrtsError(thrown);
  const message = shown ? thrown.message : 'internal error';
  const code = shown ? thrown.code : 'ERR_RPC_FAILED';
  if (codec !== FLAG.MSGPACK) return { bytes: Buffer.from(message), code, shown };
  const details = thrown instanceof CallError ? thrown.details : {};
  const map = {
    message,
    code,
    class: details.class ?? 'Error',
    node_code: details.nodeCode,
    stack: caller.debug ? (details.stack ?? (shown ? undefined : stackOf(thrown))) : undefined,
  };
  return { bytes: encodeMessagePack(map), code, shown };
}

function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.stack : undefined;
}

function decodeMessage({ input }: ProtoMethod, codec: Codec, bytes: Buffer): unknown {
  try {
    if (codec === 'proto') return fromBinary(input, bytes);
    if (codec === 'msgpack') return messageOf(input, bytes.length === 0 ? {} : decodeMessagePack(bytes));
    if (codec === 'json') return fromJson(input, (parseJson(bytes) ?? {}) as JsonValue);
  } catch (thrown) {
    if (thrown instanceof CallError) throw thrown;
    throw refused(`rpc: the argument is no ${input.typeName}: ${textOf(thrown)}`);
  }
  throw refused('rpc: this method takes protobuf (flag 0x80), MessagePack (0x10) or JSON (0x08), not raw bytes');
}

function encodeMessage({ output }: ProtoMethod, codec: Codec, result: unknown): Uint8Array {
  if (codec === 'msgpack') return encodeMessagePack(plainOf(output, result));
  const message = create(output, result as MessageInitShape<typeof output>);
  return codec === 'proto' ? toBinary(output, message) : Buffer.from(JSON.stringify(toJson(output, message)));
}

function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw refused('rpc: the argument is not well-formed JSON');
  }
}

/** Bytes as base64, as Go writes them; integers beyond 2^53 as text, because a reader of JSON would round them. */
function jsonOf(result: unknown): string {
  if (typeof result !== 'object' || result === null) return JSON.stringify(simple(result)) ?? 'null';
  return JSON.stringify(result, function (this: Record<string, unknown>, key: string, value: unknown): unknown {
    const original = this[key]; // a Buffer has become an object of numbers in `value`
    if (original instanceof Uint8Array) return Buffer.from(original).toString('base64');
    return original instanceof Map ? Object.fromEntries(original) : simple(value);
  });
}

function simple(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function refused(text: string): CallError {
  return new CallError(text, 'ERR_RPC_ARGUMENT');
}
