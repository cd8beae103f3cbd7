// A job as bytes and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRrtsError } from '../../../src/core/errors.ts';
import type { Job } from '../../../src/plugins/jobs/job.ts';
import { decodeJob, encodeJob } from '../../../src/plugins/jobs/job-record.ts';
import { encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const headers = fc.dictionary(text, fc.array(text, { maxLength: 3 }), { maxKeys: 3 });
const options = fc.record(
  { timeoutMs: fc.nat(), maxAttempts: fc.nat(), unique: text, autoAck: fc.boolean() },
  { requiredKeys: [] },
);
const link = fc.record({
  pipeline: text,
  id: text,
  name: text,
  payload: bytes,
  headers,
  priority: fc.nat(),
  delayMs: fc.nat(),
  options,
});
const job: fc.Arbitrary<Job> = fc.record({
  id: text,
  name: text,
  payload: bytes,
  headers,
  priority: fc.nat(),
  attempt: fc.integer({ min: 1, max: 1000 }),
  pushedAt: fc.nat(),
  options: fc
    .tuple(options, fc.option(fc.array(link, { minLength: 1, maxLength: 3 }), { nil: undefined }))
    .map(([own, chain]) => (chain === undefined ? own : { ...own, chain })),
});

test('every job comes back as it was', (t) => {
  fc.assert(
    fc.property(job, (one) => {
      assert.deepEqual(JSON.parse(JSON.stringify(decodeJob(encodeJob(one)))), JSON.parse(JSON.stringify(one)));
    }),
    { numRuns: 500 },
  );
  t.diagnostic('500 jobs');
});

test('what is no record is refused, whatever it is', () => {
  const records = [
    Buffer.alloc(0),
    Buffer.from('{"id":1}'),
    encodeMessagePack({ id: 'a' }),
    encodeMessagePack([2, 'id', 'name', Buffer.alloc(0), 1, 1, 1, null, null]),
    encodeMessagePack([1, 7, 'name', Buffer.alloc(0), 1, 1, 1, null, null]),
    encodeMessagePack([1]),
  ];
  for (const record of records) {
    assert.throws(
      () => decodeJob(record),
      (error) => isRrtsError(error) && error.code === 'ERR_JOBS_INVALID',
    );
  }
});
