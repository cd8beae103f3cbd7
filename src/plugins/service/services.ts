// All services by name: those of the configuration and those that were created over RPC. One change after the other.

import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { CallError } from '../rpc-router/method.ts';
import { MAX_PROCESSES, type ServiceConfig, type ServiceSection } from './config.ts';
import { Service, type ServiceHost } from './service.ts';

/** The services. After {@link stop} nothing is started any more. */
export class Services {
  readonly #host: ServiceHost;
  readonly #services = new Map<string, Service>();
  #configured: ServiceSection = {};
  /** Changes in the order in which they were asked for: two with the same name must not cross. */
  #turn: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(host: ServiceHost) {
    this.#host = host;
  }

  /** In the order in which they were started. */
  get all(): readonly Service[] {
    return [...this.#services.values()];
  }

  /** @throws CallError when there is none of that name. */
  find(name: string): Service {
    const service = this.#services.get(name);
    if (service === undefined) throw new CallError(`no such service: ${name}`, 'ERR_RPC_ARGUMENT');
    return service;
  }

  /**
   * Makes it so that what the configuration has runs as it says. What did not change runs on; what was created over RPC too, unless
   * the configuration has that name. Rejects when one cannot be started; what was changed before that is taken back.
   */
  configure(section: ServiceSection): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#configured;
      try {
        await this.#apply(before, section);
        this.#configured = section;
      } catch (error) {
        await this.#apply(section, before).catch((again: unknown) => {
          this.#host.logger.error({}, `a service could not go back to its old configuration: ${messageOf(again)}`);
        });
        throw error;
      }
    });
  }

  /** Starts a new one. @throws CallError when the name is taken or there are too many; RrtsError when it cannot be started. */
  create(name: string, config: ServiceConfig): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#services.has(name)) {
        throw new CallError(`the service ${name} exists already`, 'ERR_RPC_ARGUMENT');
      }
      const processes = this.all.reduce((sum, { config: { processNum } }) => sum + processNum, config.processNum);
      if (processes > MAX_PROCESSES) {
        throw new CallError(`the services would have ${processes} processes; ${MAX_PROCESSES} are allowed`);
      }
      await this.#start(name, config);
    });
  }

  /** Ends one for good; one of the configuration comes back at the next reload. @throws CallError when there is none. */
  terminate(name: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.find(name).stop();
      this.#services.delete(name);
    });
  }

  /** Ends its processes and starts new ones. @throws CallError when there is none; RrtsError when it cannot be started again. */
  restart(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const service = this.find(name);
      await service.stop();
      this.#services.delete(name);
      await this.#start(name, service.config);
    });
  }

  /** Ends all. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.all.map((service) => service.stop(graceMs)));
    // One that was being started when the stop came: it is stopped by whoever started it.
    await this.#turn.catch(() => undefined);
  }

  /** Kills what runs, for the moment at which this process ends. */
  kill(): void {
    for (const service of this.all) service.kill();
  }

  async #apply(before: ServiceSection, wanted: ServiceSection): Promise<void> {
    const gone = Object.keys(before).filter((name) => !Object.hasOwn(wanted, name));
    const changed = Object.keys(wanted).filter((name) => {
      return !isDeepStrictEqual(this.#services.get(name)?.config, wanted[name]);
    });
    await Promise.all([...gone, ...changed].map((name) => this.#end(name)));
    for (const name of changed) await this.#start(name, wanted[name] as ServiceConfig);
  }

  async #end(name: string): Promise<void> {
    await this.#services.get(name)?.stop();
    this.#services.delete(name);
  }

  async #start(name: string, config: ServiceConfig): Promise<void> {
    if (this.#stopping) throw new CallError('the server is stopping', 'ERR_RPC_CANCELLED');
    const service = new Service(name, config, this.#host);
    this.#services.set(name, service);
    try {
      await service.start();
    } catch (error) {
      this.#services.delete(name);
      throw error;
    }
    this.#host.logger.info({ service: name, processes: config.processNum }, `service ${name} runs`);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
