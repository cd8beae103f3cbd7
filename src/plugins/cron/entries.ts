// All entries by name, as the configuration has them.

import { isDeepStrictEqual } from 'node:util';
import { CallError } from '../rpc-router/method.ts';
import type { CronSection, EntryConfig } from './config.ts';
import { Entry, type EntryHost } from './entry.ts';

/** The entries. After {@link stop} nothing is run any more. */
export class Entries {
  readonly #host: EntryHost;
  readonly #entries = new Map<string, Entry>();
  #section: CronSection = {};
  /** Those that the configuration has no more, whose runs are under way. */
  readonly #retired = new Set<Entry>();

  constructor(host: EntryHost) {
    this.#host = host;
  }

  /** In the order of the configuration. */
  get all(): readonly Entry[] {
    return Object.keys(this.#section).flatMap((name) => this.#entries.get(name) ?? []);
  }

  /** @throws CallError when there is none of that name. */
  find(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      const names = Object.keys(this.#section).join(', ');
      const there = names === '' ? 'there is none' : `there are ${names}`;
      throw new CallError(`no such cron entry: ${name}; ${there}`, 'ERR_RPC_ARGUMENT');
    }
    return entry;
  }

  /**
   * Makes them those of the configuration. One that did not change is not touched; runs that are under way go on. What was changed before an error is
   * taken back. @throws RrtsError ERR_STORE
   */
  configure(section: CronSection): void {
    try {
      this.#apply(section);
    } catch (error) {
      this.#apply(this.#section);
      throw error;
    }
    this.#section = section;
  }

  /** Ends all: what is under way is asked to end, and ended after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all([...this.#entries.values(), ...this.#retired].map((entry) => entry.stop(graceMs)));
  }

  /** Kills what runs, for the moment at which this process ends. */
  kill(): void {
    for (const entry of [...this.#entries.values(), ...this.#retired]) entry.kill();
  }

  #apply(section: CronSection): void {
    for (const [name, config] of Object.entries(section)) {
      const known = this.#entries.get(name);
      if (known !== undefined) {
        if (!isDeepStrictEqual(known.config, config)) known.configure(config);
        continue;
      }
      this.#entries.set(name, this.#add(name, config));
    }
    for (const [name, entry] of this.#entries) if (!Object.hasOwn(section, name)) this.#retire(entry);
  }

  /** One that is there again knows of its runs that are under way, so that none overlaps with them. */
  #add(name: string, config: EntryConfig): Entry {
    const retired = [...this.#retired].find((entry) => entry.name === name);
    if (retired === undefined) {
      const entry = new Entry(name, config, this.#host);
      entry.start();
      return entry;
    }
    retired.configure(config);
    this.#retired.delete(retired);
    return retired;
  }

  #retire(entry: Entry): void {
    this.#entries.delete(entry.name);
    entry.retire();
    this.#retired.add(entry);
    void entry.over().then(() => this.#retired.delete(entry));
  }
}
