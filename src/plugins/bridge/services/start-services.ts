// Starts the services of bridge.services: loads their files and registers their methods.

import type { PluginContext } from '../../plugin.ts';
import type { PlainMethod } from '../../rpc-router/method.ts';
import { loadModule } from '../load-module.ts';
import { loadServices } from './load-services.ts';
import { serviceMethods } from './service-methods.ts';

/** What services are started with. */
export interface ServicesStart {
  /** Files by the name of their service. */
  readonly services: Readonly<Record<string, string>>;
  readonly context: PluginContext;
  /** Runs code of a service, so that what it begins and nobody waits for is known to be its. */
  guard<T>(owner: string, code: () => T): T;
}

/**
 * Registers `name.method` for every method of every service.
 * @throws RrtsError ERR_BRIDGE_MODULE that names the key of the first service that cannot be loaded.
 */
export async function startServices({ services, context, guard }: ServicesStart): Promise<void> {
  for (const [name, file] of Object.entries(services)) {
    const owner = `service ${name}`;
    const load = (specifier: string, directory: string) => guard(owner, () => loadModule(specifier, directory));
    const loaded = await loadServices({ services: { [name]: file }, directory: context.directory, load });
    for (const [service, definition] of loaded) {
      const methods = Object.entries(serviceMethods(definition, context));
      const guarded = methods.map(([method, run]): [string, PlainMethod] => [
        method,
        (argument, call) => guard(owner, () => run(argument, call)),
      ]);
      context.registerRpc(service, Object.fromEntries(guarded));
    }
  }
}
