// A front on a free loopback port with a stub pool, and a raw client that shows every byte.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import type { Logger } from '../../../src/core/logger.ts';
import type { HttpConfig } from '../../../src/plugins/http/config.ts';
import { HttpFront } from '../../../src/plugins/http/front.ts';
import { createServices } from '../../../src/plugins/http/plugin.ts';
import type { HttpServices } from '../../../src/plugins/http/services.ts';
import { StubPool } from './stub-pool.ts';

/** Longest wait for anything in these tests. */
export const DEADLINE_MS = 20_000;

/** What a test changes of the configuration. */
export type ConfigChanges = Partial<Omit<HttpConfig, 'timeouts' | 'limits'>> & {
  timeouts?: Partial<HttpConfig['timeouts']>;
  limits?: Partial<HttpConfig['limits']>;
};

/** Default configuration with changes. */
export function httpConfig(changes: ConfigChanges = {}): HttpConfig {
  return {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    internalErrorCode: 500,
    errorCodes: 'rrts',
    maxRequestSize: 1,
    rawBody: false,
    accessLogs: false,
    middleware: [],
    uploads: { dir: tmpdir(), forbid: [], allow: [] },
    headers: { request: {}, response: {} },
    pool: { debug: false, supervisor: { execTtl: 60_000 } } as HttpConfig['pool'],
    pools: {},
    routes: [],
    ...changes,
    timeouts: { headers: 5000, bodyIdle: 5000, body: 0, sendIdle: 5000, keepAlive: 75_000, ...changes.timeouts },
    limits: {
      headerBytes: 16_384,
      headerFields: 100,
      uriBytes: 8192,
      requestsPerConnection: 1000,
      connections: 1000,
      memory: 0,
      ...changes.limits,
    },
  };
}

/** A logger that keeps its lines. */
export class LogBook implements Logger {
  readonly lines: { level: string; facts: Record<string, unknown>; message: string }[] = [];
  debugEnabled = false;
  debug(facts: object, message: string): void {
    this.#add('debug', facts, message);
  }
  info(facts: object, message: string): void {
    this.#add('info', facts, message);
  }
  warn(facts: object, message: string): void {
    this.#add('warn', facts, message);
  }
  error(facts: object, message: string): void {
    this.#add('error', facts, message);
  }
  child(): Logger {
    return this;
  }
  isLevelEnabled(level: string): boolean {
    return level !== 'debug' || this.debugEnabled;
  }
  #add(level: string, facts: object, message: string): void {
    this.lines.push({ level, facts: facts as Record<string, unknown>, message });
  }
}

/** A running front. */
export interface Rig {
  readonly front: HttpFront;
  readonly services: HttpServices;
  readonly pool: StubPool;
  /** Those of `http.pools`, by their names there. */
  readonly pools: Readonly<Record<string, StubPool>>;
  readonly log: LogBook;
  readonly port: number;
  connect(): Promise<RawClient>;
  /** Sends `bytes` on a new connection and reads until it is closed. */
  exchange(bytes: string | Buffer): Promise<string>;
  close(): Promise<void>;
}

/** Starts a front. */
export async function startRig(changes: ConfigChanges = {}, log = new LogBook(), internal = false): Promise<Rig> {
  const pool = new StubPool();
  const config = httpConfig(changes);
  const pools = Object.fromEntries(Object.keys(config.pools).map((name) => [name, new StubPool()]));
  const named = Object.entries(pools).map(([name, one]): [string, StubPool] => [`http.${name}`, one]);
  const context = { logger: log, workerOwner: undefined };
  const services = createServices(config, context, new Map([['http', pool], ...named]), internal);
  const front = new HttpFront(services);
  const address = await front.listen();
  const port = address.kind === 'tcp' ? address.port : 0;
  const open = async (): Promise<RawClient> => {
    const socket = address.kind === 'tcp' ? connect(port, '127.0.0.1') : connect(address.path);
    await once(socket, 'connect');
    return new RawClient(socket);
  };
  return {
    front,
    services,
    pool,
    pools,
    log,
    port,
    connect: open,
    async exchange(bytes) {
      const client = await open();
      client.send(bytes);
      return client.readToEnd();
    },
    close: () => front.close(0),
  };
}

/** A connection that keeps what it received, one character per byte. */
export class RawClient {
  readonly socket: Socket;
  closed = false;
  /** Code of the error that ended it, if one did. */
  error: string | undefined;
  readonly #chunks: Buffer[] = [];
  readonly #waiters: (() => void)[] = [];
  #wakeTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      // Conditions look at everything received, so they are not asked after each of many small chunks.
      this.#wakeTimer ??= setTimeout(() => this.#wake(), 2);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  get received(): string {
    if (this.#chunks.length > 1) this.#chunks.splice(0, this.#chunks.length, Buffer.concat(this.#chunks));
    return this.#chunks[0]?.toString('latin1') ?? '';
  }

  /** Strings are sent as latin1. */
  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Settles when `condition` holds for what was received; fails when the connection ends before, or at the deadline. */
  async until(condition: (received: string) => boolean, what = 'the expected bytes'): Promise<string> {
    const deadline = Date.now() + DEADLINE_MS;
    while (!condition(this.received)) {
      if (this.closed) throw new Error(`closed before ${what}: ${JSON.stringify(this.received.slice(0, 500))}`);
      await this.#change(deadline, what);
    }
    return this.received;
  }

  /** Everything until the connection is closed. */
  async readToEnd(): Promise<string> {
    const deadline = Date.now() + DEADLINE_MS;
    while (!this.closed) await this.#change(deadline, 'the end of the connection');
    return this.received;
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #change(deadline: number, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push(resolve);
      const text = `no ${what} in time: ${JSON.stringify(this.received.slice(0, 500))}`;
      timer = setTimeout(() => reject(new Error(text)), Math.max(0, deadline - Date.now()));
    });
    clearTimeout(timer);
  }

  #wake(): void {
    clearTimeout(this.#wakeTimer);
    this.#wakeTimer = undefined;
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

/** Status of the first response in `text`. */
export function statusOf(text: string): number {
  const match = /^HTTP\/1\.1 (\d{3}) /.exec(text);
  return match === null ? 0 : Number(match[1]);
}
