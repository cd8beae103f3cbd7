// The head of an HTTP request and of a reply, before and after the codecs.

/** One uploaded file, spooled to disk. */
export interface Upload {
  /** Name of the form field as sent: `files[a][]`. */
  readonly field: string;
  /** File name as the client sent it, without directories. */
  readonly name: string;
  readonly mime: string;
  /** Bytes on disk. */
  readonly size: number;
  /** PHP's upload error code: 0 ok, 4 no file, 6 no temp dir, 7 write failure, 8 extension refused. */
  readonly error: number;
  /** Path of the temporary file; empty unless `error` is 0. */
  readonly temporaryPath: string;
}

/** One form field, in the order sent. Strings hold one byte per character (latin1). */
export interface FormField {
  readonly name: string;
  readonly value: string;
}

/**
 * A request as a head codec takes it. Every string but `attributes` holds one byte per character (latin1), as Node's
 * parser gives them, so that whatever a client sends arrives unchanged.
 */
export interface RequestHead {
  readonly method: string;
  /** `http` or `https`. */
  readonly scheme: 'http' | 'https';
  /** Value of the Host header (or `:authority`). */
  readonly host: string;
  /** Origin form as received: `/path?query`. */
  readonly target: string;
  /** `1.0`, `1.1` or `2`. */
  readonly protocol: string;
  /** Peer address without port. */
  readonly remoteAddress: string;
  /** Name, value, name, value ... with lower-case names; already filtered. */
  readonly headers: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  /** 1, or 2 when the request is replayed after a worker died. */
  readonly attempt: number;
}

/** A complete request body. */
export interface RequestBody {
  /** `urlencoded` and `multipart` reach the worker as PHP arrays; `raw` as bytes; `none` is empty. */
  readonly kind: 'none' | 'raw' | 'urlencoded' | 'multipart';
  /** The bytes of a `raw` or `urlencoded` body; empty for the others. */
  readonly bytes: Buffer;
  /** Fields of a `multipart` body that are not files, in order. */
  readonly fields: readonly FormField[];
  /** Files of a `multipart` body, in order. */
  readonly uploads: readonly Upload[];
}

/** The body of a request that has none. */
export const NO_BODY: RequestBody = { kind: 'none', bytes: Buffer.alloc(0), fields: [], uploads: [] };

/** The head of a reply. */
export interface ResponseHead {
  readonly status: number;
  /** Name, value, name, value ... as PHP wrote them, one byte per character (latin1). */
  readonly headers: readonly string[];
}
