// What RoadRunner's two request heads, JSON and protobuf, have in common.

import { uriText } from './bytes-text.ts';
import { groupHeaders, parseCookies } from './go-header.ts';
import type { RequestBody, RequestHead } from './head.ts';
import {
  fieldsToTree,
  fieldTreeToJson,
  MAX_INPUT_VARS,
  type PhpTree,
  uploadsToTree,
  uploadTreeToJson,
} from './php-tree.ts';
import { parseUrlencoded } from './urlencoded.ts';

/** The parts of a request as RoadRunner names them. Header values and cookies are byte strings, the rest is text. */
export interface SdkRequest {
  /** `HTTP/1.1`; HTTP/2 is `HTTP/2.0`, as Go has it. */
  readonly protocol: string;
  /** Absolute, without CR and LF. */
  readonly uri: string;
  readonly rawQuery: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly cookies: ReadonlyMap<string, string>;
  /** True when the body is the JSON of a form. */
  readonly parsed: boolean;
  readonly body: Buffer;
  /** JSON tree of the uploads; undefined when there are none. */
  readonly uploads: string | undefined;
}

/** Maps a request to RoadRunner's shape: roadrunner.md, sections 2.1 and 2.2. */
export function sdkRequest(head: RequestHead, body: RequestBody): SdkRequest {
  const target = uriText(head.target).replace(/[\r\n]/g, '');
  const query = target.indexOf('?');
  // RoadRunner reads no body for these two.
  const bodiless = head.method === 'HEAD' || head.method === 'OPTIONS';
  const parsed = !bodiless && (body.kind === 'urlencoded' || body.kind === 'multipart');
  return {
    protocol: head.protocol === '2' ? 'HTTP/2.0' : `HTTP/${head.protocol}`,
    uri: `${head.scheme}://${uriText(head.host)}${target}`,
    rawQuery: query < 0 ? '' : withoutFragment(target.slice(query + 1)),
    headers: groupHeaders(head.headers),
    cookies: parseCookies(head.headers),
    parsed,
    body: bodiless ? EMPTY : parsed ? Buffer.from(fieldTreeToJson(formTree(body)), 'utf8') : body.bytes,
    uploads: bodiless || body.uploads.length === 0 ? undefined : uploadTreeToJson(uploadsToTree(body.uploads)),
  };
}

const EMPTY = Buffer.alloc(0);

function formTree(body: RequestBody): PhpTree<string> {
  // One more than are kept, so that the tree can tell that some were dropped.
  const fields = body.kind === 'multipart' ? body.fields : parseUrlencoded(body.bytes, MAX_INPUT_VARS + 1);
  return fieldsToTree(fields);
}

function withoutFragment(query: string): string {
  const hash = query.indexOf('#');
  return hash < 0 ? query : query.slice(0, hash);
}
