// The load generator of the faults suite: many keep-alive connections, and every answer is checked against its request.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Dispatcher, Pool } from 'undici';
import type { ServerProcess } from '../../helpers/start-server.ts';
import { pick } from './length.ts';

/** One request to the standard app (test/fixtures/php/lib/faults.php). */
export interface Wish {
  /** Default: GET. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH';
  /** Default: /do. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The status it shall get; any other counts as failed. Default: 200. */
  readonly expect?: number;
}

/** How far a load is. */
export interface Progress {
  readonly begun: number;
  readonly ms: number;
}

/** A load to make. */
export interface LoadOptions {
  /** Keep-alive connections, each with one request at a time. */
  readonly connections: number;
  /** A number of requests, or a function that says whether another one shall begin. */
  readonly until: number | ((progress: Progress) => boolean);
  /** The request of a number. Default: GET /do. */
  readonly make?: (index: number) => Wish;
  /** Begins the ids, which are unique within one load: `r0`, `r1` ... */
  readonly prefix?: string;
  /** Ends it early: what runs is let finish. */
  readonly signal?: AbortSignal;
  /** Longest wait for the head of an answer. Default: 30 s. */
  readonly timeoutMs?: number;
  /** Called after each answer. */
  readonly onAnswer?: (answer: LoadAnswer) => void;
}

/** One answer, or the error that came instead. */
export interface LoadAnswer {
  readonly id: string;
  readonly index: number;
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly ms: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What a load did and met. */
export class LoadResult {
  /** How often each status came. */
  readonly statuses = new Map<number, number>();
  /** How often each kind of broken connection came. */
  readonly errors = new Map<string, number>();
  /** Ids whose answer was not the expected one, with what came. */
  readonly failed: string[] = [];
  /** Ids whose answer belonged to another request, or had another body's hash. Never allowed. */
  readonly mixedUp: string[] = [];
  /** Ids of the requests that were answered with 200. */
  readonly served = new Set<string>();
  readonly latencies: number[] = [];
  begun = 0;
  ms = 0;

  /** Milliseconds below which this part of all answers came; 0 when there were none. */
  percentile(part: number): number {
    const sorted = Float64Array.from(this.latencies).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  }

  /** Requests for each second. */
  get rate(): number {
    return (this.begun * 1000) / Math.max(1, this.ms);
  }

  count(status: number): number {
    return this.statuses.get(status) ?? 0;
  }

  /** For {@link report}. */
  facts(): Record<string, number | string> {
    const statuses = [...this.statuses, ...this.errors].map(([key, count]) => `${key}: ${count}`);
    return {
      requests: this.begun,
      answers: `{${statuses.join(' ')}}`,
      seconds: this.ms / 1000,
      p50: `${this.percentile(0.5).toFixed(1)} ms`,
      p99: `${this.percentile(0.99).toFixed(1)} ms`,
    };
  }

  /** Every answer belongs to its request; call it whatever else the test expects. */
  assertNoMixUp(): void {
    assert.deepEqual(this.mixedUp.slice(0, 10), [], `${this.mixedUp.length} answers were not those of their request`);
  }

  /** Every request got what it expected. */
  assertAllAsExpected(more = ''): void {
    this.assertNoMixUp();
    assert.deepEqual(this.failed.slice(0, 10), [], `${this.failed.length} of ${this.begun} requests failed\n${more}`);
  }
}

/** Longest time of a load: one that waits for what does not come any more must not run for ever. */
const LONGEST_MS = pick(4, 20) * 60_000;

/** Runs a load to its end. Rejects only when that does not come; what answers there were is in the result. */
export async function runLoad(server: Pick<ServerProcess, 'url'>, options: LoadOptions): Promise<LoadResult> {
  const { connections, until, timeoutMs = 30_000 } = options;
  const goOn = typeof until === 'number' ? ({ begun }: Progress) => begun < until : until;
  const result = new LoadResult();
  const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const pool = new Pool(server.url, { connections, pipelining: 1, ...timeouts });
  const begin = performance.now();
  const lane = async () => {
    while (options.signal?.aborted !== true && goOn({ begun: result.begun, ms: performance.now() - begin })) {
      const index = result.begun++;
      const wish = options.make?.(index) ?? {};
      const answer = await send(pool, `${options.prefix ?? 'r'}${index}`, index, wish);
      record(result, wish, answer);
      options.onAnswer?.(answer);
      if (performance.now() - begin > LONGEST_MS) throw new Error(`the load did not end within ${LONGEST_MS} ms`);
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  result.ms = performance.now() - begin;
  await pool.destroy();
  return result;
}

async function send(pool: Dispatcher, id: string, index: number, wish: Wish): Promise<LoadAnswer> {
  const begin = performance.now();
  try {
    const response = await pool.request({
      path: wish.path ?? '/do',
      method: wish.method ?? 'GET',
      headers: { ...wish.headers, 'x-id': id },
      body: wish.body ?? null,
    });
    const text = await response.body.text();
    const { statusCode: status, headers } = response;
    return { id, index, status, error: undefined, ms: performance.now() - begin, headers, text };
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return {
      id,
      index,
      status: undefined,
      error: code ?? message,
      ms: performance.now() - begin,
      headers: {},
      text: '',
    };
  }
}

function record(result: LoadResult, wish: Wish, answer: LoadAnswer): void {
  const { id, status, error } = answer;
  result.latencies.push(answer.ms);
  if (status === undefined) add(result.errors, error ?? 'unknown');
  else add(result.statuses, status);
  if (status !== (wish.expect ?? 200)) result.failed.push(`${id} ${wish.path ?? ''} ${status ?? error} ${answer.text}`);
  if (status !== 200) return;
  result.served.add(id);
  if (!belongs(answer, wish)) result.mixedUp.push(`${id}: ${answer.text.slice(0, 100)}`);
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** "id pid sha256(body)", and the id in a header too, for answers with a body of another kind. */
function belongs({ id, headers, text }: LoadAnswer, wish: Wish): boolean {
  const header = headers['x-id'];
  if (header === undefined) return false;
  if (header !== id || wish.method === 'HEAD') return header === id;
  const [word, , hash] = text.split(' ');
  return word === id && hash === sha256(wish.body ?? '');
}

const hashes = new Map<string, string>();

/** Loads send the same few bodies over and over. */
function sha256(body: string | Buffer): string {
  const key = typeof body === 'string' ? body : body.toString('latin1');
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(body).digest('hex');
  if (hashes.size < 1000) hashes.set(key, hash);
  return hash;
}
