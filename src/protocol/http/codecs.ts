// Request heads out, reply heads in: picks the codec.

import { assertNever } from '../../core/assert-never.ts';
import { FLAG } from '../frame.ts';
import type { HeadCodec, Payload } from '../payload.ts';
import type { RequestBody, RequestHead, ResponseHead } from './head.ts';
import { headError } from './head-error.ts';
import { decodeJsonHead, encodeJsonRequest } from './json-head.ts';
import { decodeNativeHead, encodeNativeRequest } from './native-head.ts';
import { decodeNativeJsonHead, encodeNativeJsonRequest } from './native-json-head.ts';
import { decodeProtoHead, encodeProtoRequest } from './proto-head.ts';

/** The frame payload of a request, in the codec of the worker that takes it (docs/protocol.md, section 4). Never throws. */
export function encodeRequest(codec: HeadCodec, head: RequestHead, body: RequestBody): Payload {
  switch (codec) {
    case 'native':
      return encodeNativeRequest(head, body);
    case 'native-json':
      return encodeNativeJsonRequest(head, body);
    case 'json':
      return encodeJsonRequest(head, body);
    case 'proto':
      return encodeProtoRequest(head, body);
    default:
      return assertNever(codec);
  }
}

/**
 * Decodes the head of a reply by the flags of its frame. Status and header names are not judged here, only their types.
 *
 * A native worker answers with the flag of the codec it was welcomed with. RoadRunner's packages pick their answer's
 * codec themselves, once per process: JSON with flag JSON or none, protobuf with PROTO, whatever the request was in.
 * @throws RrtsError ERR_PROTOCOL_HEAD, never anything else, whatever the bytes are.
 */
export function decodeResponseHead(codec: HeadCodec, flags: number, head: Buffer): ResponseHead {
  const format = flags & (FLAG.JSON | FLAG.MSGPACK | FLAG.PROTO);
  switch (codec) {
    case 'native':
    case 'native-json':
      if (format === FLAG.MSGPACK) return decodeNativeHead(head);
      if (format === FLAG.JSON) return decodeNativeJsonHead(head);
      break;
    case 'json':
    case 'proto':
      if (format === FLAG.PROTO) return decodeProtoHead(head);
      if (format === FLAG.JSON || format === 0) return decodeJsonHead(head);
      break;
    default:
      return assertNever(codec);
  }
  throw headError(`has flags 0x${flags.toString(16).padStart(2, '0')}, which name no codec of a ${codec} worker`, head);
}
