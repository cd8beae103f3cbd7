// Ordinary HTTP requests to a test server, and many of them at once.

import { Agent, type Dispatcher, request as send } from 'undici';
import type { ServerProcess } from './start-server.ts';

/** A request; GET when nothing is said. */
export interface RequestWish {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

/** A complete answer. */
export interface Answer {
  readonly status: number;
  /** Names in lower case; several values are a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly trailers: Readonly<Record<string, string>>;
  readonly ms: number;
}

/** Sends one request on a connection of its own and waits for all of the answer. */
export async function ask(server: Pick<ServerProcess, 'url'>, path: string, wish: RequestWish = {}): Promise<Answer> {
  const agent = new Agent({ pipelining: 0, headersTimeout: 30_000, bodyTimeout: 30_000 });
  try {
    return await askThrough(agent, server, path, wish);
  } finally {
    await agent.destroy();
  }
}

/** The same through a given dispatcher, which keeps its connections. */
export async function askThrough(
  dispatcher: Dispatcher,
  server: Pick<ServerProcess, 'url'>,
  path: string,
  wish: RequestWish = {},
): Promise<Answer> {
  const begin = performance.now();
  const response = await send(`${server.url}${path}`, {
    dispatcher,
    method: (wish.method ?? 'GET') as Dispatcher.HttpMethod,
    headers: wish.headers ?? null,
    body: wish.body ?? null,
    signal: wish.signal ?? null,
  });
  const text = await response.body.text();
  const ms = performance.now() - begin;
  return { status: response.statusCode, headers: response.headers, text, trailers: response.trailers, ms };
}

/** The body of an answer as JSON. */
export async function askJson<T>(server: Pick<ServerProcess, 'url'>, path: string, wish: RequestWish = {}): Promise<T> {
  const answer = await ask(server, path, wish);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text);
}

/** What a load did. */
export interface LoadResult {
  /** How often each status came; `error` counts connections that broke. */
  readonly statuses: ReadonlyMap<number | 'error', number>;
  /** Answers that were not those of their request. */
  readonly mixedUp: number;
  readonly ms: number;
}

/** A load: `total` requests over `connections` keep-alive connections. `make` gives the request and the body it must get. */
export interface LoadWish {
  readonly total: number;
  readonly connections: number;
  make(index: number): { path: string; expect?: string; wish?: RequestWish };
}

/** Runs a load to its end. */
export async function load(
  server: Pick<ServerProcess, 'url'>,
  { total, connections, make }: LoadWish,
): Promise<LoadResult> {
  const agent = new Agent({ connections, pipelining: 1, headersTimeout: 30_000, bodyTimeout: 30_000 });
  const statuses = new Map<number | 'error', number>();
  const count = (key: number | 'error') => statuses.set(key, (statuses.get(key) ?? 0) + 1);
  const begin = performance.now();
  let next = 0;
  let mixedUp = 0;
  const lane = async () => {
    while (next < total) {
      const { path, expect, wish } = make(next++);
      try {
        const answer = await askThrough(agent, server, path, wish);
        count(answer.status);
        if (answer.status === 200 && expect !== undefined && answer.text !== expect) mixedUp++;
      } catch {
        count('error');
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  await agent.destroy();
  return { statuses, mixedUp, ms: performance.now() - begin };
}
