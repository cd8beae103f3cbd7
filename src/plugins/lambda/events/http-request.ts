// The HTTP request that an event describes, and what its parts may be.

import { RELAYED_HEADER } from '../../relayed-request.ts';

/** Which shape the answer must have: the same as that of the event. */
export type AnswerStyle = 'api-v1' | 'api-v2' | 'alb' | 'alb-multi';

/** A request made of an event. */
export interface EventRequest {
  readonly method: string;
  /** Path and query, with escapes. */
  readonly target: string;
  /** Name, value, name, value ...; one byte per character (latin1). Host is one of them, framing headers are not. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Address of the client. */
  readonly remoteAddress: string;
  readonly style: AnswerStyle;
  /** `requestContext` of the event as JSON. */
  readonly requestContext: string;
}

/** Any JSON object. */
export type Tree = Readonly<Record<string, unknown>>;

/** Framing, and what concerns one connection: the request that we make has its own. Who may say for whom is not the client's to write. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'expect',
  'te',
  'upgrade',
  RELAYED_HEADER,
]);
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What Node would refuse to send. */
const BROKEN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** A child of an object that is an object itself; an empty one otherwise. */
export function treeIn(parent: unknown, key: string): Tree {
  const value = isTree(parent) ? parent[key] : undefined;
  return isTree(value) ? value : {};
}

/** True for a JSON object. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text of an object; empty when it is none. */
export function textIn(parent: unknown, key: string): string {
  const value = isTree(parent) ? parent[key] : undefined;
  return typeof value === 'string' ? value : '';
}

/** Collects the headers of a request. */
export class HeaderList {
  readonly list: string[] = [];
  #host = '';

  /** Adds one, unless it is not for PHP. Texts are sent as UTF-8. */
  add(name: string, value: unknown): void {
    const lower = name.toLowerCase();
    if (typeof value !== 'string' || LEFT_OUT.has(lower) || !NAME.test(name)) return;
    const bytes = Buffer.from(value).toString('latin1');
    if (BROKEN_VALUE.test(bytes)) return;
    if (lower === 'host') this.#host = bytes;
    else this.list.push(lower, bytes);
  }

  /** Adds every value of `headers` (name to text) and `multiValueHeaders` (name to list), which wins. */
  addAll(headers: Tree, multiValueHeaders: Tree): void {
    const multi = Object.entries(multiValueHeaders);
    for (const [name, values] of multi) for (const value of Array.isArray(values) ? values : []) this.add(name, value);
    if (multi.length === 0) for (const [name, value] of Object.entries(headers)) this.add(name, value);
  }

  /** The list with a Host first. @param otherwise - the host when the client has sent none. */
  withHost(otherwise: string): readonly string[] {
    return ['host', this.#host || otherwise || 'localhost', ...this.list];
  }
}

/** The bytes of the body. */
export function bodyOf(event: Tree): Buffer {
  const body = textIn(event, 'body');
  return event['isBase64Encoded'] === true ? Buffer.from(body, 'base64') : Buffer.from(body);
}

/** A path or a query in which everything that cannot stand in a request line is escaped; escapes that are there stay. */
export function escaped(text: string, more: RegExp): string {
  return text.replace(/%(?![0-9A-Fa-f]{2})|[^!-~]+|\\/g, encodeText).replace(more, encodeText);
}

/** Like encodeURIComponent, which throws for half a character; a JSON text may have one. */
export function encodeText(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
