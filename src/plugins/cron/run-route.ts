// Sends a request to the application, through the front door of the http plugin: with its filter, its routes and its limits.

import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { messageOf } from '../../core/errors.ts';
import { type Address, formatDuration } from '../../core/scalars.ts';
import { quoteBytes } from '../../core/text.ts';
import type { RouteConfig } from './config.ts';
import { type Action, DONE, failed, occurrenceFacts, type RunContext } from './run.ts';

/** What is quoted of an answer that is a failure. */
const QUOTED_BYTES = 300;
const FIRST_FAILURE = 400;

/** An action that sends a request. @param address - of the listener; asked at each run. */
export function routeAction(route: RouteConfig, address: () => Promise<Address>): Action {
  return async (run) => {
    const what = `${route.method} ${route.path}`;
    const sent = request(requestOptions(route, await address(), run));
    const release = bound(sent, run);
    try {
      // An error that comes after the answer is one of reading it.
      const answer = once(sent, 'response') as Promise<[IncomingMessage]>;
      sent.end(route.body);
      const [response] = await answer;
      const body = await firstBytes(response);
      const status = response.statusCode ?? 0;
      if (status < FIRST_FAILURE) return DONE;
      return failed(`${what} answered ${status}${body.length === 0 ? '' : `: ${quoteBytes(body, QUOTED_BYTES)}`}`);
    } catch (error) {
      return failed(`${what}: ${messageOf(error)}`);
    } finally {
      release();
    }
  };
}

function requestOptions({ method, path, headers }: RouteConfig, to: Address, run: RunContext): RequestOptions {
  const [name, time] = occurrenceFacts(run);
  const options = {
    method,
    path,
    headers: { 'user-agent': 'rrts cron', ...headers, 'rrts-cron': name, 'rrts-cron-time': time },
    // One connection for one request: the next one is a minute away, as a rule.
    agent: false,
  };
  return to.kind === 'unix'
    ? { ...options, socketPath: to.path }
    : { ...options, host: hostOf(to.host), port: to.port };
}

/** A wildcard is where a server listens and not where it is reached. */
function hostOf(host: string): string {
  return host === '' || host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host;
}

/** Ends the request in time. @returns how to take the limits off. */
function bound(sent: ClientRequest, { timeoutMs, cut }: RunContext): () => void {
  const late = (): void => void sent.destroy(new Error(`no answer within its timeout (${formatDuration(timeoutMs)})`));
  const stopped = (): void => void sent.destroy(new Error('the server stopped'));
  const timer = timeoutMs === 0 ? undefined : setTimeout(late, timeoutMs);
  cut.addEventListener('abort', stopped);
  if (cut.aborted) stopped();
  return () => {
    clearTimeout(timer);
    cut.removeEventListener('abort', stopped);
  };
}

/** Reads to the end, and keeps what is quoted. */
async function firstBytes(response: IncomingMessage): Promise<Buffer> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes <= QUOTED_BYTES) kept.push(chunk);
    bytes += chunk.length;
  }
  return Buffer.concat(kept);
}
