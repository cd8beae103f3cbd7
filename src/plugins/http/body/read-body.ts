// Receives the body of a request, whole, before a worker is asked for.

import type { Readable } from 'node:stream';
import { NO_BODY, type RequestBody } from '../../../protocol/http/head.ts';
import { tooLarge } from './body-error.ts';
import { boundaryOf, mediaType } from './content-type.ts';
import type { BodyLimits } from './limits.ts';
import { receiveMultipart } from './multipart.ts';
import { collectRaw } from './raw-body.ts';
import { removeFiles } from './temporary-files.ts';

/** Where a body comes from: an IncomingMessage of HTTP/1 or HTTP/2. */
export type BodySource = Readable & { readonly method?: string | undefined };

/** What the headers say of the body. */
export interface BodyFacts {
  readonly contentType: string | undefined;
  /** 0 when there is no body (neither content-length nor transfer-encoding), undefined when its length is not known. */
  readonly contentLength: number | undefined;
}

/** A body that is complete. Call `release` once, when the response is over: it removes the temporary files. */
export interface ReceivedBody extends RequestBody {
  release(): void;
}

/**
 * Reads a request body as PHP wants it (roadrunner.md, section 2.2): forms of POST, PUT, PATCH and DELETE are taken apart,
 * everything else arrives as bytes. Of HEAD and OPTIONS nothing is read; what they send is thrown away.
 *
 * RoadRunner hands the urlencoded body of a DELETE to PHP as an empty form, because Go does not parse it; here it is one.
 * @throws BodyError. The request is then paused and partly unread; nothing of it is left on disk.
 */
export async function readBody(request: BodySource, facts: BodyFacts, limits: BodyLimits): Promise<ReceivedBody> {
  const method = request.method ?? 'GET';
  if (method === 'HEAD' || method === 'OPTIONS') {
    request.resume();
    return EMPTY;
  }
  const { contentType, contentLength } = facts;
  if (contentLength !== undefined && contentLength > limits.maxBytes) throw tooLarge();
  const kind = kindOf(method, contentType, limits.rawBody);
  if (contentLength === 0) return kind === 'raw' ? EMPTY : { ...EMPTY, kind };
  if (kind === 'multipart') {
    return multipartBody(await receiveMultipart(request, boundaryOf(contentType ?? ''), limits), limits);
  }
  const bytes = await collectRaw(request, contentLength, limits.maxBytes);
  return { ...EMPTY, kind: kind === 'raw' && bytes.length === 0 ? 'none' : kind, bytes };
}

const EMPTY: ReceivedBody = { ...NO_BODY, release() {} };

const FORM_METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

function kindOf(method: string, contentType: string | undefined, rawBody: boolean): 'raw' | 'urlencoded' | 'multipart' {
  if (rawBody || !FORM_METHODS.has(method)) return 'raw';
  const type = mediaType(contentType);
  if (type === 'application/x-www-form-urlencoded') return 'urlencoded';
  return type === 'multipart/form-data' ? 'multipart' : 'raw';
}

function multipartBody(
  { fields, uploads, paths }: Awaited<ReturnType<typeof receiveMultipart>>,
  limits: BodyLimits,
): ReceivedBody {
  return {
    ...NO_BODY,
    kind: 'multipart',
    fields,
    uploads,
    release() {
      if (paths.length > 0) void removeFiles(paths, (error, path) => limits.onError?.(error, path));
    },
  };
}
