// Headers and cookies in the shape RoadRunner's workers expect: Go's.

import { unescapeForm } from './urlencoded.ts';

/**
 * Go's canonical form of a header name: `content-type` is `Content-Type`. A name with a character that is not allowed in
 * one stays as it is, as textproto.CanonicalMIMEHeaderKey has it.
 */
export function canonicalName(name: string): string {
  const known = CANONICAL.get(name);
  if (known !== undefined) return known;
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return name;
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
}

/** Header values by canonical name, in the order they came, without Host: Go keeps it apart and the SDK takes it from the URI. */
export function groupHeaders(headers: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = canonicalName(headers[index] as string);
    if (name === 'Host') continue;
    const value = headers[index + 1] as string;
    const values = groups.get(name);
    if (values === undefined) groups.set(name, [value]);
    else values.push(value);
  }
  return groups;
}

/**
 * Cookies of all Cookie headers, values URL-unescaped. Like Go: the name must be a token, double quotes around a value
 * are removed, a value with a broken `%` is dropped, the last of equal names wins. Unlike Go, a value may have quotes,
 * backslashes and bytes above 127 in it: PHP applications get such cookies from every other server.
 */
export function parseCookies(headers: readonly string[]): Map<string, string> {
  const cookies = new Map<string, string>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index] !== 'cookie') continue;
    for (const pair of (headers[index + 1] as string).split(';')) addCookie(cookies, pair.trim());
  }
  return cookies;
}

const CANONICAL: ReadonlyMap<string, string> = new Map(
  (
    'Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control Connection Content-Encoding ' +
    'Content-Length Content-Type Cookie Host If-Modified-Since If-None-Match Origin Pragma Range Referer ' +
    'Sec-Ch-Ua Sec-Ch-Ua-Mobile Sec-Ch-Ua-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User ' +
    'Upgrade-Insecure-Requests User-Agent X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Requested-With'
  )
    .split(' ')
    .map((name) => [name.toLowerCase(), name]),
);

function addCookie(cookies: Map<string, string>, pair: string): void {
  const equals = pair.indexOf('=');
  const name = (equals < 0 ? pair : pair.slice(0, equals)).trim();
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return;
  const raw = equals < 0 ? '' : pair.slice(equals + 1).trim();
  const value = /^".*"$/.test(raw) && raw.length > 1 ? raw.slice(1, -1) : raw;
  const unescaped = queryUnescape(value);
  if (unescaped === undefined) return;
  cookies.delete(name);
  cookies.set(name, unescaped);
}

// Go's url.QueryUnescape: an error, here undefined, for a `%` without two hexadecimal digits.
function queryUnescape(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  return unescapeForm(text);
}
