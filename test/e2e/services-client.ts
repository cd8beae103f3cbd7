// A PHP process that speaks the RPC services, driven by one line of JSON for each command.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { within } from '../helpers/wait-for.ts';

/** Which PHP script speaks, and whether what it needs is there. */
export interface ServicesScript {
  readonly name: string;
  readonly path: string;
  /** Installs what it needs; the reason, in words, when it cannot run here. */
  prepare(): Promise<string | undefined>;
}

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** One client: a process with one connection. Commands run one after the other. */
export class ServicesClient {
  readonly #child: ChildProcess;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #stderr = '';

  constructor(t: TestContext, script: ServicesScript, address: string) {
    this.#child = spawn('php', ['-d', 'display_errors=stderr', script.path, address], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
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

  /** Runs a command of the script. @throws Error with the text that PHP got. */
  async call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T> {
    const answered = new Promise<Answer>((resolve) => this.#waiting.push(resolve));
    this.#child.stdin?.write(`${JSON.stringify({ name, arguments: args })}\n`);
    const { result, error } = await within(answered, 20_000, () => `an answer to ${name}; ${this.#stderr}`);
    assert.equal(this.#stderr, '', 'PHP has nothing to say');
    if (error !== undefined) throw new Error(error);
    return result as T;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
