// The `lambda:` section: what `rrts lambda` does with events.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';

/** Kinds of events that become jobs, by the names that `lambda.jobs` has for them. */
export const JOB_KINDS = ['sqs', 'sns', 's3', 'eventbridge', 'schedule', 'dynamodb', 'kinesis', 'invoke'] as const;

/** One of the kinds of events that become jobs. */
export type JobKind = (typeof JOB_KINDS)[number];

/** Schema of `lambda:`. */
export const lambdaSchema = z.strictObject({
  jobs: z
    .record(
      z
        .string()
        .refine(
          (key) => key.startsWith('arn:') || (JOB_KINDS as readonly string[]).includes(key),
          `must be an ARN or one of ${JOB_KINDS.join(', ')}`,
        ),
      z.string().min(1).max(1000),
    )
    .default({})
    .describe(
      'Name of the job for events, by the ARN of their queue, topic, bucket, rule or stream, or by their kind: sqs, sns, s3, eventbridge, schedule, dynamodb, kinesis, invoke. Default: aws:sqs and so on, and lambda.invoke.',
    ),
  streaming: z
    .boolean()
    .default(false)
    .describe(
      'Send responses while PHP writes them: for a function URL with InvokeMode RESPONSE_STREAM, and for it alone.',
    ),
  partial_failures: z
    .boolean()
    .default(true)
    .describe(
      'Report the records of SQS, DynamoDB and Kinesis that failed one by one. Their event source mapping needs ReportBatchItemFailures; without it set false, or failed records are lost.',
    ),
  warmup: z
    .array(z.string().startsWith('arn:', 'must be an ARN'))
    .default([])
    .describe('ARNs of rules and schedules whose events only keep the function warm. {"warmer": true} does so always.'),
});

/** `lambda:` as parsed, names in camelCase. */
export type LambdaConfig = CamelCased<z.output<typeof lambdaSchema>>;
