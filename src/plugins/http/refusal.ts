// Requests that rrts answers itself, and with what.

/** A request that does not reach PHP. */
export interface Refusal {
  readonly status: number;
  /** What the client is told; one line. */
  readonly text: string;
  /** Further headers: name, value ... */
  readonly headers?: readonly string[];
  /** Only `OPTIONS *` is answered without closing the connection: everything else may have left it out of step. */
  readonly keepOpen?: boolean;
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Every refusal, by what is wrong. */
export const REFUSALS = {
  version: { status: 505, text: 'HTTP version is not supported' },
  tooManyHeaders: { status: 431, text: 'Too many header fields' },
  headersTooLarge: { status: 431, text: 'Header fields are too large' },
  targetTooLong: { status: 414, text: 'Request target is too long' },
  method: { status: 405, text: 'Method is not allowed', headers: ['Allow', METHODS] },
  target: { status: 400, text: 'Request target is not valid' },
  targetHost: { status: 400, text: 'Request target and Host differ' },
  host: { status: 400, text: 'Host is not valid' },
  duplicateHost: { status: 400, text: 'More than one Host' },
  missingHost: { status: 400, text: 'Host is missing' },
  duplicateHeader: { status: 400, text: 'A header is there twice that may be there once' },
  contentLength: { status: 400, text: 'Content-Length is not valid' },
  transferEncoding: { status: 501, text: 'Transfer-Encoding is not supported' },
  ambiguousLength: { status: 400, text: 'Content-Length and Transfer-Encoding exclude each other' },
  chunkedOldVersion: { status: 400, text: 'Transfer-Encoding needs HTTP/1.1' },
  expectation: { status: 417, text: 'Expectation cannot be met' },
  malformed: { status: 400, text: 'Request is not valid HTTP' },
  timeout: { status: 408, text: 'Request took too long' },
  tooLarge: { status: 413, text: 'Request is too large' },
  memory: { status: 503, text: 'Server has no memory to spare', headers: ['Retry-After', '1'] },
  optionsAll: { status: 204, text: '', headers: ['Allow', METHODS], keepOpen: true },
} as const satisfies Record<string, Refusal>;
