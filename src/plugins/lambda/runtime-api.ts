// The client of Lambda's Runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Invocation } from './invocation.ts';

const PREFIX = '/2018-06-01/runtime';
/** Pauses before another try; after the last one the API counts as gone. Lambda starts a new environment when this process ends. */
const PAUSES_MS = [100, 200, 400, 800, 1600, 3200];
/** Longest wait for the answer to a report: the API is on the same machine, but it takes 6 MB. */
const REPORT_TIMEOUT_MS = 10_000;
const TOO_LARGE = 413;
const STREAM_TYPE = 'application/vnd.awslambda.http-integration-response';
/** What parts the head of a streamed response from its body. */
const STREAM_SEPARATOR = Buffer.alloc(8);

/** An error as Lambda shows it. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace: readonly string[];
}

/** What became of an answer. */
export type Reported = 'taken' | 'too_large' | 'refused';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Report {
  readonly path: string;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Speaks with the Runtime API over one connection. */
export class RuntimeApi {
  readonly #host: string;
  readonly #port: number;
  readonly #logger: Logger;
  readonly #agent = new Agent({ keepAlive: true });

  /** @param address - AWS_LAMBDA_RUNTIME_API: `127.0.0.1:9001`. */
  constructor(address: string, logger: Logger) {
    const [host = '', port = '80'] = address.split(':');
    this.#host = host;
    this.#port = Number(port);
    this.#logger = logger;
  }

  /**
   * Waits for the next invocation, for as long as it takes; undefined once `signal` has aborted. One that has begun to arrive is not given up.
   * @throws RrtsError ERR_LAMBDA_API when the API fails again and again.
   */
  async next(signal: AbortSignal): Promise<Invocation | undefined> {
    const what = 'ask for the next event';
    return await this.#patiently(what, signal, async () => {
      const { status, headers, body } = await this.#exchange('GET', '/invocation/next', { signal });
      if (status !== 200) throw new Error(`it answered ${status}${excerpt(body)}`);
      const text = (name: string): string => String(headers[`lambda-runtime-${name}`] ?? '');
      const id = text('aws-request-id');
      if (id === '') throw new Error('its answer has no request id');
      return {
        id,
        event: body,
        deadlineMs: Number(text('deadline-ms')) || 0,
        functionArn: text('invoked-function-arn'),
        traceId: text('trace-id'),
        clientContext: text('client-context'),
        cognitoIdentity: text('cognito-identity'),
      };
    });
  }

  /** Hands in the result of an invocation. @throws RrtsError ERR_LAMBDA_API */
  async respond(id: string, body: string): Promise<Reported> {
    return await this.#report({
      path: `/invocation/${id}/response`,
      body,
      headers: { 'content-type': 'application/json' },
    });
  }

  /** Says that an invocation has failed. @throws RrtsError ERR_LAMBDA_API */
  async fail(id: string, error: FunctionError): Promise<Reported> {
    return await this.#report(errorReport(`/invocation/${id}/error`, error));
  }

  /** Says that the function cannot be started. @throws RrtsError ERR_LAMBDA_API */
  async initError(error: FunctionError): Promise<void> {
    await this.#report(errorReport('/init/error', error));
  }

  /**
   * Hands in a result while it is written. It cannot be tried again. When `source` breaks off, the error that `broken` makes goes into the trailers.
   * @throws Error when the API does not take it.
   */
  async stream(
    id: string,
    prelude: string,
    source: Readable,
    broken: (thrown: unknown) => FunctionError,
  ): Promise<void> {
    const outgoing = this.#open('POST', `/invocation/${id}/response`, {
      'content-type': STREAM_TYPE,
      'lambda-runtime-function-response-mode': 'streaming',
      'transfer-encoding': 'chunked',
      trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    });
    const answered = answerOf(outgoing);
    // An answer before the end, or none: nobody wants the rest.
    const stop = (): void => void source.destroy();
    answered.then(stop, stop);
    outgoing.write(prelude);
    outgoing.write(STREAM_SEPARATOR);
    try {
      await pump(source, outgoing);
    } catch (thrown) {
      if (outgoing.destroyed) throw thrown;
      const error = broken(thrown);
      outgoing.addTrailers({
        'Lambda-Runtime-Function-Error-Type': error.errorType,
        'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(error)).toString('base64'),
      });
    }
    outgoing.end();
    const timer = setTimeout(() => outgoing.destroy(new Error('it does not take the end')), REPORT_TIMEOUT_MS);
    const { status, body } = await answered.finally(() => clearTimeout(timer));
    if (status >= 300) throw new Error(`it answered ${status}${excerpt(body)}`);
  }

  /** Closes the connection. */
  close(): void {
    this.#agent.destroy();
  }

  async #report({ path, body, headers }: Report): Promise<Reported> {
    const reported = await this.#patiently(`report to ${path}`, undefined, async (): Promise<Reported> => {
      const answer = await this.#exchange('POST', path, {
        headers,
        body,
        signal: AbortSignal.timeout(REPORT_TIMEOUT_MS),
      });
      if (answer.status < 300) return 'taken';
      if (answer.status === TOO_LARGE) return 'too_large';
      if (answer.status >= 500) throw new Error(`it answered ${answer.status}${excerpt(answer.body)}`);
      this.#logger.warn({ status: answer.status }, `the Runtime API refused ${path}${excerpt(answer.body)}`);
      return 'refused';
    });
    return reported as Reported;
  }

  /** Tries until it works, with longer pauses each time. */
  async #patiently<T>(
    what: string,
    signal: AbortSignal | undefined,
    attempt: () => Promise<T>,
  ): Promise<T | undefined> {
    for (let failures = 0; ; failures++) {
      try {
        return await attempt();
      } catch (thrown) {
        if (isAborted(signal)) return undefined;
        const pause = PAUSES_MS[failures];
        const message = `the Runtime API at ${this.#host}:${this.#port} failed to ${what}: ${messageOf(thrown)}`;
        if (pause === undefined) throw gone(message, failures + 1, thrown);
        this.#logger.warn({ attempt: failures + 1 }, `${message}; another try in ${pause} ms`);
        await wait(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      }
      if (isAborted(signal)) return undefined;
    }
  }

  async #exchange(
    method: string,
    path: string,
    { headers = {}, body = '', signal }: Partial<Report> & { signal: AbortSignal },
  ): Promise<Answer> {
    const length = method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
    const outgoing = this.#open(method, path, { ...headers, ...length });
    const onAbort = (): void => {
      outgoing.destroy(new Error(method === 'GET' ? 'given up' : `no answer within ${REPORT_TIMEOUT_MS} ms`));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    // From here on somebody counts on this invocation: it is read to its end.
    if (method === 'GET') outgoing.once('response', () => signal.removeEventListener('abort', onAbort));
    try {
      const answered = answerOf(outgoing);
      outgoing.end(body);
      return await answered;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #open(method: string, path: string, headers: Readonly<Record<string, string>>): ClientRequest {
    const { host, port, agent } = { host: this.#host, port: this.#port, agent: this.#agent };
    return request({ host, port, agent, method, path: PREFIX + path, headers: { 'user-agent': 'rrts', ...headers } });
  }
}

function answerOf(outgoing: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
      });
    });
  });
}

/** Writes all of `source`, no faster than it is taken. Rejects when either breaks off. */
async function pump(source: Readable, outgoing: ClientRequest): Promise<void> {
  for await (const part of source) {
    if (outgoing.destroyed) return;
    if (outgoing.write(part)) continue;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        outgoing.off('drain', go);
        outgoing.off('close', go);
        source.off('close', go);
        resolve();
      };
      outgoing.on('drain', go);
      outgoing.on('close', go);
      source.on('close', go);
    });
  }
}

function errorReport(path: string, error: FunctionError): Report {
  return {
    path,
    body: JSON.stringify(error),
    headers: { 'content-type': 'application/json', 'lambda-runtime-function-error-type': error.errorType },
  };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function excerpt(body: Buffer): string {
  return body.length === 0 ? '' : `: ${body.subarray(0, 200).toString()}`;
}

function gone(message: string, attempts: number, cause: unknown): RrtsError {
  return new RrtsError('ERR_LAMBDA_API', `${message} (${attempts} tries)`, {
    cause,
    cure: 'Lambda starts a new environment for the next event.',
  });
}
