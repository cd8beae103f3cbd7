// What every part of the HTTP front shares.

import type { Durations } from '../../core/durations.ts';
import type { Logger } from '../../core/logger.ts';
import type { PoolRequest } from '../../pool/request.ts';
import type { AccessLog } from './access-log.ts';
import type { BodyLimits } from './body/limits.ts';
import type { HttpConfig } from './config.ts';
import type { ExchangeLog } from './exchange-log.ts';
import type { HeaderNames } from './header-names.ts';
import type { MemoryGuard } from './memory-guard.ts';
import type { HttpMetrics } from './metrics.ts';
import type { RouteTable } from './route-table.ts';

/** The part of a pool that the front uses. */
export interface RequestPool {
  /** Runs, queues or refuses a request; the answer comes through the request's own methods, at once or later. */
  submit(request: PoolRequest): void;
  /** The client went away; nothing more is reported to the request. */
  cancel(request: PoolRequest): void;
  /** The client takes bytes again after `onReply` returned false. */
  resume(request: PoolRequest): void;
}

/** Pools by their names: `http`, `http.reports`. */
export type PoolsByName = ReadonlyMap<string, RequestPool>;

/** Where a request goes, and how long it may run. */
export interface Destination {
  readonly pool: RequestPool;
  /** `debug` of the pool: clients are shown what went wrong. */
  readonly debug: boolean;
  /** Time that requests waited for a worker of it. */
  readonly queueTime: Durations;
  /** `exec_ttl` of the route in milliseconds, 0 for no limit; undefined for the pool's. */
  readonly execTtl: number | undefined;
  /** `exec_ttl` of the pool, in the same way. */
  readonly poolExecTtl: number;
}

/** A connection as the end of the server sees it. */
export interface IdleConnection {
  /** Closes it unless a request runs on it or a response is being written. */
  closeIfIdle(): void;
  /** Bytes of responses that the client has not taken. */
  readonly unsentBytes: number;
}

/** What follows from the configuration. A reload replaces it, also under requests that run. */
export interface HttpSettings {
  readonly config: HttpConfig;
  readonly accessLog: AccessLog | undefined;
  readonly bodyLimits: BodyLimits;
  /** Headers of `http.headers.request`, as name, value ... in lower case; empty when the middleware is off. */
  readonly requestHeaders: readonly string[];
  /** Headers of `http.headers.response`, as name, value ... */
  readonly responseHeaders: readonly string[];
}

/** One per front; nothing here is per connection or per request. */
export interface HttpServices extends HttpSettings {
  /** Where requests go that no route leads elsewhere. A reload replaces it and the routes. */
  readonly destination: Destination;
  /** Undefined when there are no routes. */
  readonly routes: RouteTable<Destination> | undefined;
  readonly logger: Logger;
  readonly log: ExchangeLog;
  readonly names: HeaderNames;
  readonly metrics: HttpMetrics;
  /** Those that are open. */
  readonly connections: Set<IdleConnection>;
  readonly memory: MemoryGuard;
  /** True for the front on an internal socket: who connects may say for whom (`RELAYED_HEADER`), and is told why a request failed. */
  readonly internal: boolean;
  /** True from the moment the front was asked to stop: connections are then closed with their next response. */
  stopping: boolean;
}
