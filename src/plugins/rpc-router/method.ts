// What an RPC method is: three kinds, and what each is told of the call.

import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { ErrorCode } from '../../core/errors.ts';

/** How argument and result of a call are written. */
export type Codec = 'json' | 'msgpack' | 'proto' | 'raw';

/** Who calls: a worker over its own channel, a connection, or a part of rrts. */
export interface Caller {
  /** For logs: `worker 4242`, `rpc connection 7`. */
  readonly name: string;
  /** Whether it is shown stacks. */
  readonly debug: boolean;
  /** True for a part of rrts. */
  readonly inside?: boolean;
  /** `listener` is called once, when the caller is gone; at once when it is gone already. @returns how to take it back. */
  onGone(listener: () => void): () => void;
}

/** One call, as its method sees it. */
export interface CallContext {
  /** `Service.Method` */
  readonly method: string;
  readonly caller: Caller;
  readonly codec: Codec;
  /** Aborts at the deadline, when the caller goes and when the server stops. Made when it is first read, because most methods need none. */
  readonly signal: AbortSignal;
}

/**
 * Takes and gives plain values, in JSON and MessagePack: an argument is undefined for none, binary strings of MessagePack are Buffers where they
 * are no UTF-8. In a RAW call the argument is a Buffer and the result must be a Buffer or a string.
 */
export type PlainMethod = (argument: unknown, call: CallContext) => unknown;

/**
 * Takes and gives a protobuf message. JSON callers use protobuf's JSON mapping; MessagePack callers maps with the names of the
 * .proto file, in which bytes are bytes and 64-bit integers are integers.
 */
export interface ProtoMethod {
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly handle: (message: never, call: CallContext) => unknown;
}

/** Takes the argument as it came and gives the result as it is to go out, both in the codec of the call: `call.codec`. */
export interface BytesMethod {
  readonly bytes: (argument: Buffer, call: CallContext) => Buffer | Promise<Buffer>;
}

/** One method. */
export type Method = PlainMethod | ProtoMethod | BytesMethod;

/** A method that takes and gives protobuf messages. */
export function protoMethod<I extends DescMessage, O extends DescMessage>(
  input: I,
  output: O,
  handle: (message: MessageShape<I>, call: CallContext) => MessageInitShape<O> | Promise<MessageInitShape<O>>,
): ProtoMethod {
  return { input, output, handle };
}

/** What else goes with a {@link CallError}, for callers that speak MessagePack. */
export interface CallErrorDetails {
  /** Name of the class that was thrown. Default: `Error`. */
  readonly class?: string;
  /** Shown to callers in debug only. */
  readonly stack?: string;
  /** The `code` property of a Node error, such as ENOENT. */
  readonly nodeCode?: string;
}

/** An error that is meant for the caller, word for word. All others are logged, and the caller learns only that there was one. */
export class CallError extends Error {
  readonly code: ErrorCode;
  readonly details: CallErrorDetails;

  constructor(message: string, code: ErrorCode = 'ERR_RPC_FAILED', details: CallErrorDetails = {}) {
    super(message);
    this.name = 'CallError';
    this.code = code;
    this.details = details;
  }
}
