// One log line per request, with RoadRunner's messages and field names.

import type { Logger } from '../../core/logger.ts';
import type { RequestBody } from '../../protocol/http/head.ts';

/** A request; an HttpExchange is one. */
export interface AccessLogRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly scheme: string;
  readonly remoteAddress: string;
  readonly headers: readonly string[];
  readonly body: RequestBody;
}

/** Writes the line of one request. `written` counts body bytes, `elapsed` milliseconds. */
export type AccessLog = (request: AccessLogRequest, status: number, written: number, elapsed: number) => void;

/**
 * The access log that the configuration asks for; undefined when there is none, which is the default: RoadRunner writes a
 * line per request at level info, and under load that costs more than the request.
 *
 * With `access_logs: true` it is RoadRunner's long line, `http access log`. Without, it is the short line `http log`, only
 * if the logger shows debug. Both have level info, as Laravel Octane, which parses them, expects.
 */
export function createAccessLog(logger: Logger, detailed: boolean): AccessLog | undefined {
  if (detailed) {
    return (request, status, written, elapsed) => {
      const facts = { ...shortFacts(request, status, written, elapsed), ...longFacts(request, elapsed) };
      logger.info(facts, 'http access log');
    };
  }
  // Only pino can tell its level; a logger that cannot gets no lines.
  const { isLevelEnabled } = logger as { isLevelEnabled?: (level: string) => boolean };
  if (isLevelEnabled?.call(logger, 'debug') !== true) return undefined;
  return (request, status, written, elapsed) => logger.info(shortFacts(request, status, written, elapsed), 'http log');
}

function shortFacts(request: AccessLogRequest, status: number, written: number, elapsed: number): object {
  return {
    status,
    method: request.method,
    URI: request.target,
    URL: `${request.scheme}://${request.host}${request.target}`,
    remote_address: request.remoteAddress,
    read_bytes: request.body.bytes.length,
    write_bytes: written,
    start: new Date(Date.now() - elapsed).toISOString(),
    elapsed: Math.round(elapsed),
  };
}

function longFacts(request: AccessLogRequest, elapsed: number): object {
  const query = request.target.indexOf('?');
  return {
    query: query === -1 ? '' : request.target.slice(query + 1),
    content_len: Number(header(request, 'content-length')),
    host: request.host,
    user_agent: header(request, 'user-agent'),
    referer: header(request, 'referer'),
    time_local: new Date().toISOString(),
    request_time: (elapsed / 1000).toFixed(3),
  };
}

function header(request: AccessLogRequest, name: string): string {
  for (let index = 0; index < request.headers.length; index += 2) {
    if (request.headers[index] === name) return request.headers[index + 1] ?? '';
  }
  return '';
}
