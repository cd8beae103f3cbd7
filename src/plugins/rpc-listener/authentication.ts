// What a connection must say before it may call anything: the token.

import { createHash, timingSafeEqual } from 'node:crypto';
import { FLAG, type Frame } from '../../protocol/frame.ts';
import { type Call, encodeError, encodeResult, readCall } from '../../protocol/rpc/call.ts';
import { codecOf, decodeArgument, encodeFailure, encodeValue } from '../rpc-router/codecs.ts';
import { CallError, type Caller } from '../rpc-router/method.ts';

/** The one call that a stranger may make. Where no token is asked for it is answered with true. */
export const AUTHENTICATE = 'rpc.Authenticate';
/** Longest frame of a stranger: a token and its name. */
export const STRANGER_MAX_PAYLOAD = 1024;
/** A connection that has not said the token by then is closed. */
export const AUTHENTICATE_MS = 5000;
/** After so many other calls and wrong tokens too. */
const MOST_FAILURES = 5;

/** Digest of a token: equal lengths are what a comparison in constant time needs. */
export function digestOf(token: string | Buffer): Buffer {
  return createHash('sha256').update(token).digest();
}

/** True for a call of {@link AUTHENTICATE}. */
export function isAuthentication({ options: [, length], payload }: Frame): boolean {
  return length === AUTHENTICATE.length && payload.subarray(0, length).toString('latin1') === AUTHENTICATE;
}

/** Answers the calls of one connection until one of them has the token. */
export class Gate {
  readonly #digest: Buffer | undefined;
  readonly #caller: Caller;
  #failures = 0;

  /** @param digest - of the token; undefined where any is right. */
  constructor(digest: Buffer | undefined, caller: Caller) {
    this.#digest = digest;
    this.#caller = caller;
  }

  /** True when the connection has failed too often. */
  get exhausted(): boolean {
    return this.#failures >= MOST_FAILURES;
  }

  /** @returns the reply, and whether the token was right. @throws RrtsError ERR_PROTOCOL_SEQUENCE for a frame that is no call. */
  receive(frame: Frame): { readonly reply: Buffer; readonly open: boolean } {
    const call = readCall(frame);
    try {
      if (!isAuthentication(frame))
        throw refused(`rpc: this connection has to call ${AUTHENTICATE} with the token first`);
      if (!this.#isRight(call)) throw refused('rpc: this is not the token');
      return { reply: encodeResult(call, trueIn(call)), open: true };
    } catch (thrown) {
      this.#failures++;
      return { reply: encodeError(call, encodeFailure(call.codec, thrown, this.#caller).bytes), open: false };
    }
  }

  #isRight(call: Call): boolean {
    if (this.#digest === undefined) return true;
    const said = decodeArgument(() => undefined, codecOf(call.codec), call.argument);
    if (typeof said !== 'string' && !Buffer.isBuffer(said)) return false;
    return timingSafeEqual(digestOf(said), this.#digest);
  }
}

function trueIn(call: Call): Uint8Array {
  return call.codec === FLAG.RAW ? Buffer.from('true') : encodeValue(() => undefined, codecOf(call.codec), true);
}

function refused(text: string): CallError {
  return new CallError(text, 'ERR_RPC_TOKEN');
}
