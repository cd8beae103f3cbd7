// What an event is taken for; whatever comes, it is one thing or one clear error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRrtsError } from '../../../src/core/errors.ts';
import { readEvent } from '../../../src/plugins/lambda/events/read-event.ts';
import type { Invocation } from '../../../src/plugins/lambda/invocation.ts';
import { timeLeft } from '../../../src/plugins/lambda/time-left.ts';
import { lambdaEvent } from '../../helpers/lambda-runtime.ts';

const NAMES = [
  'api-v1',
  'api-v2',
  'function-url',
  'alb',
  'alb-multi',
  'sqs',
  'sqs-fifo',
  'sns',
  's3',
  'eventbridge',
  'schedule',
  'dynamodb',
  'kinesis',
];
const config = { jobs: {}, warmup: [] };

function invocation(event: unknown): Invocation {
  const bytes = Buffer.isBuffer(event) ? event : Buffer.from(JSON.stringify(event));
  return {
    id: 'r1',
    event: bytes,
    deadlineMs: 0,
    functionArn: '',
    traceId: '',
    clientContext: '',
    cognitoIdentity: '',
  };
}

const kindOf = (event: unknown): string => {
  const read = readEvent(invocation(event), config);
  return read.kind === 'jobs' ? read.jobs.kind : read.kind;
};

test('each recorded event is known', () => {
  const kinds = NAMES.map((name) => kindOf(lambdaEvent(name)));
  assert.deepEqual(kinds, [
    'http',
    'http',
    'http',
    'http',
    'http',
    'sqs',
    'sqs',
    'sns',
    's3',
    'eventbridge',
    'schedule',
    'dynamodb',
    'kinesis',
  ]);
});

test('any other JSON is a direct invocation, with the event as it came', () => {
  for (const event of [
    null,
    5,
    'text',
    [],
    {},
    { Records: [] },
    { Records: 'x' },
    { Records: [{ eventSource: 'aws:new' }] },
    { warmer: 'no' },
  ]) {
    const read = readEvent(invocation(event), config);
    assert.ok(read.kind === 'jobs' && read.jobs.kind === 'invoke', JSON.stringify(event));
    assert.equal(read.jobs.lanes[0]?.[0]?.payload.toString(), JSON.stringify(event));
    assert.equal(read.jobs.lanes[0]?.[0]?.id, 'r1');
  }
});

test('what is no JSON is one clear error', () => {
  for (const bytes of ['', '{', 'undefined', '\xff']) {
    assert.throws(() => readEvent(invocation(Buffer.from(bytes, 'latin1')), config), { code: 'ERR_LAMBDA_EVENT' });
  }
});

test('names of jobs: the ARN wins over the attribute, that over the kind', () => {
  const sqs = { Records: (lambdaEvent('sqs') as { Records: object[] }).Records.slice(2) };
  const nameWith = (jobs: Record<string, string>): string | undefined => {
    const read = readEvent(invocation(sqs), { jobs, warmup: [] });
    return read.kind === 'jobs' ? read.jobs.lanes[0]?.[0]?.name : undefined;
  };
  assert.equal(nameWith({ sqs: 'Kind' }), 'App\\Ship');
  assert.equal(nameWith({ sqs: 'Kind', 'arn:aws:sqs:eu-central-1:123456789012:orders': 'Arn' }), 'Arn');
});

test('recorded events with parts replaced by anything: never another error, never a job without id and name', (t) => {
  let jobs = 0;
  let requests = 0;
  const scenario = fc.record({
    name: fc.constantFrom(...NAMES),
    path: fc.array(fc.nat(9), { maxLength: 5 }),
    value: fc.jsonValue(),
  });
  fc.assert(
    fc.property(scenario, ({ name, path, value }) => {
      const event = lambdaEvent(name);
      replace(event, path, value);
      try {
        const read = readEvent(invocation(event), config);
        if (read.kind === 'http') requests++;
        if (read.kind !== 'jobs') return;
        for (const job of read.jobs.lanes.flat()) {
          assert.ok(job.id !== '' && job.name !== '');
          jobs++;
        }
      } catch (thrown) {
        assert.ok(isRrtsError(thrown), String(thrown));
      }
    }),
    { numRuns: 2000 },
  );
  t.diagnostic(`${jobs} jobs and ${requests} requests of 2000 broken events`);
});

/** Puts `value` where a walk through the keys by number leads. */
function replace(tree: object, path: readonly number[], value: unknown): void {
  const entries = tree as Record<string, unknown>;
  const keys = Object.keys(entries);
  const [first = 0, ...rest] = path;
  const key = keys[first % keys.length];
  if (key === undefined) return;
  const child = entries[key];
  if (rest.length > 0 && typeof child === 'object' && child !== null) replace(child, rest, value);
  else entries[key] = value;
}

test('time: half a second for the report, half of a very short time', () => {
  const rows: readonly [left: number, runMs: number, reportMs: number][] = [
    [30_000, 29_500, 29_800],
    [1000, 500, 800],
    [400, 200, 300],
    [-5, 0, 0],
  ];
  for (const [left, runMs, reportMs] of rows)
    assert.deepEqual(timeLeft(1_000_000 + left, 1_000_000), { runMs, reportMs });
  assert.equal(timeLeft(0, 5).runMs, 899_500);
});

test('groups are in order in FIFO queues only: elsewhere one that fails takes no other with it', () => {
  const lanesOf = (event: unknown): number => {
    const read = readEvent(invocation(event), config);
    return read.kind === 'jobs' ? read.jobs.lanes.length : 0;
  };
  const fifo = JSON.stringify(lambdaEvent('sqs-fifo'));
  const records = JSON.parse(fifo).Records.length;
  assert.ok(lanesOf(JSON.parse(fifo)) < records);
  assert.equal(lanesOf(JSON.parse(fifo.replaceAll('.fifo', ''))), records);
});

test('a schedule of EventBridge Scheduler is one, and may keep the function warm', () => {
  const arn = 'arn:aws:scheduler:eu-central-1:123456789012:schedule/default/nightly';
  const event = { ...lambdaEvent('schedule'), source: 'aws.scheduler', resources: [arn], detail: '{}' };
  assert.equal(kindOf(event), 'schedule');
  assert.equal(readEvent(invocation(event), { ...config, warmup: [arn] }).kind, 'warmup');
});
