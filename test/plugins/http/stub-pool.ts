// A pool without PHP: keeps what was submitted and lets the test answer.

import type { RrtsError } from '../../../src/core/errors.ts';
import type { HttpExchange } from '../../../src/plugins/http/http-exchange.ts';
import type { RequestPool } from '../../../src/plugins/http/services.ts';
import type { PoolRequest } from '../../../src/pool/request.ts';
import { FLAG } from '../../../src/protocol/frame.ts';

const EMPTY = Buffer.alloc(0);

/** Answers submitted requests with `answer`, at once; without it the test answers them itself. */
export class StubPool implements RequestPool {
  /** Every request that would have reached PHP. */
  readonly submitted: HttpExchange[] = [];
  readonly cancelled: HttpExchange[] = [];
  resumed = 0;
  answer: ((request: HttpExchange) => void) | undefined;
  readonly #waiters: (() => void)[] = [];

  submit(request: PoolRequest): void {
    const exchange = request as HttpExchange;
    exchange.queuedAt = performance.now();
    exchange.startedAt = exchange.queuedAt;
    exchange.encode('json');
    this.submitted.push(exchange);
    this.answer?.(exchange);
    this.#notify();
  }

  cancel(request: PoolRequest): void {
    request.cancelled = true;
    this.cancelled.push(request as HttpExchange);
    this.#notify();
  }

  resume(): void {
    this.resumed++;
    this.#notify();
  }

  /** Settles when `condition` holds; looked at after each call to the pool. Fails after 20 s. */
  async until(condition: (pool: StubPool) => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!condition(this)) {
      await new Promise<void>((resolve, reject) => {
        const text = `the pool was not asked in time: ${this.submitted.length} submitted, ${this.cancelled.length} cancelled`;
        const timer = setTimeout(() => reject(new Error(text)), Math.max(0, deadline - Date.now()));
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #notify(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

/** Answers in one frame, as a worker with the RoadRunner packages would. */
export function reply(
  request: HttpExchange,
  status: number,
  headers: Record<string, string[]>,
  body: string | Buffer,
): void {
  part(request, status, headers, body, true);
  if (!request.cancelled) request.onDone();
}

/** One part of a streamed answer; the first has status and headers. */
export function part(
  request: HttpExchange,
  status: number,
  headers: Record<string, string[]> | undefined,
  body: string | Buffer,
  last: boolean,
): boolean {
  const head = headers === undefined ? EMPTY : Buffer.from(JSON.stringify({ status, headers }));
  request.replyStarted = true;
  return request.onReply(head, Buffer.from(body), FLAG.JSON, last);
}

/** Fails a request. */
export function fail(request: HttpExchange, error: RrtsError): void {
  request.onFailure(error);
}
