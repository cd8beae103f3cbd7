// PHP that speaks the RPC services, driven by commands in JSON: a process of its own, or the workers of the server.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import type { ServerProcess } from '../helpers/start-server.ts';
import { within } from '../helpers/wait-for.ts';

const ANSWER_MS = 20_000;

/** Runs commands, one after the other. */
export interface ServicesClient {
  /** Runs a command of the script. @throws Error with the text that PHP got. */
  call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T>;
  close(): void;
}

/** Which PHP speaks, and whether what it needs is there. */
export interface ServicesSpeaker {
  readonly name: string;
  /** The worker of the server. Default: one that knows nothing of the services. */
  readonly command?: readonly string[];
  /** Installs what it needs; the reason, in words, when it cannot run here. */
  prepare(): Promise<string | undefined>;
  connect(t: TestContext, server: ServerProcess, address: string): ServicesClient;
}

/** A script that is given the address of the server and reads commands from its input. */
export function scriptSpeaker(name: string, path: string, prepare: () => Promise<string | undefined>): ServicesSpeaker {
  return { name, prepare, connect: (t, _server, address) => new ScriptClient(t, path, address) };
}

/** Native workers that run the commands they get by HTTP, and call the server on their own channel. */
export function workerSpeaker(name: string, path: string, prepare: () => Promise<string | undefined>): ServicesSpeaker {
  return { name, command: ['php', path], prepare, connect: (_t, server) => new HttpClient(server) };
}

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** A process with one connection. */
class ScriptClient implements ServicesClient {
  readonly #child: ChildProcess;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #stderr = '';

  constructor(t: TestContext, path: string, address: string) {
    this.#child = spawn('php', ['-d', 'display_errors=stderr', path, address], { stdio: ['pipe', 'pipe', 'pipe'] });
    t.after(() => this.close());
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#stderr += bytes.toString();
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as Answer);
    });
    this.#child.once('close', () => {
      for (const answer of this.#waiting.splice(0)) answer({ error: `the client ended: ${this.#stderr}` });
    });
    this.#child.stdin?.on('error', () => undefined);
  }

  async call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T> {
    const answered = new Promise<Answer>((resolve) => this.#waiting.push(resolve));
    this.#child.stdin?.write(`${JSON.stringify({ name, arguments: args })}\n`);
    const answer = await within(answered, ANSWER_MS, () => `an answer to ${name}; ${this.#stderr}`);
    assert.equal(this.#stderr, '', 'PHP has nothing to say');
    return resultOf<T>(answer);
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

class HttpClient implements ServicesClient {
  readonly #url: string;

  constructor(server: ServerProcess) {
    this.#url = server.url;
  }

  async call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T> {
    const body = JSON.stringify({ name, arguments: args });
    const headers = { 'content-type': 'application/octet-stream' };
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(this.#url, { method: 'POST', body, headers, signal });
    assert.equal(response.status, 200);
    return resultOf<T>((await response.json()) as Answer);
  }

  close(): void {}
}

function resultOf<T>({ result, error }: Answer): T {
  if (error !== undefined) throw new Error(error);
  return result as T;
}
