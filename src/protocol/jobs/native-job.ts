// The head of a job for a native worker, in MessagePack or JSON: docs/protocol.md, section 6.

import { isRrtsError, messageOf } from '../../core/errors.ts';
import { FLAG } from '../frame.ts';
import { bytesToText, textToBytes } from '../http/bytes-text.ts';
import { headError } from '../http/head-error.ts';
import type { HeadCodec, Payload } from '../payload.ts';
import { decodeMessagePack, encodeMessagePack } from '../rpc/message-pack.ts';
import { DONE, type JobHead, type JobReply } from './head.ts';
import { readHeaders } from './headers.ts';

/** Names in snake_case; times in milliseconds. In JSON a string has one code point per byte, as in all heads. */
export function encodeNativeJob(codec: HeadCodec, head: JobHead, payload: Buffer): Payload {
  const map = {
    id: head.id,
    job: head.name,
    pipeline: head.pipeline,
    driver: head.driver,
    queue: head.queue,
    headers: head.headers,
    attempt: head.attempt,
    max_attempts: head.maxAttempts,
    timeout: head.timeoutMs,
    pushed_at: head.pushedAt,
  };
  return codec === 'native'
    ? { flags: FLAG.MSGPACK, head: encodeMessagePack(map), body: payload }
    : { flags: FLAG.JSON, head: Buffer.from(textToBytes(JSON.stringify(map))), body: payload };
}

/** PHP writes an empty array as a list, in both codecs: then, as with an empty map, the job is done. @throws RrtsError ERR_PROTOCOL_HEAD */
export function decodeNativeReply(flags: number, head: Buffer): JobReply {
  if (head.length <= 2) return DONE;
  const reply = parse(flags, head);
  if (typeof reply !== 'object' || reply === null) throw headError('is no map', head);
  const { result, message, retry, delay, headers } = reply as Readonly<Record<string, unknown>>;
  const text = typeof message === 'string' ? message : Buffer.isBuffer(message) ? message.toString('latin1') : '';
  const delayMs = typeof delay === 'number' && delay >= 0 ? delay : undefined;
  switch (result) {
    case undefined:
    case 'done':
      return DONE;
    case 'failed': {
      const given = readHeaders(headers);
      return { kind: 'failed', message: text, retry: retry !== false, delayMs, ...(given && { headers: given }) };
    }
    case 'requeue':
      return { kind: 'requeue', delayMs: delayMs ?? 0, headers: readHeaders(headers), message: text };
    default:
      throw headError('has a result that is none of done, failed and requeue', head);
  }
}

function parse(flags: number, head: Buffer): unknown {
  try {
    return (flags & FLAG.MSGPACK) !== 0 ? decodeMessagePack(head) : JSON.parse(bytesToText(head.toString('utf8')));
  } catch (thrown) {
    throw headError(isRrtsError(thrown) ? thrown.message : `is no JSON: ${messageOf(thrown)}`, head);
  }
}
