// The http plugin: a pool of PHP workers behind Node's HTTP server.

import { formatAddress } from '../../core/scalars.ts';
import type { Pool } from '../../pool/pool.ts';
import type { Health, Plugin, PluginContext, PluginType, PoolSpec } from '../plugin.ts';
import { createAccessLog } from './access-log.ts';
import { sweepUploads } from './body/temporary-files.ts';
import { type HttpConfig, httpSchema } from './config.ts';
import { ExchangeLog } from './exchange-log.ts';
import { HttpFront } from './front.ts';
import { HeaderNames } from './header-names.ts';
import { MemoryGuard } from './memory-guard.ts';
import { HttpMetrics } from './metrics.ts';
import type { HttpServices, HttpSettings, RequestPool } from './services.ts';

/** Middleware of RoadRunner that rrts has, under their names. */
const MIDDLEWARE: ReadonlySet<string> = new Set(['headers', 'http_metrics']);

/** Age from which a temporary file of an upload belongs to nobody. */
const STALE_UPLOAD_MS = 24 * 60 * 60 * 1000;

/** The http plugin. */
export const httpPlugin: PluginType<typeof httpSchema, HttpConfig> = {
  name: 'http',
  schema: httpSchema,
  create: (config, context) => new HttpPlugin(config, context),
};

class HttpPlugin implements Plugin {
  #config: HttpConfig;
  readonly #context: PluginContext;
  #pool: Pool | undefined;
  #services: HttpServices | undefined;
  #front: HttpFront | undefined;
  #listening = false;

  constructor(config: HttpConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
  }

  async start(): Promise<void> {
    const { logger } = this.#context;
    this.#warnOfMiddleware(this.#config);
    this.#context.registerHealthCheck('http', () => this.#health());
    // A day is longer than any request takes; what is older was left by a process that was killed.
    await sweepUploads(this.#config.uploads.dir, STALE_UPLOAD_MS);
    this.#pool = await this.#context.createPool(poolSpec(this.#config));
    this.#services = createServices(this.#config, this.#context, this.#pool);
    this.#services.metrics.register(this.#context.metrics);
    this.#front = new HttpFront(this.#services);
    const address = await this.#front.listen();
    this.#listening = true;
    logger.info({ address: formatAddress(address) }, `http listens on ${formatAddress(address)}`);
  }

  async reload(config: HttpConfig): Promise<void> {
    if (this.#pool === undefined || this.#services === undefined) return;
    // First, because it is the only part that can fail.
    await this.#context.reconfigurePool(this.#pool, poolSpec(config));
    this.#warnOfMiddleware(config);
    this.#config = config;
    Object.assign(this.#services, settingsOf(config, this.#context));
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
    if (this.#config.pool.debug) return { live: true, ready: true, message: '' }; // its workers come with the requests
    const stats = this.#pool?.stats();
    const workers = (stats?.ready ?? 0) + (stats?.working ?? 0);
    if (workers === 0) return { live: true, ready: false, message: 'http has no worker' };
    return { live: true, ready: true, message: '' };
  }
}

function poolSpec(config: HttpConfig): PoolSpec {
  const { codec, ...pool } = config.pool;
  return { name: 'http', config: pool, mode: 'http', sdkCodec: codec };
}

/** What the parts of the front share. For the plugin and for tests, which bring a pool of their own. */
export function createServices(
  config: HttpConfig,
  context: Pick<PluginContext, 'logger' | 'workerOwner'>,
  pool: RequestPool,
): HttpServices {
  return {
    ...settingsOf(config, context),
    pool,
    logger: context.logger,
    log: new ExchangeLog(context.logger),
    names: new HeaderNames(),
    metrics: new HttpMetrics(),
    connections: new Set(),
    memory: new MemoryGuard(),
    stopping: false,
  };
}

/** What follows from the configuration. */
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
