// One service: a name, a command, and so many processes of it.

import type { Logger } from '../../core/logger.ts';
import { type Launchers, type SpawnOptions, spawnProgram } from '../../worker/spawn.ts';
import type { ProgramSettings } from '../plugin.ts';
import { programOptions, programWords } from '../program/program-options.ts';
import type { ServiceConfig } from './config.ts';
import { SupervisedProcess } from './supervised-process.ts';

/** What services are started with. */
export interface ServiceHost {
  readonly logger: Logger;
  readonly launchers: Launchers;
  readonly directory: string;
  /** Asked at each start: a reload may have changed them. */
  readonly settings: () => ProgramSettings;
}

/** One process, as callers are shown it. */
export interface ProcessReport {
  readonly pid: number;
  readonly command: string;
  readonly running: boolean;
  /** Why it does not run; empty when it does. */
  readonly message: string;
}

/** A service. Start it once; after {@link stop} it is over. */
export class Service {
  readonly name: string;
  readonly config: ServiceConfig;
  /** Starts after an end, of all its processes. */
  restarts = 0;
  readonly #host: ServiceHost;
  readonly #processes: readonly SupervisedProcess[];

  constructor(name: string, config: ServiceConfig, host: ServiceHost) {
    this.name = name;
    this.config = config;
    this.#host = host;
    const logger = host.logger.child({
      service: name,
      ...(config.serviceNameInLog ? { logger: `service.${name}` } : {}),
    });
    this.#processes = Array.from({ length: config.processNum }, (_, index) => this.#makeProcess(index, logger));
  }

  /** How many of its processes run. */
  get running(): number {
    return this.#processes.filter(({ running }) => running).length;
  }

  get processes(): readonly ProcessReport[] {
    const command = programWords(this.config.command).join(' ');
    return this.#processes.map(({ pid, running, ended }) => ({ pid, command, running, message: running ? '' : ended }));
  }

  /** True for one that shall run and ends again and again. */
  get failing(): boolean {
    return this.config.remainAfterExit && this.#processes.some(({ failing }) => failing);
  }

  /** Starts all its processes. Rejects, with none of them left, when one cannot be started: RrtsError ERR_WORKER_SPAWN. */
  async start(): Promise<void> {
    const started = await Promise.allSettled(this.#processes.map((process) => process.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    await this.stop(0);
    throw failed.reason;
  }

  /** Ends all its processes; `graceMs` may shorten the time that they have. Settles when none is left. */
  async stop(graceMs?: number): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop(graceMs)));
  }

  /** Kills them now, for the moment at which this process ends. */
  kill(): void {
    for (const process of this.#processes) process.kill();
  }

  #makeProcess(index: number, logger: Logger): SupervisedProcess {
    const { execTimeout, remainAfterExit, restartSec, timeoutStopSec, stopSignal, processNum } = this.config;
    const settings = {
      execTimeout,
      remainAfterExit,
      restartDelay: restartSec * 1000,
      stopTimeout: timeoutStopSec * 1000,
      stopSignal,
    };
    return new SupervisedProcess({
      settings,
      logger,
      name: processNum === 1 ? `service ${this.name}` : `service ${this.name}, process ${index + 1}`,
      spawn: async () => spawnProgram(this.#spawnOptions(), this.#host.launchers),
      onRestart: () => {
        this.restarts++;
      },
    });
  }

  #spawnOptions(): SpawnOptions {
    const { directory, settings } = this.#host;
    const { command, user, env } = this.config;
    const key = `service.${this.name}`;
    return programOptions({ command, directory, settings: settings(), user, env: inUpperCase(env), key });
  }
}

function inUpperCase(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name.toUpperCase(), value]));
}
