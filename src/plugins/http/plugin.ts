// The http plugin: a pool of PHP workers behind Node's HTTP server.

import { formatAddress } from '../../core/scalars.ts';
import type { Health, Plugin, PluginContext, PluginType } from '../plugin.ts';
import { insideOnly } from '../rpc-router/inside-only.ts';
import { createAccessLog } from './access-log.ts';
import { refuseTaken } from './address.ts';
import { sweepUploads } from './body/temporary-files.ts';
import { type HttpConfig, httpSchema } from './config.ts';
import { ExchangeLog } from './exchange-log.ts';
import { HttpFront } from './front.ts';
import { HeaderNames } from './header-names.ts';
import { MemoryGuard } from './memory-guard.ts';
import { HttpMetrics } from './metrics.ts';
import { bootPools, destinationsOf, type HttpPool, hasNoWorker, poolSpec } from './pools.ts';
import { unusedPools } from './routes.ts';
import type { HttpServices, HttpSettings, PoolsByName } from './services.ts';

/** Middleware of RoadRunner that rrts has, under their names. */
const MIDDLEWARE: ReadonlySet<string> = new Set(['headers', 'http_metrics']);

/** Age from which a temporary file of an upload belongs to nobody. */
const STALE_UPLOAD_MS = 24 * 60 * 60 * 1000;

/** The http plugin. */
export const httpPlugin: PluginType<typeof httpSchema, HttpConfig> = {
  name: 'http',
  schema: httpSchema,
  create: (config, context) => new HttpPlugin(config, context),
  warnings: ({ routes, pools }) =>
    unusedPools(routes, Object.keys(pools)).map((name) => {
      return { path: ['pools', name], message: 'no route leads to this pool; its workers wait for nothing' };
    }),
};

/**
 * The same for requests that another part of rrts makes: it listens on an internal unix socket, which nobody else can reach, and lets who
 * connects say for whom. See relayed-request.ts.
 */
export const internalHttpPlugin: PluginType<typeof httpSchema, HttpConfig> = {
  ...httpPlugin,
  create: (config, context) => new HttpPlugin(config, context, true),
};

class HttpPlugin implements Plugin {
  #config: HttpConfig;
  readonly #context: PluginContext;
  readonly #internal: boolean;
  #pools: readonly HttpPool[] = [];
  #services: HttpServices | undefined;
  #front: HttpFront | undefined;
  #listening = false;

  constructor(config: HttpConfig, context: PluginContext, internal = false) {
    this.#config = config;
    this.#context = context;
    this.#internal = internal;
  }

  async start(): Promise<void> {
    const { logger } = this.#context;
    this.#warnOfMiddleware(this.#config);
    this.#context.registerHealthCheck('http', () => this.#health());
    await refuseTaken(this.#config.address);
    // A day is longer than any request takes; what is older was left by a process that was killed.
    await sweepUploads(this.#config.uploads.dir, STALE_UPLOAD_MS);
    this.#pools = await bootPools(this.#config, this.#context);
    this.#services = createServices(this.#config, this.#context, byName(this.#pools), this.#internal);
    this.#services.metrics.register(this.#context.metrics);
    this.#front = new HttpFront(this.#services);
    const address = await this.#front.listen();
    this.#listening = true;
    // Other plugins send requests of their own there.
    this.#context.registerRpc('http', { Address: insideOnly(() => address) });
    logger.info({ address: formatAddress(address) }, `http listens on ${formatAddress(address)}`);
  }

  async reload(config: HttpConfig): Promise<void> {
    if (this.#services === undefined) return;
    const destinations = destinationsOf(config, byName(this.#pools), this.#services.metrics);
    // Before anything is taken over, because it can fail. One after the other: each has its old workers until it has new ones.
    for (const { name, pool } of this.#pools) await this.#context.reconfigurePool(pool, poolSpec(config, name));
    this.#warnOfMiddleware(config);
    this.#config = config;
    Object.assign(this.#services, settingsOf(config, this.#context), destinations);
    this.#front?.applySettings();
  }

  async stop(graceMs: number): Promise<void> {
    this.#listening = false;
    await this.#front?.close(graceMs);
  }

  #warnOfMiddleware(config: HttpConfig): void {
    for (const name of config.middleware) {
      if (MIDDLEWARE.has(name)) continue;
      this.#context.logger.warn({ middleware: name }, `http.middleware: rrts has no "${name}"; it is left out`);
    }
  }

  #health(): Health {
    if (this.#context.stopping) return { live: true, ready: false, message: 'http is stopping' };
    if (!this.#listening) return { live: true, ready: false, message: 'http does not listen yet' };
    const empty = this.#pools.filter(hasNoWorker).map(({ name }) => `${name} has no worker`);
    if (empty.length > 0) return { live: true, ready: false, message: empty.join(', ') };
    return { live: true, ready: true, message: '' };
  }
}

function byName(pools: readonly HttpPool[]): PoolsByName {
  return new Map(pools.map(({ name, pool }) => [name, pool]));
}

/** What the parts of the front share. For the plugin and for tests, which bring pools of their own. */
export function createServices(
  config: HttpConfig,
  context: Pick<PluginContext, 'logger' | 'workerOwner'>,
  pools: PoolsByName,
  internal = false,
): HttpServices {
  const metrics = new HttpMetrics();
  for (const name of pools.keys()) metrics.queueTimeOf(name); // a reload may lead routes to a pool that has none now
  return {
    ...settingsOf(config, context),
    ...destinationsOf(config, pools, metrics),
    logger: context.logger,
    log: new ExchangeLog(context.logger),
    names: new HeaderNames(),
    metrics,
    connections: new Set(),
    memory: new MemoryGuard(),
    internal,
    stopping: false,
  };
}

/** What follows from the configuration alone. */
function settingsOf(config: HttpConfig, context: Pick<PluginContext, 'logger' | 'workerOwner'>): HttpSettings {
  const { logger, workerOwner } = context;
  const own = config.middleware.includes('headers');
  return {
    config,
    accessLog: createAccessLog(logger, config.accessLogs),
    bodyLimits: {
      maxBytes: config.maxRequestSize * 1024 * 1024,
      rawBody: config.rawBody,
      uploads: workerOwner === undefined ? config.uploads : { ...config.uploads, owner: workerOwner },
      onError: (error, path) => logger.error({ path, error: error.message }, 'a temporary file failed'),
    },
    requestHeaders: own
      ? Object.entries(config.headers.request).flatMap(([name, value]) => [name.toLowerCase(), value])
      : [],
    responseHeaders: own ? Object.entries(config.headers.response).flat() : [],
  };
}
