// The first words between master and worker: who are you, and what do you speak?

import { RrtsError } from '../core/errors.ts';
import { encodeWelcome, HELLO_VERSION, parseControl } from '../protocol/control.ts';
import { FLAG, type Frame } from '../protocol/frame.ts';
import type { HeadCodec } from '../protocol/payload.ts';
import type { Channel } from './channel.ts';
import type { RpcDoor } from './owner.ts';
import { sequenceError } from './reply.ts';

/** What the master knows of a worker when it has introduced itself. */
export interface Introduction {
  readonly codec: HeadCodec;
  /** Empty for an SDK worker, which does not say. */
  readonly phpVersion: string;
  /**
   * Whether it keeps requests that arrive while it runs one: `always`, or, for an SDK worker whose operator says so, `but-in-streams`;
   * while those stream they take requests from the pipe and may lose them. `always` means too that it says when it begins a request
   * that was sent ahead, and throws away what is revoked.
   */
  readonly prefetches: Prefetches;
  /** Whether it makes RPC calls over its channel, and has been told that it may. */
  readonly calls: boolean;
}

/** See {@link Introduction.prefetches}. */
export type Prefetches = 'never' | 'always' | 'but-in-streams';

/** What the master brings to the handshake. */
export interface HandshakeTerms {
  readonly sdkCodec: 'json' | 'proto';
  readonly sdkPrefetch: boolean;
  readonly script: string;
  readonly debug: boolean;
  readonly rpc: RpcDoor | undefined;
}

/**
 * Judges the first frame of a worker. A native one says hello and is welcomed; an SDK worker says its pid.
 * @param onStdout - true when it came on STDOUT, where a native worker never speaks.
 * @throws RrtsError ERR_PROTOCOL_SEQUENCE, or ERR_WORKER_VERSION for another protocol version.
 */
export function introduce(channel: Channel, frame: Frame, onStdout: boolean, terms: HandshakeTerms): Introduction {
  if ((frame.flags & FLAG.CONTROL) === 0) throw sequenceError('a frame before the handshake');
  const message = parseControl(frame.payload);
  if (message.kind === 'pid') {
    const prefetches = terms.sdkPrefetch ? 'but-in-streams' : 'never';
    return { codec: terms.sdkCodec, phpVersion: '', prefetches, calls: false };
  }
  if (onStdout) throw sequenceError('hello on STDOUT');
  const { hello, codecs, features, php } = message.hello;
  if (hello !== HELLO_VERSION) {
    throw new RrtsError('ERR_WORKER_VERSION', `${terms.script} speaks protocol ${hello}, this rrts ${HELLO_VERSION}`, {
      cure: 'Install the version of rrts/php-client that belongs to this rrts.',
    });
  }
  const msgpack = codecs.includes('msgpack');
  const rpcMax = features.includes('rpc') ? terms.rpc?.maxPayload : undefined;
  channel.write(encodeWelcome(msgpack ? 'msgpack' : 'json', terms.debug, rpcMax));
  const prefetches = features.includes('prefetch') ? 'always' : 'never';
  return { codec: msgpack ? 'native' : 'native-json', phpVersion: php, prefetches, calls: rpcMax !== undefined };
}
