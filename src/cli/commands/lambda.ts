// rrts lambda: the bootstrap of a custom runtime. Takes events from Lambda's Runtime API until it is told to stop.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RrtsError } from '../../core/errors.ts';
import { functionError } from '../../plugins/lambda/event-runner.ts';
import { RuntimeApi } from '../../plugins/lambda/runtime-api.ts';
import { withRequestId } from '../../server/event-log.ts';
import { forLambda, lambdaPlugins } from '../../server/lambda-config.ts';
import { type LoadedConfig, loadConfig } from '../../server/load-config.ts';
import { type LeveledLogger, openLogs } from '../../server/logging.ts';
import { checkPrivileges } from '../../server/privileges.ts';
import { Server } from '../../server/server.ts';
import { ProcessWatch } from '../../server/signals.ts';
import { VERSION } from '../../version.ts';
import { EXIT } from '../exit-codes.ts';
import { configSources, type GlobalOptions, rootAllowed } from '../options.ts';

/** Where Lambda says its Runtime API is. */
const API_VARIABLE = 'AWS_LAMBDA_RUNTIME_API';

/**
 * Runs events; settles with the exit code when a signal has stopped it. What goes wrong before the first event is reported to Lambda too.
 * @throws RrtsError ERR_LAMBDA_API when the Runtime API is gone, and whatever kept the server from starting.
 */
export async function lambda(options: GlobalOptions): Promise<number> {
  const address = process.env[API_VARIABLE];
  if (address === undefined || address === '') {
    throw new RrtsError('ERR_LAMBDA_API', `${API_VARIABLE} is not set: rrts lambda runs inside AWS Lambda`, {
      cure: 'Start the same application with rrts serve, or a local emulator of the Runtime API.',
    });
  }
  const directory = mkdtempSync(join(tmpdir(), 'rrts-lambda-')); // mode 0700
  try {
    return await runWithin(directory, address, options);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runWithin(directory: string, address: string, options: GlobalOptions): Promise<number> {
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig(configSources(options));
    checkPrivileges(loaded.config.server, rootAllowed(options));
  } catch (thrown) {
    await reportInit(new RuntimeApi(address, SILENT), thrown);
    throw thrown;
  }
  Object.assign(process.env, loaded.environment);
  const logs = openLogs(loaded.config.logs);
  const event: { id: string | undefined } = { id: undefined };
  const logger = withRequestId(logs.logger, () => event.id);
  for (const warning of loaded.warnings) logger.warn({}, warning);
  try {
    const onEvent = (id: string | undefined): void => {
      event.id = id;
    };
    return await new LambdaRun({ loaded, options, address, directory, logger, onEvent, raw: logs.raw }).run();
  } finally {
    await logs.close();
  }
}

interface RunOptions {
  readonly loaded: LoadedConfig;
  readonly options: GlobalOptions;
  readonly address: string;
  /** For the socket of the front. */
  readonly directory: string;
  readonly logger: LeveledLogger;
  readonly onEvent: (id: string | undefined) => void;
  readonly raw: (line: string) => void;
}

/** One server and the loop in it. */
class LambdaRun {
  readonly #api: RuntimeApi;
  readonly #server: Server;
  readonly #logger: LeveledLogger;
  #onLost: (error: unknown) => void = () => undefined;
  readonly #lost = new Promise<never>((_, reject) => {
    this.#onLost = reject;
  });

  constructor({ loaded, options, address, directory, logger, onEvent, raw }: RunOptions) {
    this.#logger = logger;
    this.#api = new RuntimeApi(address, logger.child({ logger: 'lambda' }));
    const socket = join(directory, 'http.sock');
    const config = forLambda(loaded.config, socket);
    const hasHttp = config.plugins.has('http');
    this.#lost.catch(() => undefined);
    this.#server = new Server({
      config,
      written: loaded.written,
      environment: { ...process.env },
      logger,
      raw,
      cwd: options.directory,
      pluginTypes: lambdaPlugins({
        api: this.#api,
        socket: hasHttp ? socket : undefined,
        onEvent,
        onLost: (error) => this.#onLost(error),
      }),
    });
  }

  async run(): Promise<number> {
    const server = this.#server;
    const watch = new ProcessWatch(server, this.#logger);
    try {
      const failed = server.start().then(
        () => {
          if (!server.stopping) this.#logger.info({ version: VERSION, node: process.version }, 'rrts takes events');
          return new Promise<never>(() => undefined);
        },
        async (error: unknown) => {
          if (watch.asked) return await new Promise<never>(() => undefined);
          await reportInit(this.#api, error);
          throw error;
        },
      );
      const ending = await Promise.race([watch.ended, failed, this.#lost]);
      if (ending.kind === 'cut') return 128 + ending.signalNumber;
      return ending.kind === 'fault' ? EXIT.internal : EXIT.ok;
    } catch (thrown) {
      await server.stop();
      throw thrown;
    } finally {
      watch.close();
      this.#api.close();
    }
  }
}

/** Tells Lambda why the function cannot start. When that fails too, the exit code says it. */
async function reportInit(api: RuntimeApi, thrown: unknown): Promise<void> {
  try {
    await api.initError(functionError(thrown));
  } catch {
    // The API is gone; what went wrong is printed.
  } finally {
    api.close();
  }
}

const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => SILENT };
