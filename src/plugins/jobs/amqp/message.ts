// A job as an AMQP message, and back: RoadRunner's headers, so that both can work on one queue, and one of ours beside them.

import { randomUUID } from 'node:crypto';
import type { AsyncMessage, Envelope } from 'rabbitmq-client';
import type { Job, JobHeaders } from '../job.ts';
import { decodeJob, encodeJob } from '../job-record.ts';

/** What RoadRunner calls a job that says no name. */
const UNNAMED = 'deduced_by_rr';
/** Headers of a message must fit in one frame of 128 KB; a job with more travels as a record in the body. */
const MAX_HEADERS = 60_000;
const LONGEST_NAME = 200;
const EMPTY = Buffer.alloc(0);
/** Names that are not a job's own, or mean something to the broker. */
const RESERVED = /^(rr_|rrts_|cc$|bcc$|x-death$|x-first-death-|x-last-death-)/i;

/** RoadRunner: a push with this header goes there. */
export const ROUTING_KEY_HEADER = 'x-routing-key';

type Properties = Pick<Envelope, 'headers' | 'messageId' | 'contentType' | 'durable'>;

/** What is published. */
export interface Outgoing {
  readonly properties: Properties & { readonly messageId: string };
  readonly body: Buffer;
}

/** Each call gives another `messageId`: it names the message, and is how one that comes again is known. */
export function encodeMessage(job: Job, pipeline: string, delayMs: number): Outgoing {
  const record = encodeJob({ ...job, name: '-', payload: EMPTY, headers: {} }).toString('base64');
  const list = JSON.stringify(job.headers);
  const whole = record.length + 2 * list.length + job.name.length + job.id.length > MAX_HEADERS;
  const own = whole ? { rrts_record: 'body' } : { ...plainHeaders(job.headers), rr_headers: list, rrts_job: record };
  return {
    body: whole ? encodeJob(job) : job.payload,
    properties: {
      durable: true,
      contentType: 'application/octet-stream',
      messageId: randomUUID(),
      headers: {
        ...own,
        rr_id: whole ? job.id.slice(0, LONGEST_NAME) : job.id,
        rr_job: whole ? job.name.slice(0, LONGEST_NAME) : job.name,
        rr_pipeline: pipeline,
        // As 64 bits: RoadRunner does not read the 8 bits that a small number would be sent as.
        rr_delay: BigInt(Math.ceil(delayMs / 1000)),
        rr_priority: BigInt(Math.round(job.priority)),
        rr_auto_ack: job.options.autoAck === true,
      },
    },
  };
}

/**
 * The job of a message, whoever wrote it. A message without RoadRunner's headers is a job as well, as RoadRunner has it: its name is
 * `deduced_by_rr`, its payload the body, its headers those of the message.
 */
export function decodeMessage(message: AsyncMessage, priority: number, now: number): Job {
  const headers = (message.headers ?? {}) as Readonly<Record<string, unknown>>;
  const payload = bytesOf(message.body);
  if (headers['rrts_record'] === 'body') {
    const job = attempt(() => decodeJob(payload));
    if (job !== undefined) return job;
  }
  const record = headers['rrts_job'];
  const ours = typeof record === 'string' ? attempt(() => decodeJob(Buffer.from(record, 'base64'))) : undefined;
  const auto = headers['rr_auto_ack'] === true;
  return {
    id: text(headers['rr_id']) ?? text(message.messageId) ?? randomUUID(),
    name: text(headers['rr_job']) ?? UNNAMED,
    payload,
    headers: readHeaders(headers),
    priority: typeof headers['rr_priority'] === 'number' ? headers['rr_priority'] : priority,
    attempt: ours?.attempt ?? 1,
    pushedAt: ours?.pushedAt ?? (message.timestamp === undefined ? now : message.timestamp * 1000),
    options: ours?.options ?? (auto ? { autoAck: true } : {}),
  };
}

/** Its name among all messages; undefined for one that rrts did not write. */
export function nameOf(message: AsyncMessage): string | undefined {
  const { headers } = message;
  if (headers?.['rrts_job'] === undefined && headers?.['rrts_record'] === undefined) return undefined;
  return message.messageId;
}

/** What RoadRunner reads, which takes only bytes for `rr_headers`, and other consumers. */
function plainHeaders(headers: JobHeaders): Record<string, string | string[]> {
  const plain: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(headers)) {
    if (RESERVED.test(name) || Buffer.byteLength(name) > LONGEST_NAME) continue;
    plain[name] = values.length === 1 ? (values[0] ?? '') : [...values];
  }
  return plain;
}

function readHeaders(headers: Readonly<Record<string, unknown>>): JobHeaders {
  const list = headers['rr_headers'];
  const bytes = Buffer.isBuffer(list) || typeof list === 'string' ? list.toString() : undefined;
  const parsed = bytes === undefined ? undefined : attempt((): unknown => JSON.parse(bytes));
  const known = typeof parsed === 'object' && parsed !== null;
  const result: Record<string, readonly string[]> = Object.create(null);
  for (const [name, value] of Object.entries(known ? parsed : headers)) {
    if (known || !RESERVED.test(name)) result[name] = valuesOf(value);
  }
  return result;
}

function valuesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(valuesOf);
  if (value === null || value === undefined) return [];
  if (Buffer.isBuffer(value)) return [value.toString()];
  return [typeof value === 'object' ? JSON.stringify(value) : String(value)];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The client decodes bodies that say they are JSON or text, unless it is kept from it (see raw-body.ts). */
function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
