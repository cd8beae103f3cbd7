// Knows whose fault it is when something fails that nobody waits for: a timer, an event, a promise of a module.

import { AsyncLocalStorage } from 'node:async_hooks';

/** The modules of one thread. */
export class Faults {
  readonly #running = new AsyncLocalStorage<string>();
  /** Folders of the modules, for the rare case in which Node has lost who began it. */
  readonly #folders = new Map<string, string>();

  /** `folder` has the files of the module, and of no other part of the server. */
  add(module: string, folder: string): void {
    this.#folders.set(folder, module);
  }

  /** Runs code of a module. All that it begins, timers and connections too, is the module's. */
  guard<T>(module: string, code: () => T): T {
    return this.#running.run(module, code);
  }

  /** The module that has thrown; undefined when it was none. To be asked in the handler of `uncaughtException` or `unhandledRejection`. */
  ownerOf(thrown: unknown): string | undefined {
    const running = this.#running.getStore();
    if (running !== undefined) return running;
    const stack = thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : '';
    // The innermost frame that is not Node's.
    const [, path] = /^\s+at .*?(?:file:\/\/)?(\/[^()\n]+):\d+:\d+\)?$/m.exec(stack) ?? [];
    if (path === undefined) return undefined;
    for (const [folder, module] of this.#folders) if (path.startsWith(`${folder}/`)) return module;
    return undefined;
  }
}
