// Loads one of `bridge.modules`, in the thread that will run its calls.

import { dirname } from 'node:path';
import { isRrtsError, messageOf, RrtsError } from '../../core/errors.ts';
import { AllowList } from './allow-list.ts';
import type { HostedModule } from './host.ts';
import { loadModule, locateModule } from './load-module.ts';
import { ModuleExports } from './module-exports.ts';

/** What is loaded, and from where. */
export interface ModuleSource {
  /** As PHP calls it. */
  readonly name: string;
  readonly from: string;
  readonly allow: readonly string[];
  /** The application's. */
  readonly directory: string;
}

/** A module, and what is odd about it. */
export interface LoadedModule {
  readonly module: HostedModule;
  /** Folder with its files; undefined for a module of Node. */
  readonly folder: string | undefined;
  /** Sentences for the log: names that are allowed and do not exist. */
  readonly warnings: readonly string[];
}

/** @throws RrtsError ERR_BRIDGE_MODULE that names the key. */
export async function loadHosted({ name, from, allow, directory }: ModuleSource): Promise<LoadedModule> {
  const key = `bridge.modules.${name}`;
  try {
    const { path } = await locateModule(from, directory);
    const exports = new ModuleExports(await loadModule(from, directory), from.replace(/\.[cm]?[jt]s$/, ''));
    const module = { name, allow: new AllowList(allow), exports };
    const folder = path === undefined ? undefined : folderOf(path);
    return { module, folder, warnings: warningsOf(module).map((warning) => `${key}.allow: ${warning}`) };
  } catch (error) {
    const { place, cure } = isRrtsError(error) ? error : {};
    throw new RrtsError('ERR_BRIDGE_MODULE', `${key}: ${messageOf(error)}`, {
      ...(place === undefined ? {} : { place }),
      ...(cure === undefined ? {} : { cure }),
      cause: error,
    });
  }
}

/** Of the whole package, where it is one. */
function folderOf(path: string): string {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? dirname(path);
}

function warningsOf({ name, allow, exports }: HostedModule): string[] {
  return allow.exports.flatMap((path) => {
    const found = exports.find(path);
    if (found === undefined) return [path === '' ? `${name} itself is no function` : `${name} has no export ${path}`];
    return [];
  });
}
