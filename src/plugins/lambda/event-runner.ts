// Runs one invocation: what its event asks for, within its time, and the report of the result.

import { isRrtsError, messageOf, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { LambdaConfig } from './config.ts';
import { httpAnswer, streamPrelude } from './events/http-answer.ts';
import type { EventRequest } from './events/http-request.ts';
import { readEvent } from './events/read-event.ts';
import { askFront, brokenOff, readBody, tooLarge } from './front-client.ts';
import { contextJson, type Invocation } from './invocation.ts';
import { type RunCall, runJobs } from './run-jobs.ts';
import type { FunctionError, RuntimeApi } from './runtime-api.ts';
import { type TimeLeft, timeLeft } from './time-left.ts';

/** What it needs. */
export interface EventRunnerOptions {
  readonly config: LambdaConfig;
  readonly api: RuntimeApi;
  readonly logger: Logger;
  /** Socket of the internal front; undefined when there is no http section. */
  readonly socket: string | undefined;
  readonly runJob: (call: RunCall) => Promise<unknown>;
  /** Workers for jobs. */
  readonly jobWorkers: () => number;
}

/** A `stream` reports its end itself, a failure included. */
type Result =
  | { readonly kind: 'whole'; readonly answer: string }
  | { readonly kind: 'stream'; readonly send: () => Promise<void> };

/** Contexts that are larger than this are left out: they are attributes, and travel in a header. */
const LARGEST_CONTEXT = 100 * 1024;

/** Runs invocations, one after the other. */
export class EventRunner {
  readonly #options: EventRunnerOptions;

  constructor(options: EventRunnerOptions) {
    this.#options = options;
  }

  /** Settles when the result was reported, whatever it is. @throws RrtsError ERR_LAMBDA_API when it cannot be reported. */
  async run(invocation: Invocation): Promise<void> {
    const { api } = this.#options;
    const time = timeLeft(invocation.deadlineMs, Date.now());
    const begun = performance.now();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(outOfTime(time)), time.reportMs);
    const gone = new Promise<never>((_, reject) => {
      late.signal.addEventListener('abort', () => reject(late.signal.reason), { once: true });
    });
    try {
      const result = await Promise.race([this.#resultOf(invocation, time, late.signal), gone]);
      if (result.kind === 'stream') {
        await result.send();
        return;
      }
      const reported = await api.respond(invocation.id, result.answer);
      if (reported === 'too_large') throw tooLarge();
    } catch (thrown) {
      if (isRrtsError(thrown) && thrown.code === 'ERR_LAMBDA_API') throw thrown;
      const error = inTime(thrown, time, performance.now() - begun);
      this.#log(error);
      await api.fail(invocation.id, functionError(error));
    } finally {
      clearTimeout(timer);
    }
  }

  async #resultOf(invocation: Invocation, time: TimeLeft, signal: AbortSignal): Promise<Result> {
    const { config } = this.#options;
    const event = readEvent(invocation, config);
    switch (event.kind) {
      case 'warmup':
        return { kind: 'whole', answer: 'null' };
      case 'http':
        return await this.#http(invocation, event.request, time, signal);
      case 'jobs': {
        const { runJob, jobWorkers, logger } = this.#options;
        const begun = performance.now();
        const left = (): number => Math.round(time.runMs - (performance.now() - begun));
        const { partialFailures } = config;
        const answer = await runJobs(event.jobs, { run: runJob, logger, left, atOnce: jobWorkers(), partialFailures });
        return { kind: 'whole', answer };
      }
    }
  }

  async #http(invocation: Invocation, request: EventRequest, time: TimeLeft, signal: AbortSignal): Promise<Result> {
    const { socket, config, api, logger } = this.#options;
    if (socket === undefined) {
      throw new RrtsError('ERR_LAMBDA_EVENT', 'the event is an HTTP request, and there is no http: section to run it', {
        cure: 'Add http: to the configuration.',
      });
    }
    const scheme = schemeOf(request);
    const remoteAddress = request.remoteAddress || '127.0.0.1';
    const relayed = { remoteAddress, scheme, attributes: attributesOf(invocation, request), timeoutMs: time.runMs };
    const response = await askFront({ socket, request, relayed, signal });
    const head = { status: response.statusCode ?? 500, headers: response.rawHeaders };
    if (!config.streaming) return { kind: 'whole', answer: httpAnswer(request.style, head, await readBody(response)) };
    const broken = (thrown: unknown): FunctionError => {
      const error = signal.aborted ? signal.reason : brokenOff(thrown);
      this.#log(error);
      return functionError(error);
    };
    const send = async (): Promise<void> => {
      try {
        await api.stream(invocation.id, streamPrelude(head), response, broken);
      } catch (thrown) {
        // Its first bytes are out: there is nothing left to report.
        logger.error({}, `a streamed response was not taken: ${messageOf(thrown)}`);
        response.destroy();
      }
    };
    return { kind: 'stream', send };
  }

  #log(error: unknown): void {
    const code = isRrtsError(error) ? { code: error.code } : { err: error };
    this.#options.logger.error(code, `the event failed: ${messageOf(error)}`);
  }
}

/** An error for the Runtime API. Stacks of rrts help nobody. */
export function functionError(error: unknown): FunctionError {
  if (!isRrtsError(error)) return { errorType: 'Error', errorMessage: messageOf(error), stackTrace: [] };
  const { code, message, place, cure } = error;
  const text = [place, message].filter((part) => part !== undefined && part !== '').join(' ');
  return { errorType: code, errorMessage: cure === undefined ? text : `${text}. ${cure}`, stackTrace: [] };
}

function attributesOf(invocation: Invocation, { requestContext }: EventRequest): Record<string, string> {
  return {
    LAMBDA_INVOCATION_CONTEXT: contextJson(invocation),
    ...(requestContext.length <= LARGEST_CONTEXT ? { LAMBDA_REQUEST_CONTEXT: requestContext } : {}),
    ...(invocation.traceId === '' ? {} : { _X_AMZN_TRACE_ID: invocation.traceId }),
  };
}

/** API Gateway and function URLs know only https; a load balancer says. */
function schemeOf({ headers, style }: EventRequest): 'http' | 'https' {
  if (style !== 'alb' && style !== 'alb-multi') return 'https';
  const at = headers.lastIndexOf('x-forwarded-proto');
  return at !== -1 && headers[at + 1] === 'https' ? 'https' : 'http';
}

/** A worker that was killed because the function's time was up is told as that; an `exec_ttl` that is shorter is told as it is. */
function inTime(error: unknown, time: TimeLeft, tookMs: number): unknown {
  if (!isRrtsError(error) || error.code !== 'ERR_WORKER_EXEC_TTL' || tookMs < time.runMs) return error;
  return outOfTime(time, error);
}

function outOfTime({ runMs }: TimeLeft, cause?: unknown): RrtsError {
  return new RrtsError('ERR_LAMBDA_TIMEOUT', `the event was not done within ${runMs} ms; its worker was killed`, {
    cause,
    cure: 'Raise the time-out of the function.',
  });
}
