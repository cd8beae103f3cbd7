// Turns the head of a reply into one that may be sent: what Node's server would pass on unchecked is checked here. Pure.

import type { ResponseHead } from '../../protocol/http/head.ts';
import type { HeaderNames } from './header-names.ts';

/** The head of a reply, fit for `ServerResponse.writeHead`. */
export interface MappedHead {
  readonly status: number;
  /** Name, value ... without framing headers; order and repeated names as PHP wrote them. */
  readonly headers: string[];
  /** What PHP says the length is; -1 when it says nothing, nonsense, or two different things. */
  readonly contentLength: number;
  /** Headers that PHP declared as trailers: [name, value] pairs. */
  readonly trailers: [string, string][] | undefined;
  /** Names of headers that cannot be sent. */
  readonly invalid: string[] | undefined;
}

/** Visible characters, space, tab and bytes above ASCII: no CR, LF or NUL, which would start another header or response. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const DIGITS = /^\d{1,15}$/;
/** A trailer must not frame, route, authenticate or change what is already processed: RFC 9110 6.5.1. */
const NEVER_TRAILERS =
  /^(?:content-.*|transfer-encoding|host|connection|set-cookie|trailer|te|cache-control|location|date|age|expires|vary)$/;
/** PHP writes some hundred cookies at most; this bounds what one reply can make the server hold. */
const LARGEST_HEAD = 256 * 1024;

/** True for a status that ends a request. */
export function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599;
}

/** True for a status whose response has no content: RFC 9110 15.3.5, 15.3.6, 15.4.5. */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Checks and cleans the head of a reply. Its status is taken as it is. */
export function mapResponseHead(head: ResponseHead, names: HeaderNames): MappedHead {
  const source = head.headers;
  const headers: string[] = [];
  let contentLength = -1;
  let special: Special | undefined;
  let size = 0;
  for (let index = 0; index + 1 < source.length; index += 2) {
    const name = source[index] as string;
    const value = source[index + 1] as string;
    const rule = names.of(name).response;
    size += name.length + value.length;
    if (rule === 'pass' && size <= LARGEST_HEAD && VALUE.test(value)) headers.push(name, value);
    else if (rule === 'content-length') contentLength = agreedLength(contentLength, value);
    else if (rule !== 'drop') {
      special ??= new Special();
      if (rule === 'pass' || rule === 'invalid' || !VALUE.test(value)) special.invalid.push(name);
      else special.read(rule, name, value, headers);
    }
  }
  if (contentLength === CONTRADICTORY) contentLength = -1;
  if (special === undefined)
    return { status: head.status, headers, contentLength, trailers: undefined, invalid: undefined };
  const kept = special.listed.size === 0 ? headers : withoutListed(headers, special.listed);
  const trailers = special.declared.size === 0 ? undefined : takeTrailers(kept, special.declared);
  return {
    status: head.status,
    headers: kept,
    contentLength,
    trailers,
    invalid: special.invalid.length === 0 ? undefined : special.invalid,
  };
}

/** Adds those of `own` (name, value ...) that `headers` does not have. */
export function addMissing(headers: string[], own: readonly string[]): void {
  for (let index = 0; index < own.length; index += 2) {
    const name = own[index] as string;
    const lower = name.toLowerCase();
    const there = headers.some((header, at) => at % 2 === 0 && header.toLowerCase() === lower);
    if (!there) headers.push(name, own[index + 1] as string);
  }
}

/** The head of an informational response as bytes in latin1. Its body, framing headers and faults are left out. */
export function informationalHead(mapped: MappedHead): string {
  let text = `HTTP/1.1 ${mapped.status} ${REASONS[mapped.status] ?? 'Informational'}\r\n`;
  for (let index = 0; index < mapped.headers.length; index += 2) {
    text += `${mapped.headers[index]}: ${mapped.headers[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}

const REASONS: Readonly<Record<number, string>> = { 100: 'Continue', 102: 'Processing', 103: 'Early Hints' };

const CONTRADICTORY = -2;

function agreedLength(before: number, value: string): number {
  if (!DIGITS.test(value)) return CONTRADICTORY;
  const length = Number(value);
  return before === -1 || before === length ? length : CONTRADICTORY;
}

/** What few replies have: declared trailers, a Connection header, a Date, headers that cannot be sent. */
class Special {
  readonly invalid: string[] = [];
  /** Lower-case names that Connection lists. */
  readonly listed = new Set<string>();
  /** Lower-case names that Trailer lists. */
  readonly declared = new Set<string>();
  readonly #once = new Set<string>();

  read(rule: string, name: string, value: string, headers: string[]): void {
    if (rule === 'once') {
      const lower = name.toLowerCase();
      if (this.#once.has(lower)) return;
      this.#once.add(lower);
      headers.push(name, value);
      return;
    }
    const set = rule === 'trailer' ? this.declared : this.listed;
    for (const item of value.split(',')) {
      const lower = item.trim().toLowerCase();
      if (lower !== '' && !(rule === 'connection' && lower === 'set-cookie')) set.add(lower);
    }
  }
}

function withoutListed(headers: string[], listed: ReadonlySet<string>): string[] {
  return headers.filter((_, index) => !listed.has((headers[index - (index % 2)] as string).toLowerCase()));
}

function takeTrailers(headers: string[], declared: ReadonlySet<string>): [string, string][] | undefined {
  const trailers: [string, string][] = [];
  let end = 0;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    const lower = name.toLowerCase();
    if (declared.has(lower)) {
      if (!NEVER_TRAILERS.test(lower)) {
        trailers.push([name, value]);
        continue;
      }
    }
    headers[end++] = name;
    headers[end++] = value;
  }
  headers.length = end;
  return trailers.length === 0 ? undefined : trailers;
}
