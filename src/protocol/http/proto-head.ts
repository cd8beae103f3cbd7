// RoadRunner's protobuf head: http.v1.Request and http.v1.Response of roadrunner-server/api.

import { FLAG } from '../frame.ts';
import type { Payload } from '../payload.ts';
import { bytesToText, textToBytes } from './bytes-text.ts';
import type { RequestBody, RequestHead, ResponseHead } from './head.ts';
import { isStatus } from './native-json-head.ts';
import { lengthField, ProtoReader, varintField, WIRE } from './proto-wire.ts';
import { sdkRequest } from './sdk-request.ts';

const REQUEST = {
  REMOTE_ADDR: 1,
  PROTOCOL: 2,
  METHOD: 3,
  URI: 4,
  HEADER: 5,
  COOKIES: 6,
  RAW_QUERY: 7,
  PARSED: 8,
  UPLOADS: 9,
  ATTRIBUTES: 10,
} as const;

const RESPONSE = { STATUS: 1, HEADERS: 2 } as const;

// A map is a repeated message of these two fields; HeaderValue is `repeated bytes value = 1`.
const ENTRY = { KEY: 1, VALUE: 2 } as const;
const HEADER_VALUE = 1;

/** A request for a worker built on RoadRunner's packages from 3.5 on. Header and cookie bytes arrive unchanged. */
export function encodeProtoRequest(head: RequestHead, body: RequestBody): Payload {
  const request = sdkRequest(head, body);
  let text =
    stringField(REQUEST.REMOTE_ADDR, bytesToText(head.remoteAddress)) +
    stringField(REQUEST.PROTOCOL, request.protocol) +
    stringField(REQUEST.METHOD, bytesToText(head.method)) +
    stringField(REQUEST.URI, request.uri);
  for (const [name, values] of request.headers) text += mapEntry(REQUEST.HEADER, name, values);
  for (const [name, value] of request.cookies) text += mapEntry(REQUEST.COOKIES, name, [value]);
  text += stringField(REQUEST.RAW_QUERY, request.rawQuery);
  if (request.parsed) text += varintField(REQUEST.PARSED, 1);
  if (request.uploads !== undefined) text += stringField(REQUEST.UPLOADS, request.uploads);
  for (const [name, value] of Object.entries(head.attributes)) {
    text += mapEntry(REQUEST.ATTRIBUTES, textToBytes(name), [textToBytes(value)]);
  }
  return { flags: FLAG.PROTO, head: Buffer.from(text, 'latin1'), body: request.body };
}

/** Unknown fields are skipped. @throws RrtsError ERR_PROTOCOL_HEAD */
export function decodeProtoHead(head: Buffer): ResponseHead {
  const reader = new ProtoReader(head);
  const headers: string[] = [];
  let status: number | undefined;
  while (reader.next()) {
    if (reader.is(RESPONSE.STATUS, WIRE.VARINT)) status = reader.varint();
    else if (reader.is(RESPONSE.HEADERS, WIRE.LENGTH)) readEntry(reader.message(), headers);
    else reader.skip();
  }
  if (!isStatus(status)) throw reader.fail('has no status');
  return { status, headers };
}

function readEntry(entry: ProtoReader, headers: string[]): void {
  let name = '';
  const values: string[] = [];
  while (entry.next()) {
    if (entry.is(ENTRY.KEY, WIRE.LENGTH)) name = entry.bytes().toString('latin1');
    else if (entry.is(ENTRY.VALUE, WIRE.LENGTH)) readValues(entry.message(), values);
    else entry.skip();
  }
  for (const value of values) headers.push(name, value);
}

function readValues(message: ProtoReader, values: string[]): void {
  while (message.next()) {
    if (message.is(HEADER_VALUE, WIRE.LENGTH)) values.push(message.bytes().toString('latin1'));
    else message.skip();
  }
}

// proto3 leaves empty strings out.
function stringField(field: number, text: string): string {
  return text === '' ? '' : lengthField(field, textToBytes(text));
}

// A key is a `string`, which must be UTF-8; header and cookie names are tokens, so they are ASCII.
function mapEntry(field: number, key: string, values: readonly string[]): string {
  let list = '';
  for (const value of values) list += lengthField(HEADER_VALUE, value);
  return lengthField(field, lengthField(ENTRY.KEY, key) + lengthField(ENTRY.VALUE, list));
}
