// The native head in JSON, for a PHP without ext-msgpack: docs/protocol.md, section 4.

import { FLAG } from '../frame.ts';
import type { Payload } from '../payload.ts';
import { textToBytes } from './bytes-text.ts';
import type { RequestBody, RequestHead, ResponseHead } from './head.ts';
import { headError } from './head-error.ts';
import { isForm, nativeBody } from './native-head.ts';

/** A request for a native worker that reads JSON. Every string has one code point U+0000 to U+00FF per byte. */
export function encodeNativeJsonRequest(head: RequestHead, body: RequestBody): Payload {
  const attributes = Object.entries(head.attributes);
  const shape = {
    method: head.method,
    uri: `${head.scheme}://${head.host}${head.target}`,
    protocol: head.protocol,
    remote_addr: head.remoteAddress,
    headers: head.headers,
    ...(isForm(body) && { form: true }),
    ...(body.uploads.length > 0 && {
      uploads: body.uploads.map((it) => [it.field, it.name, it.mime, it.size, it.error, textToBytes(it.temporaryPath)]),
    }),
    ...(attributes.length > 0 && {
      attributes: Object.fromEntries(attributes.map(([name, value]) => [textToBytes(name), textToBytes(value)])),
    }),
    ...(head.attempt !== 1 && { attempt: head.attempt }),
  };
  return { flags: FLAG.JSON, head: Buffer.from(JSON.stringify(shape), 'utf8'), body: nativeBody(body) };
}

/** @throws RrtsError ERR_PROTOCOL_HEAD */
export function decodeNativeJsonHead(head: Buffer): ResponseHead {
  const reply = parseJsonHead(head);
  if (!Array.isArray(reply) || reply.length !== 2) throw headError('is not a list of status and headers', head);
  const [status, headers] = reply as [unknown, unknown];
  if (!isStatus(status)) throw headError('has no whole number as its status', head);
  if (!Array.isArray(headers) || headers.length % 2 !== 0) {
    throw headError('has no list of header names and values', head);
  }
  if (!headers.every(isByteString)) throw headError('has a header that is not one code point per byte', head);
  return { status, headers };
}

/** JSON.parse that fails with ERR_PROTOCOL_HEAD. */
export function parseJsonHead(head: Buffer): unknown {
  try {
    return JSON.parse(head.toString('utf8'));
  } catch (cause) {
    throw headError('is not JSON', head, cause);
  }
}

/** True for what can be a status as far as types go: a whole number of up to 32 bits. */
export function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

function isByteString(value: unknown): value is string {
  return typeof value === 'string' && !/[\u0100-\uffff]/.test(value);
}
