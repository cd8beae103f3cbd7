// A job as bytes, for drivers that store bytes.

import { RrtsError } from '../../core/errors.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/rpc/message-pack.ts';
import type { ChainLink, Job, JobHeaders, JobOptions } from './job.ts';

/** First field of a record. A reader refuses what it does not know. */
const VERSION = 1;

const NO_HEADERS: JobHeaders = Object.freeze(Object.create(null) as JobHeaders);
const NO_OPTIONS: JobOptions = Object.freeze({});

/** A MessagePack list: version, id, name, payload, priority, attempt, time of its push, headers, options; the last two are nil when empty. */
export function encodeJob(job: Job): Buffer {
  return encodeMessagePack([
    VERSION,
    job.id,
    job.name,
    job.payload,
    job.priority,
    job.attempt,
    job.pushedAt,
    isEmpty(job.headers) ? null : job.headers,
    isEmpty(job.options) ? null : job.options,
  ]);
}

/** The payload is a view of `bytes`. @throws RrtsError ERR_JOBS_INVALID for what {@link encodeJob} did not write. */
export function decodeJob(bytes: Buffer): Job {
  const record = parse(bytes);
  const [version, id, name, payload, priority, attempt, pushedAt, headers, options] = record;
  if (version !== VERSION) throw invalid(`its version is ${String(version)}, and this is version ${VERSION}`);
  if (
    typeof id !== 'string' ||
    typeof name !== 'string' ||
    !Buffer.isBuffer(payload) ||
    typeof priority !== 'number' ||
    typeof attempt !== 'number' ||
    typeof pushedAt !== 'number'
  ) {
    throw invalid('its fields are not those of a job');
  }
  return {
    id,
    name,
    payload,
    priority,
    attempt,
    pushedAt,
    headers: (headers ?? NO_HEADERS) as JobHeaders,
    options: options === null || options === undefined ? NO_OPTIONS : readOptions(options as JobOptions),
  };
}

/** Maps without a prototype become plain ones, so that jobs compare as they were pushed. */
function readOptions(options: JobOptions): JobOptions {
  const { chain, ended, ...others } = options;
  const rest = ended === undefined ? others : { ...others, ended: { ...ended } };
  if (chain === undefined) return rest;
  return { ...rest, chain: chain.map((link): ChainLink => ({ ...link, options: readOptions(link.options) })) };
}

function parse(bytes: Buffer): readonly unknown[] {
  let record: unknown;
  try {
    record = decodeMessagePack(bytes);
  } catch (cause) {
    throw invalid('it is no MessagePack', cause);
  }
  if (!Array.isArray(record)) throw invalid('it is no list');
  return record;
}

function isEmpty(map: object): boolean {
  for (const _ in map) return false;
  return true;
}

function invalid(why: string, cause?: unknown): RrtsError {
  return new RrtsError('ERR_JOBS_INVALID', `a stored job cannot be read: ${why}`, { cause });
}
