// Events of queues, topics, buckets, buses and streams run as jobs under rrts lambda, in real PHP workers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf, getEvent, resultOf, startLambdaApp } from '../helpers/lambda-app.ts';
import { lambdaEvent } from '../helpers/lambda-runtime.ts';

interface Failures {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

const identifiers = ({ batchItemFailures }: Failures): string[] =>
  batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
const text = (payload: string): string => Buffer.from(payload, 'base64').toString();
const rule = 'arn:aws:events:eu-central-1:123456789012:rule';

test('events of other services run as jobs, with partial batch failures', async (t) => {
  const app = await startLambdaApp(t, {
    jobs: {},
    lambda: {
      jobs: { s3: 'App\\Resize', [`${rule}/orders`]: 'App\\OrderPlaced', invoke: 'App\\Command' },
      warmup: [`${rule}/warm`],
    },
  });
  const { runtime, process } = app;

  await t.test('SQS: the records that failed are named', async () => {
    const failures = resultOf<Failures>(await runtime.invoke(lambdaEvent('sqs')));
    assert.deepEqual(identifiers(failures), ['2e1424d4-f796-459a-8184-9c92662be6da']);
    const [first, , third] = app.jobs();
    assert.equal(first?.job, 'aws:sqs');
    assert.equal(text(first?.payload ?? ''), '{"order":1}');
    assert.deepEqual(first?.headers['lambda-arn'], ['arn:aws:sqs:eu-central-1:123456789012:orders']);
    assert.deepEqual(first?.headers['lambda-receive-count'], ['1']);
    assert.deepEqual([third?.job, third?.headers['tenant']], ['App\\Ship', ['acme']]);
  });

  await t.test('SQS: nothing failed; all failed', async () => {
    const { Records } = lambdaEvent('sqs') as { Records: object[] };
    assert.deepEqual(identifiers(resultOf(await runtime.invoke({ Records: [Records[0]] }))), []);
    const error = errorOf(await runtime.invoke({ Records: [Records[1]] }));
    assert.deepEqual(
      [error.errorType, error.errorMessage],
      ['ERR_LAMBDA_JOB', 'the job aws:sqs failed: it failed on purpose'],
    );
  });

  await t.test('SQS FIFO: behind a failure its group waits, other groups go on', async () => {
    const before = app.jobs().length;
    assert.deepEqual(identifiers(resultOf(await runtime.invoke(lambdaEvent('sqs-fifo')))), ['m2', 'm4']);
    const ran = app
      .jobs()
      .slice(before)
      .map(({ id }) => id);
    assert.deepEqual(ran, ['m1', 'm2', 'm3', 'm5']);
  });

  await t.test('Kinesis and DynamoDB: in order, up to the first failure', async () => {
    const before = app.jobs().length;
    const failures = resultOf<Failures>(await runtime.invoke(lambdaEvent('kinesis')));
    assert.deepEqual(identifiers(failures), ['49590338271490256608559692538361571095921575989136588899']);
    assert.deepEqual(
      app
        .jobs()
        .slice(before)
        .map(({ payload }) => text(payload)),
      ['first', 'fail'],
    );
    assert.deepEqual(identifiers(resultOf(await runtime.invoke(lambdaEvent('dynamodb')))), []);
    const [insert] = app.jobs().slice(before + 2);
    assert.deepEqual(
      [insert?.job, insert?.headers['lambda-event'], JSON.parse(text(insert?.payload ?? '')).dynamodb.SequenceNumber],
      ['aws:dynamodb', ['INSERT'], '111'],
    );
  });

  await t.test('SNS, S3, EventBridge, schedules and direct invocations', async () => {
    const before = app.jobs().length;
    for (const name of ['sns', 's3', 'eventbridge', 'schedule']) {
      assert.equal((await runtime.invoke(lambdaEvent(name))).body.toString(), 'null', name);
    }
    await runtime.invoke({ command: 'import' });
    const [sns, s3, bus, schedule, direct] = app.jobs().slice(before);
    assert.deepEqual(
      [sns?.job, text(sns?.payload ?? ''), sns?.headers['Test']],
      ['aws:sns', 'Hello from SNS!', ['TestString']],
    );
    assert.deepEqual([s3?.job, s3?.headers['lambda-key']], ['App\\Resize', ['photos/b%C3%BCro.jpg']]);
    assert.deepEqual([bus?.job, JSON.parse(text(bus?.payload ?? '')).detail], ['App\\OrderPlaced', { order: 7 }]);
    assert.equal(schedule?.job, 'aws:schedule');
    assert.deepEqual([direct?.job, text(direct?.payload ?? '')], ['App\\Command', '{"command":"import"}']);
    const warm = await runtime.invoke({ ...lambdaEvent('schedule'), resources: [`${rule}/warm`] });
    assert.equal(warm.body.toString(), 'null');
    assert.equal(app.jobs().length, before + 5);
  });

  await t.test('HTTP events go to the http workers all the same', async () => {
    assert.equal(resultOf<{ statusCode: number }>(await runtime.invoke(getEvent('/pid'))).statusCode, 200);
  });

  assert.deepEqual(runtime.unexpected, []);
  t.diagnostic(`${app.jobs().length} jobs`);
  await process.stop();
});

test('without partial_failures a batch fails as a whole; an HTTP event without http: is one clear error', async (t) => {
  const app = await startLambdaApp(t, { jobs: {}, http: null, lambda: { partial_failures: false } });
  const error = errorOf(await app.runtime.invoke(lambdaEvent('sqs')));
  assert.match(error.errorMessage, /aws:sqs failed: it failed on purpose \(1 of 3 failed\)$/);
  assert.match(errorOf(await app.runtime.invoke(getEvent('/'))).errorMessage, /no http: section/);
  await app.process.stop();
});
