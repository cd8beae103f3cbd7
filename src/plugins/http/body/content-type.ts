// The Content-Type of a request, as far as it decides how its body is read.

import { BodyError } from './body-error.ts';

/** `text/html; charset=utf-8` is `text/html`; lower case, empty when there is none. */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/**
 * The boundary of a multipart body.
 * @throws BodyError 400 when it is missing, longer than the 70 characters of RFC 2046 or not printable ASCII.
 */
export function boundaryOf(contentType: string): string {
  const match = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;,]*))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2] ?? '';
  if (boundary === '') throw new BodyError(400, 'the multipart body has no boundary');
  if (boundary.length > 70) throw new BodyError(400, 'the multipart boundary is longer than 70 characters');
  if (!/^[ -~]+$/.test(boundary)) throw new BodyError(400, 'the multipart boundary is not printable ASCII');
  return boundary;
}
