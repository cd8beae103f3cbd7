// Which occurrence of an entry was the last one, kept on disk, so that one that was missed is known after a restart.

import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Schedule } from './schedule.ts';
import { TRUSTED_BACK_MS } from './ticker.ts';

/** Below the working directory. */
const FOLDER = join('var', 'cron');

/** The file of one entry. */
export class StateFile {
  readonly #path: string;
  readonly #logger: Logger;
  #schedule: Schedule | undefined;
  #last: number | undefined;
  #writing: Promise<void> | undefined;
  #stale = false;
  #failing = false;

  /** @throws RrtsError ERR_STORE when its folder cannot be made. */
  constructor(directory: string, name: string, logger: Logger) {
    const folder = join(directory, FOLDER);
    this.#path = join(folder, `${name}.json`);
    this.#logger = logger;
    try {
      mkdirSync(folder, { recursive: true });
    } catch (cause) {
      throw new RrtsError('ERR_STORE', `cron.${name}: cannot make ${folder}: ${messageOf(cause)}`, {
        cause,
        cure: 'missed: run_once needs a place for what was run. Let rrts write there, or write missed: skip.',
      });
    }
  }

  /** The schedule whose occurrences are kept. What is kept of another one means nothing. */
  follow(schedule: Schedule): void {
    this.#schedule = schedule;
  }

  /** The last occurrence of the schedule; undefined when none is known. A file that cannot be read is told, and as good as none. */
  read(): number | undefined {
    try {
      const kept = JSON.parse(readFileSync(this.#path, 'utf8')) as Record<string, unknown>;
      const last = Date.parse(String(kept['last']));
      if (kept['schedule'] !== this.#schedule?.text || kept['timezone'] !== this.#schedule?.timezone) return undefined;
      if (Number.isNaN(last)) throw new Error('it has no time in "last"');
      return last;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#logger.warn({}, `${this.#path} cannot be used, so what was missed is not known: ${messageOf(thrown)}`);
      }
      return undefined;
    }
  }

  /** Keeps an occurrence, unless a later one is kept already that the clock can be trusted with. One that cannot be written is logged, once until it works again. */
  async write(last: number): Promise<void> {
    const ahead = this.#last === undefined ? -1 : this.#last - last;
    if (ahead >= 0 && ahead <= TRUSTED_BACK_MS) return this.#writing;
    this.#last = last;
    this.#stale = true;
    // Two writers of one file would cross; the one that writes takes the newest.
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  /** Settles when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#stale) {
      this.#stale = false;
      try {
        await this.#replace();
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) this.#logger.error({}, `${this.#path} cannot be written: ${messageOf(error)}`);
        this.#failing = true;
      }
    }
  }

  /** As a whole or not at all: half a file would be none. */
  async #replace(): Promise<void> {
    const { text, timezone } = this.#schedule ?? {};
    const state = { schedule: text, timezone, last: new Date(this.#last ?? 0).toISOString() };
    // Servers in containers may share the folder, and their process ids are the same.
    const temporary = `${this.#path}.${hostname()}-${process.pid}`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }
}
