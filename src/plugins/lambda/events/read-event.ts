// Tells what kind of event came. Pure.

import { messageOf, RrtsError } from '../../../core/errors.ts';
import type { LambdaConfig } from '../config.ts';
import type { Invocation } from '../invocation.ts';
import { httpRequestOf } from './http-events.ts';
import { type EventRequest, isTree } from './http-request.ts';
import { type JobEvent, jobEventOf, scheduleRules } from './job-events.ts';

/** An event that was understood. `warmup` asks for nothing but an answer. */
export type LambdaEvent =
  | { readonly kind: 'http'; readonly request: EventRequest }
  | { readonly kind: 'jobs'; readonly jobs: JobEvent }
  | { readonly kind: 'warmup' };

/** @throws RrtsError ERR_LAMBDA_EVENT for bytes that are not JSON. */
export function readEvent(invocation: Invocation, config: Pick<LambdaConfig, 'jobs' | 'warmup'>): LambdaEvent {
  const event = parse(invocation.event);
  if (isTree(event)) {
    if (event['warmer'] === true) return { kind: 'warmup' };
    const rules = scheduleRules(event) ?? [];
    if (rules.some((rule) => config.warmup.includes(rule))) return { kind: 'warmup' };
    const request = httpRequestOf(event);
    if (request !== undefined) return { kind: 'http', request };
  }
  return { kind: 'jobs', jobs: jobEventOf(event, invocation.event, invocation.id, config.jobs) };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (thrown) {
    throw new RrtsError('ERR_LAMBDA_EVENT', `the event is not JSON: ${messageOf(thrown)}`);
  }
}
