// Events of queues, topics, buckets, buses and streams as jobs. Pure.

import type { JobKind } from '../config.ts';
import { isTree, type Tree, textIn, treeIn } from './http-request.ts';

/** One record of an event, to be run as a job. */
export interface RecordJob {
  /** Id of the record, which is that of the job. */
  readonly id: string;
  readonly name: string;
  readonly payload: Buffer;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** An event that is one or more jobs. */
export interface JobEvent {
  readonly kind: JobKind;
  /** Jobs of one lane run one after the other, and none after one that failed; lanes run side by side. */
  readonly lanes: readonly (readonly RecordJob[])[];
  /** How failures are reported: each record, the first of a stream, or the whole event. */
  readonly failures: 'each' | 'first' | 'whole';
}

/** `lambda.jobs`: names of jobs by ARN or kind. */
export type JobNames = Readonly<Record<string, string>>;

const DEFAULT_NAMES: Readonly<Record<JobKind, string>> = {
  sqs: 'aws:sqs',
  sns: 'aws:sns',
  s3: 'aws:s3',
  eventbridge: 'aws:eventbridge',
  schedule: 'aws:schedule',
  dynamodb: 'aws:dynamodb',
  kinesis: 'aws:kinesis',
  invoke: 'lambda.invoke',
};

/** Message attribute of SQS with the name of the job. RoadRunner's SQS driver writes it. */
const NAME_ATTRIBUTE = 'rr_job';

/** Sources of records. */
const RECORD_KINDS: Readonly<Record<string, JobKind>> = {
  'aws:sqs': 'sqs',
  'aws:sns': 'sns',
  'aws:s3': 's3',
  'aws:dynamodb': 'dynamodb',
  'aws:kinesis': 'kinesis',
};

/**
 * The jobs of an event. Any JSON is one: what is of no known kind is a direct invocation.
 * @param bytes - the event as it came.
 * @param id - id of the invocation: that of the job where the event has none of its own.
 */
export function jobEventOf(event: unknown, bytes: Buffer, id: string, names: JobNames): JobEvent {
  const records = isTree(event) && Array.isArray(event['Records']) ? event['Records'].filter(isTree) : [];
  const [first] = records;
  const kind =
    first === undefined ? undefined : RECORD_KINDS[textIn(first, 'eventSource') || textIn(first, 'EventSource')];
  if (kind !== undefined) return recordsEvent(kind, records, id, names);
  if (isTree(event) && 'detail-type' in event && 'source' in event) return busEvent(event, bytes, id, names);
  const job = {
    id,
    name: nameOf('invoke', [], names),
    payload: bytes,
    headers: headersOf({ kind: 'invoke', request: id }),
  };
  return { kind: 'invoke', lanes: [[job]], failures: 'whole' };
}

/** EventBridge's rules, and its Scheduler where a schedule has no input of its own. */
const SCHEDULERS: ReadonlySet<string> = new Set(['aws.events', 'aws.scheduler']);

/** ARNs of the rules or schedules that sent a scheduled event; undefined for an event of another kind. */
export function scheduleRules(event: Tree): readonly string[] | undefined {
  if (!SCHEDULERS.has(textIn(event, 'source')) || textIn(event, 'detail-type') !== 'Scheduled Event') return undefined;
  return textsIn(event, 'resources');
}

function busEvent(event: Tree, payload: Buffer, id: string, names: JobNames): JobEvent {
  const kind = scheduleRules(event) === undefined ? 'eventbridge' : 'schedule';
  const resources = textsIn(event, 'resources');
  const job: RecordJob = {
    id: textIn(event, 'id') || id,
    name: nameOf(kind, resources, names),
    payload,
    headers: headersOf({
      kind,
      request: id,
      source: textIn(event, 'source'),
      'detail-type': textIn(event, 'detail-type'),
      arn: resources[0],
    }),
  };
  return { kind, lanes: [[job]], failures: 'whole' };
}

function recordsEvent(kind: JobKind, records: readonly Tree[], request: string, names: JobNames): JobEvent {
  const jobs = records.map((record, index) => recordJob(kind, record, `${request}-${index}`, { request, names }));
  if (kind === 'dynamodb' || kind === 'kinesis') return { kind, lanes: [jobs], failures: 'first' };
  if (kind !== 'sqs') return { kind, lanes: jobs.map((job) => [job]), failures: 'whole' };
  const lanes = new Map<string, RecordJob[]>();
  for (const [index, job] of jobs.entries()) {
    // Messages of one group of a FIFO queue keep their order. Those of other queues have none: there a group is for a fair share only.
    const isOrdered = textIn(records[index], 'eventSourceARN').endsWith('.fifo');
    const group = isOrdered ? textIn(treeIn(records[index], 'attributes'), 'MessageGroupId') : '';
    const key = group === '' ? `#${index}` : `group ${group}`;
    const lane = lanes.get(key);
    if (lane === undefined) lanes.set(key, [job]);
    else lane.push(job);
  }
  return { kind, lanes: [...lanes.values()], failures: 'each' };
}

interface Surroundings {
  readonly request: string;
  readonly names: JobNames;
}

function recordJob(kind: JobKind, record: Tree, otherId: string, { request, names }: Surroundings): RecordJob {
  const known = READERS[kind]?.(record) ?? { id: '', arn: '', payload: Buffer.alloc(0), headers: {} };
  const attributes = known.attributes ?? {};
  const asked = attributes[NAME_ATTRIBUTE]?.[0];
  return {
    id: known.id || otherId,
    name: names[known.arn] ?? asked ?? nameOf(kind, [], names),
    payload: known.payload,
    headers: { ...attributes, ...headersOf({ kind, request, arn: known.arn, ...known.headers }) },
  };
}

interface KnownRecord {
  readonly id: string;
  readonly arn: string;
  readonly payload: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
}

const READERS: Readonly<Partial<Record<JobKind, (record: Tree) => KnownRecord>>> = {
  sqs: (record) => {
    const attributes = treeIn(record, 'attributes');
    return {
      id: textIn(record, 'messageId'),
      arn: textIn(record, 'eventSourceARN'),
      payload: Buffer.from(textIn(record, 'body')),
      headers: {
        'receive-count': textIn(attributes, 'ApproximateReceiveCount'),
        group: textIn(attributes, 'MessageGroupId'),
      },
      attributes: attributesOf(treeIn(record, 'messageAttributes'), 'stringValue', 'binaryValue'),
    };
  },
  sns: (record) => {
    const sns = treeIn(record, 'Sns');
    return {
      id: textIn(sns, 'MessageId'),
      arn: textIn(sns, 'TopicArn'),
      payload: Buffer.from(textIn(sns, 'Message')),
      headers: { subject: textIn(sns, 'Subject') },
      attributes: attributesOf(treeIn(sns, 'MessageAttributes'), 'Value', ''),
    };
  },
  s3: (record) => {
    const s3 = treeIn(record, 's3');
    return {
      id: '',
      arn: textIn(treeIn(s3, 'bucket'), 'arn'),
      payload: Buffer.from(JSON.stringify(record)),
      headers: { event: textIn(record, 'eventName'), key: textIn(treeIn(s3, 'object'), 'key') },
    };
  },
  dynamodb: (record) => ({
    id: textIn(treeIn(record, 'dynamodb'), 'SequenceNumber'),
    arn: textIn(record, 'eventSourceARN'),
    payload: Buffer.from(JSON.stringify(record)),
    headers: { event: textIn(record, 'eventName') },
  }),
  kinesis: (record) => {
    const kinesis = treeIn(record, 'kinesis');
    return {
      id: textIn(kinesis, 'sequenceNumber'),
      arn: textIn(record, 'eventSourceARN'),
      payload: Buffer.from(textIn(kinesis, 'data'), 'base64'),
      headers: { 'partition-key': textIn(kinesis, 'partitionKey') },
    };
  },
};

function nameOf(kind: JobKind, arns: readonly string[], names: JobNames): string {
  const arn = arns.find((one) => names[one] !== undefined);
  return (arn === undefined ? undefined : names[arn]) ?? names[kind] ?? DEFAULT_NAMES[kind];
}

/** Headers of a job: `lambda-` and the name. Those without a value are left out. */
function headersOf(values: Readonly<Record<string, string | undefined>>): Record<string, readonly string[]> {
  const there = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(there.map(([name, value]) => [`lambda-${name}`, [value as string]]));
}

/** Message attributes: bytes travel as base64 and stay so. */
function attributesOf(attributes: Tree, key: string, otherKey: string): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, attribute]) => {
      const value = textIn(attribute, key) || textIn(attribute, otherKey);
      return value === '' ? [] : [[name, [value]]];
    }),
  );
}

function textsIn(tree: Tree, key: string): readonly string[] {
  const list = tree[key];
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
}
