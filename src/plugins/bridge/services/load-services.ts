// Loads the files of bridge.services and finds the service that each exports.

import { isRrtsError, messageOf, RrtsError } from '../../../core/errors.ts';
import { isService, type Service } from './define-service.ts';

/** Loads a module: the exports of a package, or of a file relative to `directory`. Rejects with what is wrong with it. */
export type LoadModule = (specifier: string, directory: string) => Promise<unknown>;

/** Which files, from where, and how they are loaded. */
export interface ServiceFiles {
  /** Files by the name of their service: `bridge.services`. */
  readonly services: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly load: LoadModule;
}

/**
 * The services by name, in the order of the configuration.
 * @throws RrtsError ERR_BRIDGE_MODULE that names the key of the configuration: no such file, a mistake in it, no service in it.
 */
export async function loadServices({ services, directory, load }: ServiceFiles): Promise<ReadonlyMap<string, Service>> {
  const loaded = new Map<string, Service>();
  for (const [name, file] of Object.entries(services)) {
    const key = `bridge.services.${name}`;
    const exports = await load(file, directory).catch((thrown: unknown) => {
      throw loadError(key, file, thrown);
    });
    loaded.set(name, serviceIn(exports, key, file));
  }
  return loaded;
}

function loadError(key: string, file: string, thrown: unknown): RrtsError {
  if (!isRrtsError(thrown)) {
    return new RrtsError('ERR_BRIDGE_MODULE', `${key}: ${file} cannot be loaded: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  const { place, cure, facts, cause } = thrown;
  const details = { ...(place === undefined ? {} : { place }), ...(cure === undefined ? {} : { cure }), facts, cause };
  return new RrtsError(thrown.code, `${key}: ${thrown.message}`, details);
}

/** The default export, or else the only one that is a service. */
function serviceIn(exports: unknown, key: string, file: string): Service {
  const named = typeof exports === 'object' && exports !== null ? (exports as Readonly<Record<string, unknown>>) : {};
  if (isService(named['default'])) return named['default'];
  const found = Object.entries(named).filter(([, value]) => isService(value));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first[1] as Service;
  const cure = 'Write: export const service = defineService({ ... }).';
  if (first === undefined) throw new RrtsError('ERR_BRIDGE_MODULE', `${key}: ${file} exports no service`, { cure });
  const names = found.map(([name]) => name).join(', ');
  throw new RrtsError('ERR_BRIDGE_MODULE', `${key}: ${file} exports several services: ${names}`, {
    cure: 'Make one of them the default export, or give each a file of its own.',
  });
}
