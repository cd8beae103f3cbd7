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
export function encodeJsonRequest(head: RequestHead, received: RequestBody): Payload {
  const request = sdkRequest(head, received);
  // Put together by hand: an object would list integer names first, take __proto__ for something else, and be slower.
  // The upload tree is JSON already.
  const json =
    `{"remoteAddr":${quote(head.remoteAddress)},"protocol":${quote(request.protocol)},"method":${quote(head.method)},` +
    `"uri":${JSON.stringify(request.uri)},"headers":${mapToJson(request.headers, listToJson)},` +
    `"cookies":${mapToJson(request.cookies, quote)},"rawQuery":${JSON.stringify(request.rawQuery)},` +
    `"parsed":${request.parsed},"uploads":${request.uploads ?? 'null'},"attributes":${JSON.stringify(head.attributes)}}`;
  const body = request.parsed && request.body.length === 0 ? EMPTY_FORM : request.body;
  return { flags: FLAG.JSON, head: Buffer.from(json, 'utf8'), body };
}

/** Up to 3.4 spiral/roadrunner-http decodes the body of every form, and the worker dies of an empty one. */
const EMPTY_FORM = Buffer.from('{}');

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

function mapToJson<Value>(map: ReadonlyMap<string, Value>, toJson: (value: Value) => string): string {
  let json = '';
  for (const [name, value] of map) json += `${json === '' ? '' : ','}${quote(name)}:${toJson(value)}`;
  return `{${json}}`;
}

function listToJson(values: readonly string[]): string {
  return values.length === 1 ? `[${quote(values[0] as string)}]` : `[${values.map(quote).join(',')}]`;
}

function quote(bytes: string): string {
  return JSON.stringify(bytesToText(bytes));
}
