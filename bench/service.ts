// A server process for the length of a case: started, waited for, stopped with everything it started.

import { type ChildProcess, spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const READY_MS = 60_000;
const STOP_MS = 10_000;
const RETRY_MS = 50;
const OUTPUT_KEPT = 4000;

/** How to start a server. */
export interface ServiceOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** It is ready when it accepts connections here: a port of 127.0.0.1, or a Unix socket. Default: at once. */
  readonly listens?: number | string;
}

/** What runs now; killed when this process ends, however it does. */
const running = new Set<Service>();
process.on('exit', () => {
  for (const service of running) service.killNow();
});

/** One server process, leader of its own group so that Ctrl-C reaches only the benchmark. */
export class Service {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #output = '';

  private constructor(options: ServiceOptions) {
    this.#name = options.name;
    const [file = '', ...args] = options.command;
    const env = { ...process.env, ...options.env };
    this.#child = spawn(file, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (chunk) => this.#keep(chunk));
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#keep(error.message));
      this.#child.once('error', resolve);
      this.#child.once('exit', () => resolve());
    });
  }

  /** Starts a server and waits until it accepts connections. @throws Error with what it printed when it does not. */
  static async start(options: ServiceOptions, signal: AbortSignal): Promise<Service> {
    const service = new Service(options);
    try {
      if (options.listens !== undefined) await service.#ready(options.listens, signal);
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  /** The process; 0 when it never ran. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks it to end, and makes it end after ten seconds. */
  async stop(): Promise<void> {
    if (this.#runs) this.#child.kill('SIGTERM');
    const late = AbortSignal.timeout(STOP_MS);
    late.addEventListener('abort', () => this.killNow());
    await this.#ended;
    running.delete(this);
  }

  /** Kills the whole group. */
  killNow(): void {
    if (!this.#runs) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }

  get #runs(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #keep(chunk: Buffer | string): void {
    this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_KEPT);
  }

  async #ready(listens: number | string, signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + READY_MS;
    while (this.#runs && Date.now() < deadline) {
      if (await accepts(listens)) return;
      await wait(RETRY_MS, undefined, { signal });
    }
    const what = this.#runs ? 'does not listen' : 'ended at its start';
    throw new Error(`${this.#name} ${what}; it printed:\n${this.#output.trimEnd()}`);
  }
}

function accepts(listens: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket =
      typeof listens === 'number' ? createConnection(listens, '127.0.0.1') : createConnection({ path: listens });
    const settle = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
