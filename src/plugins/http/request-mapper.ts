// The head of a request as the head codecs take it, made from what Node parsed and the filter accepted.

import type { IncomingMessage } from 'node:http';
import { PoolRequest } from '../../pool/request.ts';
import { NO_BODY, type RequestBody, type RequestHead } from '../../protocol/http/head.ts';
import type { Relayed } from '../relayed-request.ts';
import type { AcceptedRequest } from './request-filter.ts';

const NO_ATTRIBUTES: Readonly<Record<string, string>> = {};
/** Running them twice means the same as once: RFC 9110 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * The unit of work for the pool and the head for the codecs in one object: there is one per request, on the hot path.
 * {@link HttpExchange} adds the way back.
 */
export abstract class HttpRequest extends PoolRequest implements RequestHead {
  readonly method: string;
  scheme: 'http' | 'https' = 'http';
  readonly host: string;
  readonly target: string;
  readonly protocol: string;
  remoteAddress: string;
  readonly headers: string[];
  attributes = NO_ATTRIBUTES;
  body: RequestBody = NO_BODY;

  /** @param ownHeaders - name, value ... in lower case, added to those of the client. */
  constructor(
    message: IncomingMessage,
    accepted: AcceptedRequest,
    connection: { readonly remoteAddress: string; readonly localHost: string },
    ownHeaders: readonly string[],
  ) {
    const method = message.method as string;
    super(IDEMPOTENT.has(method));
    this.method = method;
    // PHP is given an absolute URI, which needs a host.
    this.host = accepted.host === '' ? connection.localHost : accepted.host;
    this.target = accepted.target;
    this.protocol = message.httpVersion;
    this.remoteAddress = connection.remoteAddress;
    this.headers = accepted.headers;
    if (ownHeaders.length > 0) this.headers.push(...ownHeaders);
  }

  /** The request is made for somebody else: PHP sees that client. */
  protected standFor({ remoteAddress, scheme, attributes }: Relayed): void {
    this.remoteAddress = remoteAddress;
    this.scheme = scheme;
    this.attributes = attributes;
  }

  override get label(): string {
    return `${this.method} ${this.target}`;
  }
}
