// Decides whether a request may reach PHP, and cleans the headers of one that may. Pure.

import type { HeaderNames } from './header-names.ts';
import { REFUSALS, type Refusal } from './refusal.ts';

/** The parts of a parsed request that the filter looks at; Node's IncomingMessage has them. */
export interface RawRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Name, value, name, value ... as received. */
  readonly rawHeaders: readonly string[];
}

/** Bounds of the filter. */
export interface FilterLimits {
  readonly headerFields: number;
  readonly uriBytes: number;
}

/** A request that may reach PHP. */
export interface AcceptedRequest {
  /** Empty for HTTP/1.0 without Host. */
  readonly host: string;
  /** Origin form. */
  readonly target: string;
  /** Name, value ... with lower-case names, without hop-by-hop headers and names that PHP could confuse. */
  readonly headers: string[];
  readonly contentType: string;
  /** -1 when the body is chunked. */
  readonly contentLength: number;
  readonly expectsContinue: boolean;
}

/** A target without anything to look at twice: path and query of visible characters, no escape, fragment or backslash. */
const PLAIN_TARGET = /^\/[!-"$&-[\]-~\x80-\xff]*$/;
const ALLOWED_TARGET = /^\/[!-"$-[\]-~\x80-\xff]*$/;
const ABSOLUTE_TARGET = /^https?:\/\/([^/?]*)(.*)$/i;
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
/** A name, an IPv4 address or an IPv6 address in brackets, and a port. */
const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const DIGITS = /^\d{1,15}$/;
/** What Connection says most of the time; neither names a header to drop. */
const PLAIN_CONNECTION = /^(?:keep-alive|close|upgrade)$/i;

/** What one pass over the headers found. */
class Seen {
  host: string | undefined = undefined;
  contentType: string | undefined = undefined;
  contentLength: string | undefined = undefined;
  transferEncoding: string | undefined = undefined;
  expect: string | undefined = undefined;
  connection: string | undefined = undefined;
  fault: Refusal | undefined = undefined;
  readonly headers: string[] = [];
}

/**
 * @returns the refusal of a request that is not to reach PHP, or what is left of it after cleaning.
 */
export function filterRequest(
  request: RawRequest,
  limits: FilterLimits,
  names: HeaderNames,
): AcceptedRequest | Refusal {
  const { method, url, httpVersion, rawHeaders } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return REFUSALS.version;
  // Counted before anything else: Node 20 leaves out fields past its own limit and says nothing.
  if (rawHeaders.length > limits.headerFields * 2) return REFUSALS.tooManyHeaders;
  if (method === 'TRACE' || method === 'CONNECT') return REFUSALS.method;
  if (url === undefined || url.length === 0) return REFUSALS.target;
  if (url.length > limits.uriBytes) return REFUSALS.targetTooLong;
  const seen = readHeaders(rawHeaders, names);
  const fault = seen.fault ?? headerFault(seen, httpVersion);
  if (fault !== undefined) return fault;
  if (url === '*') return method === 'OPTIONS' ? REFUSALS.optionsAll : REFUSALS.target;
  const host = seen.host ?? '';
  const target = PLAIN_TARGET.test(url) ? url : originForm(url, host);
  if (typeof target !== 'string') return target;
  if (seen.connection !== undefined) dropListed(seen.headers, seen.connection);
  return {
    host,
    target,
    headers: seen.headers,
    contentType: seen.contentType ?? '',
    contentLength: bodyLength(seen),
    expectsContinue: seen.expect !== undefined && httpVersion === '1.1',
  };
}

/** True for what {@link filterRequest} returns of a request that must not reach PHP. */
export function isRefusal(verdict: AcceptedRequest | Refusal): verdict is Refusal {
  return 'status' in verdict;
}

function readHeaders(raw: readonly string[], names: HeaderNames): Seen {
  const seen = new Seen();
  const { headers } = seen;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = names.of(raw[index] as string);
    const value = raw[index + 1] as string;
    if (name.request === 'pass') headers.push(name.lower, value);
    else if (name.request !== 'drop') readSpecial(seen, name.request, name.lower, value);
  }
  return seen;
}

function readSpecial(seen: Seen, rule: string, lower: string, value: string): void {
  switch (rule) {
    case 'host':
      if (seen.host !== undefined) seen.fault ??= REFUSALS.duplicateHost;
      seen.host = value;
      break;
    case 'content-type':
      if (seen.contentType !== undefined) seen.fault ??= REFUSALS.duplicateHeader;
      seen.contentType = value;
      break;
    case 'content-length':
      if (seen.contentLength !== undefined) seen.fault ??= REFUSALS.duplicateHeader;
      seen.contentLength = value;
      break;
    case 'transfer-encoding':
      if (seen.transferEncoding !== undefined) seen.fault ??= REFUSALS.duplicateHeader;
      seen.transferEncoding = value;
      return;
    case 'connection':
      if (!PLAIN_CONNECTION.test(value))
        seen.connection = seen.connection === undefined ? value : `${seen.connection},${value}`;
      return;
    case 'expect':
      seen.expect = value;
      return;
  }
  seen.headers.push(lower, value);
}

function headerFault(seen: Seen, httpVersion: string): Refusal | undefined {
  if (seen.host === undefined) {
    if (httpVersion === '1.1') return REFUSALS.missingHost;
  } else if (!HOST.test(seen.host)) return REFUSALS.host;
  if (seen.contentLength !== undefined && !DIGITS.test(seen.contentLength)) return REFUSALS.contentLength;
  if (seen.transferEncoding !== undefined) {
    if (seen.contentLength !== undefined) return REFUSALS.ambiguousLength;
    if (httpVersion === '1.0') return REFUSALS.chunkedOldVersion;
    if (seen.transferEncoding.toLowerCase() !== 'chunked') return REFUSALS.transferEncoding;
  }
  if (seen.expect !== undefined && httpVersion === '1.1' && seen.expect.toLowerCase() !== '100-continue') {
    return REFUSALS.expectation;
  }
  return undefined;
}

function bodyLength(seen: Seen): number {
  if (seen.transferEncoding !== undefined) return -1;
  return seen.contentLength === undefined ? 0 : Number(seen.contentLength);
}

/** Path and query of a target that is not plain: absolute, with escapes, or not to be had. */
function originForm(url: string, host: string): string | Refusal {
  let target = url;
  if (!url.startsWith('/')) {
    const match = ABSOLUTE_TARGET.exec(url);
    if (match === null) return REFUSALS.target;
    // RFC 9112 3.2.2 lets the target win over Host; a client that means well sends the same twice.
    if ((match[1] as string).toLowerCase() !== host.toLowerCase()) return REFUSALS.targetHost;
    target = match[2] as string;
    if (!target.startsWith('/')) target = `/${target}`;
  }
  if (!ALLOWED_TARGET.test(target) || target.includes('%00')) return REFUSALS.target;
  const query = target.indexOf('?');
  // In a query PHP reads a lone % as itself, as it does behind nginx; in a path nginx and Go refuse it.
  return BROKEN_ESCAPE.test(query === -1 ? target : target.slice(0, query)) ? REFUSALS.target : target;
}

/** Takes out the headers that Connection declares hop-by-hop. What frames or names the request is not up to it. */
function dropListed(headers: string[], connection: string): void {
  const listed = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  for (const kept of ['host', 'content-length', 'content-type']) listed.delete(kept);
  let end = 0;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (listed.has(name)) continue;
    headers[end++] = name;
    headers[end++] = headers[index + 1] as string;
  }
  headers.length = end;
}
