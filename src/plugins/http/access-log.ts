// One log line per request, with RoadRunner's messages and field names.

import type { Logger } from '../../core/logger.ts';

/** What a line tells of a request. */
export interface AccessLogEntry {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly scheme: string;
  readonly remoteAddress: string;
  readonly headers: readonly string[];
  readonly status: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Wall clock, milliseconds. */
  readonly startedAt: number;
  /** Milliseconds. */
  readonly elapsed: number;
}

/** Writes the line of one request. */
export type AccessLog = (entry: AccessLogEntry) => void;

/**
 * The access log that the configuration asks for; undefined when there is none, which is the default: RoadRunner writes a
 * line per request at level info, and under load that costs more than the request.
 *
 * With `access_logs: true` it is RoadRunner's long line, `http access log`. Without, it is the short line `http log`, only
 * if the logger shows debug. Both have level info, as Laravel Octane, which parses them, expects.
 */
export function createAccessLog(logger: Logger, detailed: boolean): AccessLog | undefined {
  if (detailed) return (entry) => logger.info({ ...shortFacts(entry), ...longFacts(entry) }, 'http access log');
  // Only pino can tell its level; a logger that cannot gets no lines.
  const { isLevelEnabled } = logger as { isLevelEnabled?: (level: string) => boolean };
  if (isLevelEnabled?.call(logger, 'debug') !== true) return undefined;
  return (entry) => logger.info(shortFacts(entry), 'http log');
}

function shortFacts(entry: AccessLogEntry): object {
  return {
    status: entry.status,
    method: entry.method,
    URI: entry.target,
    URL: `${entry.scheme}://${entry.host}${entry.target}`,
    remote_address: entry.remoteAddress,
    read_bytes: entry.readBytes,
    write_bytes: entry.writtenBytes,
    start: new Date(entry.startedAt).toISOString(),
    elapsed: Math.round(entry.elapsed),
  };
}

function longFacts(entry: AccessLogEntry): object {
  const query = entry.target.indexOf('?');
  return {
    query: query === -1 ? '' : entry.target.slice(query + 1),
    content_len: entry.readBytes,
    host: entry.host,
    user_agent: header(entry, 'user-agent'),
    referer: header(entry, 'referer'),
    time_local: new Date(entry.startedAt + entry.elapsed).toISOString(),
    request_time: (entry.elapsed / 1000).toFixed(3),
  };
}

function header(entry: AccessLogEntry, name: string): string {
  for (let index = 0; index < entry.headers.length; index += 2) {
    if (entry.headers[index] === name) return entry.headers[index + 1] ?? '';
  }
  return '';
}
