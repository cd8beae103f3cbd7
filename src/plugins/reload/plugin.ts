// The reload plugin: a changed file replaces the workers.

import { relative } from 'node:path';
import { Debounce } from '../../core/debounce.ts';
import { isRrtsError, messageOf } from '../../core/errors.ts';
import type { Plugin, PluginContext, PluginType } from '../plugin.ts';
import { type ReloadConfig, reloadSchema } from './config.ts';
import { FileWatch } from './file-watch.ts';
import { Globs } from './globs.ts';

/**
 * From the last change to the replacement, and at most from the first: a save of many files or a switch of branches is one change. Longer
 * than the 50 ms for which the watcher reports a second write to a file as none.
 */
const PACE = { quietMs: 100, longestMs: 5000 };

/** Names of changed files in one log line. */
const NAMED_FILES = 3;

class ReloadPlugin implements Plugin {
  readonly #context: PluginContext;
  #config: ReloadConfig;
  #watch: FileWatch | undefined;
  readonly #changed = new Set<string>();
  readonly #replacement = new Debounce({ ...PACE, action: () => this.#replaceWorkers() });

  constructor(config: ReloadConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
  }

  /** Does not wait until all files are known: a large tree must not hold up the start. */
  async start(): Promise<void> {
    this.#open();
  }

  /** Begins anew, also with the same configuration: the working directory may be a link that has been switched. */
  async reload(config: ReloadConfig): Promise<void> {
    await this.#watch?.close();
    this.#config = config;
    this.#open();
  }

  async stop(): Promise<void> {
    this.#replacement.close();
    await this.#watch?.close();
  }

  #open(): void {
    const { watch, ignore, poll, interval } = this.#config;
    const { logger, directory } = this.#context;
    this.#watch = undefined;
    if (watch.length === 0) return;
    const globs = new Globs(directory, watch, ignore);
    const onChange = (path: string | undefined): void => {
      if (path !== undefined) this.#changed.add(relative(directory, path));
      this.#replacement.wish();
    };
    this.#watch = new FileWatch({ globs, poll, interval, logger, onChange });
  }

  async #replaceWorkers(): Promise<void> {
    const { logger } = this.#context;
    if (this.#context.stopping) return;
    const files = [...this.#changed];
    this.#changed.clear();
    logger.info({ files: files.slice(0, NAMED_FILES), count: files.length }, `${describe(files)}: new workers start`);
    const failed = new Map<string, unknown>();
    const replace = async (reset: () => Promise<void>): Promise<void> => {
      try {
        await reset();
      } catch (error) {
        failed.set(messageOf(error), error);
      }
    };
    await Promise.all(this.#context.pools().map((pool) => replace(() => pool.reset())));
    if (this.#context.stopping) return;
    for (const [message, error] of failed) {
      const facts = isRrtsError(error) ? { code: error.code } : { err: error };
      logger.error(facts, `the new code does not boot, the old workers stay until the next change: ${message}`);
    }
  }
}

function describe(files: readonly string[]): string {
  if (files.length === 0) return 'files may have changed unseen';
  const more = files.length - NAMED_FILES;
  return `${files.slice(0, NAMED_FILES).join(', ')}${more > 0 ? ` and ${more} more` : ''} changed`;
}

/** The `reload:` section. */
export const reloadPlugin: PluginType<typeof reloadSchema, ReloadConfig> = {
  name: 'reload',
  schema: reloadSchema,
  create: (config, context) => new ReloadPlugin(config, context),
};
