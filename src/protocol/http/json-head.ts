// RoadRunner's JSON head: docs/protocol.md, section 4.

import { FLAG } from '../frame.ts';
import type { Payload } from '../payload.ts';
import { bytesToText, textToBytes } from './bytes-text.ts';
import type { RequestBody, RequestHead, ResponseHead } from './head.ts';
import { headError } from './head-error.ts';
import { isStatus, parseJsonHead } from './native-json-head.ts';
import { sdkRequest } from './sdk-request.ts';

/**
 * A request for a worker built on RoadRunner's packages. JSON has no bytes: header and cookie bytes are sent as the
 * UTF-8 they are, or else as latin1. The protobuf head keeps them.
 */
export function encodeJsonRequest(head: RequestHead, body: RequestBody): Payload {
  const request = sdkRequest(head, body);
  const start = JSON.stringify({
    remoteAddr: bytesToText(head.remoteAddress),
    protocol: request.protocol,
    method: bytesToText(head.method),
    uri: request.uri,
    headers: toObject(request.headers, (values) => values.map(bytesToText)),
    cookies: toObject(request.cookies, bytesToText),
    rawQuery: request.rawQuery,
    parsed: request.parsed,
    attributes: head.attributes,
  });
  // The upload tree is JSON already, in an order that an object could not keep.
  const json = `${start.slice(0, -1)},"uploads":${request.uploads ?? 'null'}}`;
  return { flags: FLAG.JSON, head: Buffer.from(json, 'utf8'), body: request.body };
}

/**
 * `{"status":200,"headers":{name:[value...]}}`. The headers may be missing, null or `[]`, which is how PHP writes an empty
 * array; a value may be a string instead of a list, or a number. Text becomes its UTF-8 bytes.
 * @throws RrtsError ERR_PROTOCOL_HEAD
 */
export function decodeJsonHead(head: Buffer): ResponseHead {
  const reply = parseJsonHead(head);
  if (typeof reply !== 'object' || reply === null || Array.isArray(reply)) throw headError('is not an object', head);
  const { status, headers } = reply as { status?: unknown; headers?: unknown };
  if (!isStatus(status)) throw headError('has no whole number as its status', head);
  const list: string[] = [];
  if (headers === undefined || headers === null) return { status, headers: list };
  if (typeof headers !== 'object') throw headError('has headers that are not an object', head);
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      list.push(textToBytes(name), headerValue(value, name, head));
    }
  }
  return { status, headers: list };
}

function headerValue(value: unknown, name: string, head: Buffer): string {
  if (typeof value === 'string') return textToBytes(value);
  if (typeof value === 'number') return String(value);
  // As PHP casts them to string.
  if (value === null || value === false) return '';
  if (value === true) return '1';
  throw headError(`has a value of header ${JSON.stringify(name)} that is not a string`, head);
}

// Without a prototype, so that a header or cookie named __proto__ is one like any other.
function toObject<Value, Text>(map: ReadonlyMap<string, Value>, text: (value: Value) => Text): Record<string, Text> {
  const object: Record<string, Text> = Object.create(null);
  for (const [name, value] of map) object[name] = text(value);
  return object;
}
