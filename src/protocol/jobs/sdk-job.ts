// A job for a worker that uses RoadRunner's packages, and what such a worker answers.

import type { Payload } from '../payload.ts';
import { DONE, type JobHead, type JobReply } from './head.ts';
import { readHeaders } from './headers.ts';

/** `data` of a reply; nothing of it is certain. */
interface ReplyData {
  readonly message?: unknown;
  readonly requeue?: unknown;
  readonly delay_seconds?: unknown;
  readonly headers?: unknown;
}

/** RoadRunner's numbers of `type`. */
const TYPE = { noError: 0, error: 1, ack: 2, nack: 3, requeue: 4 } as const;

const MS_PER_SECOND = 1000;

/** RoadRunner's context: JSON, in a frame without a codec flag. `timeout` counts seconds. */
export function encodeSdkJob(head: JobHead, payload: Buffer): Payload {
  const context = {
    id: head.id,
    job: head.name,
    driver: head.driver,
    headers: head.headers,
    queue: head.queue,
    pipeline: head.pipeline,
    timeout: Math.ceil(head.timeoutMs / MS_PER_SECOND),
  };
  return { flags: 0, head: Buffer.from(JSON.stringify(context)), body: payload };
}

/**
 * `{"type": n, "data": {"message", "requeue", "delay_seconds", "headers"}}` in the body; an empty one means done. RoadRunner logs what it cannot
 * read and takes the job for done; here it has failed for good, so that it ends among the dead letters and not nowhere. Never throws.
 */
export function decodeSdkReply(body: Buffer): JobReply {
  if (body.length === 0) return DONE;
  const reply = parse(body);
  if (reply === undefined) return forGood(`the worker's answer is no job reply: ${quote(body)}`);
  const data = (reply.data ?? {}) as ReplyData;
  const message = typeof data.message === 'string' ? data.message : '';
  switch (reply.type) {
    case TYPE.noError:
    case TYPE.ack:
      return DONE;
    case TYPE.error:
    case TYPE.nack:
      return data.requeue === true ? again(data, message) : forGood(message === '' ? 'the worker says so' : message);
    case TYPE.requeue:
      return again(data, message);
    default:
      return forGood(`the worker's answer has an unknown type: ${quote(body)}`);
  }
}

function again(data: ReplyData, message: string): JobReply {
  const seconds = typeof data.delay_seconds === 'number' && data.delay_seconds > 0 ? data.delay_seconds : 0;
  return { kind: 'requeue', delayMs: seconds * MS_PER_SECOND, headers: readHeaders(data.headers), message };
}

/** The application has decided: RoadRunner does not try it again either. */
function forGood(message: string): JobReply {
  return { kind: 'failed', message, retry: false, delayMs: undefined };
}

function parse(body: Buffer): { readonly type: unknown; readonly data: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && 'type' in value
      ? { type: value.type, data: 'data' in value && typeof value.data === 'object' ? value.data : undefined }
      : undefined;
  } catch {
    return undefined;
  }
}

function quote(body: Buffer): string {
  return JSON.stringify(body.toString('latin1', 0, 100));
}
