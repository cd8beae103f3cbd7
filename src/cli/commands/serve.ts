// rrts serve: runs a server until it is told to stop.

import { resolve } from 'node:path';
import type { Logger } from '../../core/logger.ts';
import type { CronSection } from '../../plugins/cron/config.ts';
import { cronPlugin } from '../../plugins/cron/plugin.ts';
import type { ServiceSection } from '../../plugins/service/config.ts';
import { servicePlugin } from '../../plugins/service/plugin.ts';
import { openControl } from '../../server/control/control-listener.ts';
import { type ConfigSources, type LoadedConfig, loadConfig } from '../../server/load-config.ts';
import { type Logs, openLogs } from '../../server/logging.ts';
import { checkPrivileges } from '../../server/privileges.ts';
import { type Configuration, Server } from '../../server/server.ts';
import { ServiceManager, takeNotifyWish } from '../../server/service-manager.ts';
import { type Ending, ProcessWatch } from '../../server/signals.ts';
import { VERSION } from '../../version.ts';
import { EXIT } from '../exit-codes.ts';
import { configSources, type GlobalOptions, rootAllowed } from '../options.ts';

/** The oldest Node line that still gets security fixes. */
const SUPPORTED_NODE_MAJOR = 22;

/** Options of this command alone. */
export interface ServeOptions {
  /** Globs of `--watch`; true when it is given without any. */
  readonly watch?: readonly string[] | true;
}

/** Serves; settles with the exit code when the server has stopped. */
export async function serve(options: GlobalOptions, own: ServeOptions): Promise<number> {
  const notifyWish = takeNotifyWish(process.env, process.pid);
  const sources = { ...configSources(options), watch: own.watch === true ? [] : own.watch };
  const loaded = loadConfig(sources);
  Object.assign(process.env, loaded.environment);
  checkPrivilegesOf(loaded, options);
  const logs = openLogs(loaded.config.logs);
  const { logger } = logs;
  if (options.silent !== true) {
    for (const warning of loaded.warnings) logger.warn({}, warning);
    warnOfOldNode((text) => logger.warn({}, text));
    warnOfProcessOne((text) => logger.warn({}, text));
  }
  const systemd = new ServiceManager(notifyWish, process.env['PATH'] ?? '', logger);
  const server = createServer(options, sources, loaded, { logs, systemd });
  const watch = new ProcessWatch(server, logger);
  server.stopSignal.addEventListener('abort', () => systemd.stopping(), { once: true });
  const closeControl = await openControlOf(options, loaded, { server, watch, logger });
  try {
    const started = server.start().then(() => {
      if (server.stopping) return;
      logger.info({ version: VERSION, pid: process.pid, node: process.version }, 'rrts is ready');
      systemd.ready(statusOf(server));
    });
    // A stop during the start makes the start fail; that is not an error of its own.
    const failed = started.then(
      () => new Promise<never>(() => undefined),
      (error: unknown) => (watch.asked ? new Promise<never>(() => undefined) : Promise.reject(error)),
    );
    const ending = await Promise.race([watch.ended, failed]);
    if (ending.kind === 'stopped') logger.info({}, 'stopped');
    return exitCodeOf(ending);
  } finally {
    await Promise.all([closeControl(), systemd.close()]);
    watch.close();
    await logs.close();
  }
}

interface Outside {
  readonly logs: Logs;
  readonly systemd: ServiceManager;
}

/** The server, and what a reload means for what is outside of it. */
function createServer(
  options: GlobalOptions,
  sources: ConfigSources,
  loaded: LoadedConfig,
  { logs, systemd }: Outside,
): Server {
  const { logger } = logs;
  const inForce = ({ config, environment, written }: LoadedConfig): Configuration => {
    return { config, written, environment: { ...sources.environment, ...environment } };
  };
  const server: Server = new Server({
    ...inForce(loaded),
    logger,
    raw: (line) => logs.raw(line),
    cwd: options.directory,
    load: () => {
      const again = loadConfig(sources);
      checkPrivilegesOf(again, options);
      for (const warning of again.warnings) logger.warn({}, warning);
      return inForce(again);
    },
    onReload: (config) => logs.setLevel(config.logs),
    onReloading: (begun) => {
      if (server.stopping) return;
      if (begun) systemd.reloading();
      else systemd.ready(statusOf(server));
    },
  });
  return server;
}

function checkPrivilegesOf({ config }: LoadedConfig, options: GlobalOptions): void {
  const services = config.plugins.get(servicePlugin.name) as ServiceSection | undefined;
  const cron = config.plugins.get(cronPlugin.name) as CronSection | undefined;
  const commands = Object.values(cron ?? {}).some(({ command }) => command !== undefined);
  checkPrivileges(config.server, rootAllowed(options), services ?? (commands ? {} : undefined));
}

/** For systemctl status. */
function statusOf(server: Server): string {
  return `serving with ${server.pids.length} workers`;
}

function exitCodeOf(ending: Ending): number {
  switch (ending.kind) {
    case 'stopped':
      return EXIT.ok;
    case 'cut':
      return 128 + ending.signalNumber;
    case 'fault':
      return EXIT.internal;
  }
}

function warnOfOldNode(warn: (text: string) => void): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= SUPPORTED_NODE_MAJOR) return;
  warn(`Node ${major} gets no security fixes any more; rrts runs on it, but a newer Node is safer`);
}

/** Node does not reap the processes that fall to process 1; workers leave some behind. */
function warnOfProcessOne(warn: (text: string) => void): void {
  if (process.pid !== 1) return;
  warn('rrts is process 1 here and reaps no orphans: start it through tini, or with the --init of docker run');
}

interface Running {
  readonly server: Server;
  readonly watch: ProcessWatch;
  readonly logger: Logger;
}

/** Opens the control socket of the server; the result closes it. */
function openControlOf(options: GlobalOptions, { config }: LoadedConfig, { server, watch, logger }: Running) {
  const { directory } = options;
  const path = resolve(directory, options.config);
  const startedAt = Date.now();
  return openControl({
    host: {
      status: () => ({
        pid: process.pid,
        version: VERSION,
        phase: server.phase,
        config: path,
        startedAt,
        now: Date.now(),
      }),
      pools: () => server.pools,
      reload: () => server.reload(),
      stop: (force) => watch.stop(force),
      graceMs: () => server.graceMs,
    },
    services: server.rpcServices,
    place: {
      file: options.config,
      directory,
      written: config.control.socket,
      environment: process.env,
      uid: process.getuid?.() ?? 0,
    },
    logger: logger.child({ logger: 'control' }),
  });
}
