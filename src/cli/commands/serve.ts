// rrts serve: runs a server until it is told to stop.

import { unlinkSync, writeFileSync } from 'node:fs';
import { messageOf, RrtsError } from '../../core/errors.ts';
import { loadConfig } from '../../server/load-config.ts';
import { openLogs } from '../../server/logging.ts';
import { checkPrivileges } from '../../server/privileges.ts';
import { Server } from '../../server/server.ts';
import { type Ending, ProcessWatch } from '../../server/signals.ts';
import { VERSION } from '../../version.ts';
import { EXIT } from '../exit-codes.ts';
import { configSources, type GlobalOptions, rootAllowed } from '../options.ts';

/** The oldest Node line that still gets security fixes. */
const SUPPORTED_NODE_MAJOR = 22;

/** Serves; settles with the exit code when the server has stopped. */
export async function serve(options: GlobalOptions): Promise<number> {
  const loaded = loadConfig(configSources(options));
  Object.assign(process.env, loaded.environment);
  checkPrivileges(loaded.config.server, rootAllowed(options));
  const logs = openLogs(loaded.config.logs);
  const { logger } = logs;
  if (options.silent !== true) {
    for (const warning of loaded.warnings) logger.warn({}, warning);
    warnOfOldNode((text) => logger.warn({}, text));
  }
  const server = new Server({ config: loaded.config, logger, environment: process.env, cwd: process.cwd() });
  const watch = new ProcessWatch(server, logger);
  const removePidFile = writePidFile(options.pid);
  try {
    const started = server.start().then(() => {
      if (!server.stopping) logger.info({ version: VERSION, pid: process.pid, node: process.version }, 'rrts is ready');
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

/** Writes the pid file, if one is wanted; the result removes it. */
function writePidFile(pid: string | true | undefined): () => void {
  if (pid === undefined) return () => undefined;
  const path = pid === true ? '.pid' : pid;
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (thrown) {
    throw new RrtsError('ERR_CONFIG_INVALID', `the pid file ${path} cannot be written: ${messageOf(thrown)}`);
  }
  return () => {
    try {
      unlinkSync(path);
    } catch {
      // Somebody was faster.
    }
  };
}
