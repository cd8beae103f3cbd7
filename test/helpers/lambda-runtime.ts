// An emulator of Lambda's Runtime API: hands out events, takes what is answered, and fails when it is told to.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ROOT } from './paths.ts';
import { type ConfigTree, mergeConfig, type ServerProcess, spawnWithYaml } from './start-server.ts';
import { within } from './wait-for.ts';

const PREFIX = '/2018-06-01/runtime';
/** The limit of the real one. */
const MAX_RESPONSE = 6 * 1024 * 1024 + 100;

/** What the function has answered for one event. */
export interface Answered {
  readonly kind: 'response' | 'error';
  readonly headers: IncomingMessage['headers'];
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
  /** True when it came with Lambda-Runtime-Function-Response-Mode: streaming. */
  readonly streamed: boolean;
  /** When its first byte was there, in milliseconds of `performance.now()`. */
  readonly firstByteAt: number;
  readonly endedAt: number;
}

/** How an event is handed out. */
export interface EventOptions {
  /** Milliseconds until the deadline. Default: 30 s. */
  readonly timeoutMs?: number;
  readonly traceId?: string;
}

/** What the API does instead of its work. */
export type Fault = 'status500' | 'close';

interface Waiting {
  readonly id: string;
  readonly event: Buffer;
  readonly options: EventOptions;
  readonly settle: (answered: Answered) => void;
}

/** A Runtime API on a port of its own. */
export class LambdaRuntime {
  readonly address: string;
  /** Bodies of /init/error. */
  readonly initErrors: Record<string, unknown>[] = [];
  /** How often the next event was asked for, faults included. */
  asked = 0;
  /** Answers for events that nobody waits for: reported twice, or never handed out. */
  readonly unexpected: string[] = [];
  readonly #server: ReturnType<typeof createServer>;
  readonly #events: Waiting[] = [];
  readonly #polls: ServerResponse[] = [];
  readonly #running = new Map<string, Waiting>();
  #nextFaults: Fault[] = [];
  #reportFaults: Fault[] = [];

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<LambdaRuntime> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LambdaRuntime(server);
  }

  /** Hands out an event; settles with what the function answers. */
  invoke(event: unknown, options: EventOptions = {}): Promise<Answered> {
    const bytes = Buffer.isBuffer(event) ? event : Buffer.from(JSON.stringify(event));
    const answered = new Promise<Answered>((settle) => {
      this.#events.push({ id: randomUUID(), event: bytes, options, settle });
    });
    this.#handOut();
    return within(answered, (options.timeoutMs ?? 30_000) + 5000, 'an answer of the function');
  }

  /** The next requests for an event fail so. */
  failNext(...faults: Fault[]): void {
    this.#nextFaults.push(...faults);
  }

  /** The next reports fail so. */
  failReports(...faults: Fault[]): void {
    this.#reportFaults.push(...faults);
  }

  /** True while the function waits for an event. */
  get polled(): boolean {
    return this.#polls.some((poll) => !poll.destroyed);
  }

  /** Events that were handed out and not answered. */
  get running(): number {
    return this.#running.size;
  }

  /** Cuts every connection and refuses new ones. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    const path = request.url ?? '';
    if (request.method === 'GET' && path === `${PREFIX}/invocation/next`) {
      this.asked++;
      if (!fail(this.#nextFaults.shift(), request, response)) this.#polls.push(response);
      this.#handOut();
      return;
    }
    const parts: Buffer[] = [];
    let firstByteAt = 0;
    for await (const part of request) {
      firstByteAt ||= performance.now();
      parts.push(part);
    }
    if (fail(this.#reportFaults.shift(), request, response)) return;
    const body = Buffer.concat(parts);
    if (path === `${PREFIX}/init/error`) {
      this.initErrors.push(JSON.parse(body.toString()));
      send(response, 202, { status: 'OK' });
      return;
    }
    this.#take({ request, path, body, firstByteAt }, response);
  }

  #take(
    { request, path, body, firstByteAt }: { request: IncomingMessage; path: string; body: Buffer; firstByteAt: number },
    response: ServerResponse,
  ): void {
    const [, id = '', kind = ''] = /\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    const waiting = this.#running.get(id);
    if (waiting === undefined || (kind !== 'response' && kind !== 'error')) {
      this.unexpected.push(path);
      send(response, 403, { errorType: 'InvalidRequestID', errorMessage: 'no such invocation' });
      return;
    }
    const streamed = request.headers['lambda-runtime-function-response-mode'] === 'streaming';
    if (!streamed && body.length > MAX_RESPONSE) {
      send(response, 413, {
        errorType: 'RequestEntityTooLarge',
        errorMessage: 'exceeded maximum allowed payload size',
      });
      return;
    }
    this.#running.delete(id);
    send(response, 202, { status: 'OK' });
    const { headers, trailers } = request;
    waiting.settle({ kind, headers, trailers, body, streamed, firstByteAt, endedAt: performance.now() });
  }

  #handOut(): void {
    while (this.#events.length > 0) {
      const poll = this.#polls.shift();
      if (poll === undefined) return;
      if (poll.destroyed) continue;
      const waiting = this.#events.shift() as Waiting;
      this.#running.set(waiting.id, waiting);
      poll.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': waiting.id,
        'lambda-runtime-deadline-ms': String(Date.now() + (waiting.options.timeoutMs ?? 30_000)),
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:123456789012:function:test',
        ...(waiting.options.traceId === undefined ? {} : { 'lambda-runtime-trace-id': waiting.options.traceId }),
      });
      poll.end(waiting.event);
    }
  }
}

function fail(fault: Fault | undefined, request: IncomingMessage, response: ServerResponse): boolean {
  if (fault === 'status500') send(response, 500, { errorType: 'InternalError', errorMessage: 'on demand' });
  else if (fault === 'close') request.socket.destroy();
  return fault !== undefined;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** A recorded event. */
export function lambdaEvent(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, 'test/fixtures/lambda', `${name}.json`), 'utf8'));
}

/** Starts `rrts lambda` with an emulator of its own; waits for nothing. */
export async function startLambda(config: ConfigTree): Promise<{ runtime: LambdaRuntime; process: ServerProcess }> {
  const runtime = await LambdaRuntime.start();
  const base = { version: '3', logs: { level: 'debug', encoding: 'json' } };
  const process = spawnWithYaml(stringify(mergeConfig(base, config)), {
    subcommand: 'lambda',
    environment: { AWS_LAMBDA_RUNTIME_API: runtime.address, _HANDLER: 'app', LAMBDA_TASK_ROOT: ROOT },
  });
  return { runtime, process };
}
