// Watches files: told by the system, or, where the system cannot, by looking at them again and again.

import { watch } from 'chokidar';
import type { Logger } from '../../core/logger.ts';
import type { Globs } from './globs.ts';
import { Links } from './links.ts';

/** What to watch and whom to tell. */
export interface FileWatchOptions {
  readonly globs: Globs;
  /** Looks at the files again and again from the start. */
  readonly poll: boolean;
  /** Between two looks, in milliseconds. */
  readonly interval: number;
  readonly logger: Logger;
  /** A file that counts is new, changed or gone; undefined when some may have changed unseen. */
  onChange(path: string | undefined): void;
  /** How files are watched. For tests. */
  readonly watch?: typeof watch;
}

type Watcher = ReturnType<typeof watch>;

/** The limits of the system on watching: inotify watches, inotify instances or open files. */
const EXHAUSTED: ReadonlySet<string> = new Set(['ENOSPC', 'EMFILE', 'ENFILE']);

/** A watch that has begun. The owner calls `close`. */
export class FileWatch {
  readonly #options: FileWatchOptions;
  #watcher: Watcher;
  #polling: boolean;
  #ready = false;
  #closed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#polling = options.poll;
    this.#watcher = this.#open();
  }

  /** Reports nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#watcher.close();
  }

  #open(): Watcher {
    const { globs, interval } = this.#options;
    const links = new Links(globs);
    const watcher = (this.#options.watch ?? watch)([...globs.roots], {
      // Asked twice for each path: before anything is known of it, and with what it is.
      ignored: (path, stats) => {
        if (globs.roots.includes(path)) return false;
        if (stats === undefined) return globs.ignores(path);
        if (stats.isSymbolicLink()) return !links.follows(path);
        return stats.isDirectory() ? !globs.leadsOn(path) : !globs.matches(path);
      },
      ignoreInitial: true,
      ignorePermissionErrors: true,
      // It would hold back deletions for 100 ms to see whether they are part of a rename; here both are a change.
      atomic: false,
      usePolling: this.#polling,
      interval,
      binaryInterval: interval,
    });
    watcher.on('all', (event, path) => {
      if (event !== 'addDir' && event !== 'unlinkDir' && globs.matches(path)) this.#options.onChange(path);
    });
    watcher.on('ready', () => this.#begun(watcher));
    watcher.on('error', (error) => this.#failed(watcher, error));
    return watcher;
  }

  #begun(watcher: Watcher): void {
    if (this.#closed || watcher !== this.#watcher) return;
    const files = Object.values(watcher.getWatched()).flat().length;
    const how = this.#polling ? `looking at them every ${this.#options.interval} ms` : 'told by the system';
    this.#options.logger.info({ files, polling: this.#polling }, `watching ${files} files and directories, ${how}`);
    // Between the end of one watch and the beginning of the other nobody looked.
    if (this.#ready) this.#options.onChange(undefined);
    this.#ready = true;
  }

  #failed(watcher: Watcher, thrown: unknown): void {
    if (this.#closed || watcher !== this.#watcher) return;
    const { logger } = this.#options;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (this.#polling || !EXHAUSTED.has(code)) {
      logger.warn({ err: thrown }, `a file cannot be watched: ${thrown instanceof Error ? thrown.message : thrown}`);
      return;
    }
    const cure = 'raise fs.inotify.max_user_watches or max_user_instances (sysctl), or watch fewer files';
    const what = `the system can watch no more files (${code}): they are looked at every ${this.#options.interval} ms`;
    logger.warn({ code }, `${what} instead; to mend it ${cure}`);
    this.#polling = true;
    this.#watcher = this.#open();
    void watcher.close();
  }
}
