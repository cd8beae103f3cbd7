// rrts serve: runs a server until it is told to stop.

import { resolve } from 'node:path';
import type { Logger } from '../../core/logger.ts';
import { openControl } from '../../server/control/control-listener.ts';
import { type LoadedConfig, loadConfig } from '../../server/load-config.ts';
import { openLogs } from '../../server/logging.ts';
import { checkPrivileges } from '../../server/privileges.ts';
import { type Configuration, Server } from '../../server/server.ts';
import { ServiceManager, takeNotifyWish } from '../../server/service-manager.ts';
import { type Ending, ProcessWatch } from '../../server/signals.ts';
import { VERSION } from '../../version.ts';
import { EXIT } from '../exit-codes.ts';
import { configSources, type GlobalOptions, rootAllowed } from '../options.ts';
import { takePidFile } from '../pid-file.ts';

/** The oldest Node line that still gets security fixes. */
const SUPPORTED_NODE_MAJOR = 22;

/** Serves; settles with the exit code when the server has stopped. */
export async function serve(options: GlobalOptions): Promise<number> {
  const notifyWish = takeNotifyWish(process.env, process.pid);
  const sources = configSources(options);
  const loaded = loadConfig(sources);
  Object.assign(process.env, loaded.environment);
  checkPrivileges(loaded.config.server, rootAllowed(options));
  const logs = openLogs(loaded.config.logs);
  const { logger } = logs;
  if (options.silent !== true) {
    for (const warning of loaded.warnings) logger.warn({}, warning);
    warnOfOldNode((text) => logger.warn({}, text));
  }
  const removePidFile = takePidFile(options.pid);
  const inForce = ({ config, environment }: LoadedConfig): Configuration => {
    return { config, environment: { ...sources.environment, ...environment } };
  };
  const server = new Server({
    ...inForce(loaded),
    logger,
    cwd: options.directory,
    load: () => {
      const again = loadConfig(sources);
      checkPrivileges(again.config.server, rootAllowed(options));
      for (const warning of again.warnings) logger.warn({}, warning);
      return inForce(again);
    },
    onReload: (config) => logs.setLevel(config.logs),
  });
  const watch = new ProcessWatch(server, logger);
  const systemd = new ServiceManager(notifyWish, process.env['PATH'] ?? '', logger);
  server.stopSignal.addEventListener('abort', () => systemd.stopping(), { once: true });
  const closeControl = await openControlOf(options, loaded, { server, watch, logger });
  try {
    const started = server.start().then(() => {
      if (server.stopping) return;
      logger.info({ version: VERSION, pid: process.pid, node: process.version }, 'rrts is ready');
      systemd.ready(`serving with ${server.pids.length} workers`);
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
    removePidFile();
    await logs.close();
  }
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
      stop: (force) => watch.stop(force),
      graceMs: config.endure.gracePeriod,
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
