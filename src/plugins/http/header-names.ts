// What each header name means to the filters: lower case, and whether it may pass.

/** What the request filter does with a header. */
export type RequestRule =
  | 'pass'
  | 'drop'
  | 'host'
  | 'content-length'
  | 'content-type'
  | 'transfer-encoding'
  | 'connection'
  | 'expect';

/** What the response mapper does with a header. */
export type ResponseRule = 'pass' | 'drop' | 'invalid' | 'content-length' | 'connection' | 'trailer' | 'once';

/** A header name that was looked at. */
export interface HeaderName {
  readonly lower: string;
  readonly request: RequestRule;
  readonly response: ResponseRule;
}

const REQUEST_RULES: ReadonlyMap<string, RequestRule> = new Map<string, RequestRule>([
  ['host', 'host'],
  ['content-length', 'content-length'],
  ['content-type', 'content-type'],
  ['transfer-encoding', 'transfer-encoding'],
  ['connection', 'connection'],
  ['expect', 'expect'],
  // Hop-by-hop: RFC 9110 7.6.1.
  ['keep-alive', 'drop'],
  ['te', 'drop'],
  ['trailer', 'drop'],
  ['upgrade', 'drop'],
  ['http2-settings', 'drop'],
  ['proxy-connection', 'drop'],
  ['proxy-authenticate', 'drop'],
  ['proxy-authorization', 'drop'],
  // httpoxy, CVE-2016-5385: it would become HTTP_PROXY, which PHP HTTP clients take for their proxy.
  ['proxy', 'drop'],
  // A property of every JavaScript object: no client needs it, and a codec that forgets this is not fooled.
  ['constructor', 'drop'],
]);

const RESPONSE_RULES: ReadonlyMap<string, ResponseRule> = new Map<string, ResponseRule>([
  ['content-length', 'content-length'],
  ['connection', 'connection'],
  ['trailer', 'trailer'],
  ['date', 'once'],
  ['keep-alive', 'drop'],
  ['te', 'drop'],
  ['transfer-encoding', 'drop'],
  ['upgrade', 'drop'],
  ['http2-settings', 'drop'],
  ['http2-push', 'drop'],
]);

/**
 * Names that PHP may see. An underscore and a dash become the same `HTTP_*` variable, so `X_Real_Ip` could pose as `X-Real-Ip`
 * (CVE-2024-45614, CVE-2015-7519); dots and the other token characters have no place in a variable at all.
 */
const VARIABLE_NAME = /^[A-Za-z0-9-]+$/;
/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Clients repeat the same few spellings; more than this many come from somebody who makes names up. */
const MOST_REMEMBERED = 512;

/** Looks names up and remembers the answers, because every request asks for the same ones. */
export class HeaderNames {
  readonly #known = new Map<string, HeaderName>();

  /** What is known of `name`, in whatever case it is written. */
  of(name: string): HeaderName {
    return this.#known.get(name) ?? this.#learn(name);
  }

  #learn(name: string): HeaderName {
    const lower = name.toLowerCase();
    const known: HeaderName = {
      lower,
      request: VARIABLE_NAME.test(name) ? (REQUEST_RULES.get(lower) ?? 'pass') : 'drop',
      response: responseRule(name, lower),
    };
    if (this.#known.size < MOST_REMEMBERED && name.length <= 64) this.#known.set(name, known);
    return known;
  }
}

function responseRule(name: string, lower: string): ResponseRule {
  if (!TOKEN.test(name) || name.length > 256) return 'invalid';
  if (lower.startsWith('proxy-')) return 'drop';
  return RESPONSE_RULES.get(lower) ?? 'pass';
}
