// A real pool over a PHP fixture, and requests whose ends a test can await.

import assert from 'node:assert/strict';
import { isAbsolute } from 'node:path';
import { camelCased } from '../../src/core/camel-case.ts';
import type { RrtsError } from '../../src/core/errors.ts';
import type { Logger } from '../../src/core/logger.ts';
import { type PoolConfig, poolSchema } from '../../src/pool/config.ts';
import type { PoolSettings } from '../../src/pool/options.ts';
import { Pool } from '../../src/pool/pool.ts';
import { PoolRequest } from '../../src/pool/request.ts';
import { decodeResponseHead, encodeRequest } from '../../src/protocol/http/codecs.ts';
import { NO_BODY, type RequestHead } from '../../src/protocol/http/head.ts';
import type { HeadCodec, Payload } from '../../src/protocol/payload.ts';
import { fixture, ROOT } from '../helpers/paths.ts';
import { MARK, phpProcesses } from '../helpers/processes.ts';
import { within } from '../helpers/wait-for.ts';

/** How a request ended. */
export interface End {
  readonly status: number;
  readonly text: string;
  readonly error: RrtsError | undefined;
}

/** A request for one of the fixture's scenarios. */
export class TestRequest extends PoolRequest {
  readonly end: Promise<End>;
  /** Settles with the first part of the reply. */
  readonly begun: Promise<void>;
  /** What `onReply` answers: false asks the pool to stop reading. */
  takesMore = true;
  parts = 0;
  ends = 0;
  readonly #target: string;
  readonly #method: string;
  #codec: HeadCodec = 'json';
  #status = 0;
  #text = '';
  #finish: (end: End) => void = () => undefined;
  #begin: () => void = () => undefined;

  constructor(target: string, method = 'GET') {
    super(method !== 'POST');
    this.#target = target;
    this.#method = method;
    this.end = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  encode(codec: HeadCodec): Payload {
    this.#codec = codec;
    const head: RequestHead = {
      method: this.#method,
      scheme: 'http',
      host: 'localhost',
      target: this.#target,
      protocol: '1.1',
      remoteAddress: '127.0.0.1',
      headers: ['host', 'localhost'],
      attributes: {},
      attempt: this.attempt,
    };
    return encodeRequest(codec, head, NO_BODY);
  }

  onReply(head: Buffer, body: Buffer, flags: number): boolean {
    if (this.parts++ === 0) this.#status = decodeResponseHead(this.#codec, flags, head).status;
    this.#text += body.toString('latin1');
    this.#begin();
    return this.takesMore;
  }

  onDone(): void {
    this.ends++;
    this.#finish({ status: this.#status, text: this.#text, error: undefined });
  }

  onFailure(error: RrtsError): void {
    this.ends++;
    this.#finish({ status: this.#status, text: this.#text, error });
  }
}

/** Submits a request for a scenario and waits for its end. */
export function ask(pool: Pool, target: string, method?: string): Promise<End> {
  const request = new TestRequest(target, method);
  pool.submit(request);
  return request.end;
}

/** Collects log lines; `line(text)` settles with the first that holds the text, also a past one. */
export class LogCollector implements Logger {
  readonly lines: string[] = [];
  readonly #waiting: { text: string; found: () => void }[] = [];

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

  line(text: string): Promise<void> {
    if (this.lines.some((line) => line.includes(text))) return Promise.resolve();
    return new Promise((found) => this.#waiting.push({ text, found }));
  }

  #add(level: string, facts: object, message: string): void {
    const line = `${level} ${message} ${JSON.stringify(facts)}`;
    this.lines.push(line);
    for (const { text, found } of this.#waiting) if (line.includes(text)) found();
  }
}

/** A pool, its log and the mark its processes carry. */
export interface Rig {
  readonly pool: Pool;
  readonly log: LogCollector;
  readonly mark: string;
}

/** What a test may choose. */
export interface RigOptions {
  /** Keys of the `pool:` section, as in YAML. */
  readonly config?: object;
  readonly relay?: string;
  readonly sdkCodec?: 'json' | 'proto';
  readonly env?: Record<string, string>;
}

let rigs = 0;

/** Settings of a pool of 2 workers (or as `config` says) on a fixture. */
export function settingsOf(script: string, mark: string, options: RigOptions = {}): PoolSettings {
  const config = { num_workers: 2, allocate_timeout: '10s', ...options.config };
  return {
    mode: 'http',
    sdkCodec: options.sdkCodec ?? 'json',
    config: camelCased(poolSchema, poolSchema.parse(config)) as PoolConfig,
    server: {
      command: ['php', isAbsolute(script) ? script : fixture(script)],
      relay: options.relay ?? 'pipes',
      env: options.env ?? {},
      user: undefined,
      group: undefined,
      scheduling: 'batch',
      onInit: undefined,
    },
    version: '0.0.0',
    environment: { ...process.env, [MARK]: mark },
    cwd: ROOT,
  };
}

/** Starts a pool; see {@link settingsOf}. */
export async function startRig(script: string, options: RigOptions = {}): Promise<Rig> {
  const log = new LogCollector();
  const mark = `pool-${process.pid}-${rigs++}`;
  const pool = new Pool({ ...settingsOf(script, mark, options), name: 'test', logger: log });
  try {
    await pool.boot();
  } catch (error) {
    await pool.stop(0);
    throw error;
  }
  return { pool, log, mark };
}

/** Runs `body` with a pool and proves that no process is left afterwards. */
export async function withRig(script: string, options: RigOptions, body: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await startRig(script, options);
  try {
    await body(rig);
  } finally {
    await within(rig.pool.stop(2000), 20_000, 'the stop of the pool');
    assert.deepEqual(phpProcesses(rig.mark), []);
  }
}

/** The processes of a pool. */
export function pids(pool: Pool): number[] {
  return pool.stats().workers.map(({ pid }) => pid);
}
