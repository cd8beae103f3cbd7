// The standard server of the faults suite: four PHP workers that run the standard app and note every execution.

import { existsSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { WorkerKind } from '../../e2e/kinds.ts';
import { mergeTop } from '../../e2e/server-of-kind.ts';
import { freePort } from '../../helpers/free-port.ts';
import type { ProcessEntry } from '../../helpers/processes.ts';
import { type ConfigTree, type ServerProcess, type ServerWish, startServer } from '../../helpers/start-server.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';

/** Workers of the standard rig. */
export const WORKERS = 4;

/** One line of the PHP log. */
export interface Execution {
  readonly id: string;
  readonly method: string;
  readonly pid: number;
}

/** What the master says of its pool at one moment. */
export interface PoolState {
  /** Workers that can take requests: ready or working. */
  readonly serving: number;
  readonly queue: number;
  readonly total: number;
}

/** A running server with its PHP log. */
export class StandardApp {
  readonly server: ServerProcess;
  readonly #log: string;
  readonly #metrics: number;

  constructor(server: ServerProcess, log: string, metrics: number) {
    this.server = server;
    this.#log = log;
    this.#metrics = metrics;
  }

  get url(): string {
    return this.server.url;
  }

  /** PHP processes that live now, booting ones included. */
  workers(): ProcessEntry[] {
    return this.server.workers();
  }

  /** Every execution so far, in the order in which they began. */
  executions(): Execution[] {
    if (!existsSync(this.#log)) return [];
    const lines = readFileSync(this.#log, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => {
      const [id = '', method = '', pid = ''] = line.split(' ');
      return { id, method, pid: Number(pid) };
    });
  }

  /** How often each id was executed. */
  executionCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { id } of this.executions()) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }

  /** The text of /metrics. */
  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#metrics}/metrics`, { signal: AbortSignal.timeout(30_000) });
    return response.text();
  }

  /** The pool as the master sees it. */
  async pool(): Promise<PoolState> {
    const text = await this.metrics();
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    return {
      serving: value('rr_http_workers_ready') + value('rr_http_workers_working'),
      total: value('rr_http_total_workers'),
      queue: value('rrts_http_queue_length'),
    };
  }

  /** Waits until so many workers serve and no other process of PHP lives; the milliseconds it took. */
  async whole(count = WORKERS, ms = 30_000): Promise<number> {
    const begin = performance.now();
    await eventually(
      async () => this.workers().length === count && (await this.pool()).serving === count,
      `${count} workers that serve, and no other`,
      ms,
    );
    return performance.now() - begin;
  }

  /** Resident set of the master, in bytes. */
  masterBytes(): number {
    const status = readFileSync(`/proc/${this.server.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }
}

/** What a test changes of the standard server. */
export interface StandardWish extends Omit<ServerWish, 'command'> {
  readonly kind: WorkerKind;
  /** Instead of the kind's command. */
  readonly command?: readonly string[];
}

/**
 * Starts it; the test's end discards it with all it started. Undefined, and the test marked as skipped, when the kind
 * cannot run here. A test that gets through calls `app.server.stop()`, which asserts a clean end.
 */
export async function startStandard(t: TestContext, wish: StandardWish): Promise<StandardApp | undefined> {
  const reason = await wish.kind.prepare();
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  const dir = makeTempDir('faults');
  t.after(() => dir.remove());
  const metrics = await freePort();
  const standard: ConfigTree = {
    http: { pool: { num_workers: WORKERS } },
    metrics: { address: `127.0.0.1:${metrics}` },
    logs: { level: 'info', encoding: 'json' },
  };
  const server = await startServer({
    ...wish,
    command: wish.command ?? wish.kind.command,
    environment: { PHP_LOG: dir.file('php.log'), ...wish.environment },
    config: mergeTop(mergeTop(standard, wish.kind.config), wish.config ?? {}),
  });
  t.after(() => server.discard());
  return new StandardApp(server, dir.file('php.log'), metrics);
}
