// The records of a log file: how a job, and the end of a job, look as bytes.
//
// Each begins with 16 bytes: the mark of its file, a CRC-32 of all that follows it, the length of the body, the kind, three zeros. All numbers are
// little-endian. The mark is a random number that only the name of the file tells, so nothing within a payload can be taken for a record.

import { crc32 } from 'node:zlib';
import type { Entry } from './entry.ts';

/** What a record says. `put`: here is a job, as it is from now on. `ack`: these jobs are done. `skip`: damage that has been set aside. */
export const RECORD_KIND = { put: 1, ack: 2, skip: 3 } as const;

/** Bytes before the body. */
export const RECORD_HEAD = 16;

const CRC_AT = 4;
const CRC_FROM = 8;
const LENGTH_AT = 8;
const KIND_AT = 12;

/** Body of a put: sequence, order, time, priority, length of the unique key, the key, the job. */
const PUT_HEAD = 36;
const ORDER_AT = 8;
const RUN_AT_AT = 16;
const PRIORITY_AT = 24;
const UNIQUE_LENGTH_AT = 32;

/** Most jobs that one ack names. */
const ACKS_PER_RECORD = 8192;

/** What a put says beside the job itself. */
export type PutFields = Pick<Entry, 'sequence' | 'order' | 'runAt' | 'priority' | 'unique'>;

/** One record, in one or more parts; the head of it is in the first. */
export type LogRecord = readonly Buffer[];

/** Bytes of a record. */
export function lengthOf(record: LogRecord): number {
  let length = 0;
  for (const part of record) length += part.length;
  return length;
}

/** A job as a record, in two parts so that its bytes need no copy. The mark is put in when it is written. */
export function encodePut(fields: PutFields, job: Buffer): LogRecord {
  const unique = fields.unique === undefined ? undefined : Buffer.from(fields.unique);
  const head = Buffer.allocUnsafe(RECORD_HEAD + PUT_HEAD + (unique?.length ?? 0));
  head.writeUInt32LE(head.length - RECORD_HEAD + job.length, LENGTH_AT);
  head.writeUInt32LE(RECORD_KIND.put, KIND_AT);
  head.writeDoubleLE(fields.sequence, RECORD_HEAD);
  head.writeDoubleLE(fields.order, RECORD_HEAD + ORDER_AT);
  head.writeDoubleLE(fields.runAt, RECORD_HEAD + RUN_AT_AT);
  head.writeDoubleLE(fields.priority, RECORD_HEAD + PRIORITY_AT);
  // No key is told from an empty one by its length.
  head.writeUInt32LE(unique === undefined ? 0 : unique.length + 1, RECORD_HEAD + UNIQUE_LENGTH_AT);
  unique?.copy(head, RECORD_HEAD + PUT_HEAD);
  head.writeUInt32LE(crc32(job, crc32(head.subarray(CRC_FROM))), CRC_AT);
  return [head, job];
}

/** The end of jobs, as one record for each 8192 of them. */
export function encodeAcks(sequences: readonly number[]): LogRecord[] {
  const records: LogRecord[] = [];
  for (let from = 0; from < sequences.length; from += ACKS_PER_RECORD) {
    const some = sequences.slice(from, from + ACKS_PER_RECORD);
    const record = Buffer.allocUnsafe(RECORD_HEAD + some.length * 8);
    record.writeUInt32LE(some.length * 8, LENGTH_AT);
    record.writeUInt32LE(RECORD_KIND.ack, KIND_AT);
    for (let index = 0; index < some.length; index++) {
      record.writeDoubleLE(some[index] as number, RECORD_HEAD + index * 8);
    }
    record.writeUInt32LE(crc32(record.subarray(CRC_FROM)), CRC_AT);
    records.push([record]);
  }
  return records;
}

/** The head of a record that makes `damage`, which follows it, something to pass over. */
export function encodeSkipHead(damage: Buffer): Buffer {
  const head = Buffer.alloc(RECORD_HEAD);
  head.writeUInt32LE(damage.length, LENGTH_AT);
  head.writeUInt32LE(RECORD_KIND.skip, KIND_AT);
  head.writeUInt32LE(crc32(damage, crc32(head.subarray(CRC_FROM))), CRC_AT);
  return head;
}

/** Puts the mark of the file into the head of a record. */
export function writeMark(head: Buffer, mark: number): void {
  head.writeUInt32LE(mark, 0);
}

/** Length of the record whose first 16 bytes these are, if it is one. */
export function recordLength(head: Buffer, mark: number): number | undefined {
  return head.readUInt32LE(0) === mark ? RECORD_HEAD + head.readUInt32LE(LENGTH_AT) : undefined;
}

/** Whether these bytes are a record as it was written. */
export function isIntact(record: Buffer, mark: number): boolean {
  return (
    record.length >= RECORD_HEAD &&
    record.readUInt32LE(0) === mark &&
    record.readUInt32LE(LENGTH_AT) === record.length - RECORD_HEAD &&
    record.readUInt32LE(CRC_AT) === crc32(record.subarray(CRC_FROM))
  );
}

/** The kind of an intact record; a number that is not in {@link RECORD_KIND} comes from a newer version. */
export function recordKind(record: Buffer): number {
  return record.readUInt32LE(KIND_AT);
}

/** What an intact put says. */
export function readPut(record: Buffer): PutFields {
  const length = record.readUInt32LE(RECORD_HEAD + UNIQUE_LENGTH_AT);
  const from = RECORD_HEAD + PUT_HEAD;
  return {
    sequence: record.readDoubleLE(RECORD_HEAD),
    order: record.readDoubleLE(RECORD_HEAD + ORDER_AT),
    runAt: record.readDoubleLE(RECORD_HEAD + RUN_AT_AT),
    priority: record.readDoubleLE(RECORD_HEAD + PRIORITY_AT),
    unique: length === 0 ? undefined : record.toString('utf8', from, from + length - 1),
  };
}

/** The job within an intact put; a view. */
export function jobBytes(record: Buffer): Buffer {
  const length = record.readUInt32LE(RECORD_HEAD + UNIQUE_LENGTH_AT);
  return record.subarray(RECORD_HEAD + PUT_HEAD + Math.max(0, length - 1));
}

/** The sequences that an intact ack names. */
export function* readAcks(record: Buffer): Generator<number> {
  for (let at = RECORD_HEAD; at + 8 <= record.length; at += 8) yield record.readDoubleLE(at);
}
