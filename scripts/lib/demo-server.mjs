// One running server of the demo: starts it, waits until it answers, stops it without leaving anything behind.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CACHE, CLI, ROOT } from './paths.mjs';
import { ScriptError } from './run.mjs';

const READY_TIMEOUT = 60_000;
const STOP_TIMEOUT = 20_000;
const RETRY_PAUSE = 100;
const PAGE_TIMEOUT = 30_000;
const LINES_SHOWN = 30;

export class DemoServer {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #stopping = false;

  /**
   * @param {import('./demo-apps.mjs').DemoApp} app
   * @param {number} port
   */
  constructor(app, port) {
    this.app = app;
    this.port = port;
    this.log = join(CACHE, 'demo', `${app.name}.log`);
    /** Settles when the process has ended; with a text when nobody asked it to. */
    this.ended = Promise.resolve(/** @type {string | undefined} */ (undefined));
  }

  /** @param {string} path */
  url(path) {
    return `http://localhost:${this.port}${path}`;
  }

  start() {
    mkdirSync(join(CACHE, 'demo'), { recursive: true });
    const log = createWriteStream(this.log);
    // As root, for those who try it so, the examples run as root; a server of one's own has a user for that.
    const args = [CLI, 'serve', '--allow-root', '-c', this.app.config, '-o', `http.address=127.0.0.1:${this.port}`];
    // In a group of its own, Ctrl-C reaches only the demo, which then stops each server once and waits for it.
    const child = spawn(process.execPath, args, {
      cwd: this.app.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(`${this.app.name} did not start: ${error.message}`));
      child.once('close', (code, signal) => {
        log.end(() => resolve(this.#stopping ? undefined : this.#unexpectedEnd(code, signal)));
      });
    });
  }

  /**
   * Waits until the first page answers.
   * @throws {ScriptError} when the server ends before that, or does not answer in time
   */
  async ready() {
    const deadline = Date.now() + READY_TIMEOUT;
    let ended = false;
    this.ended.then(() => {
      ended = true;
    });
    while (!ended && Date.now() < deadline) {
      if (await this.#answers()) return;
      await Promise.race([wait(RETRY_PAUSE), this.ended]);
    }
    const late = `${this.app.name} did not answer within ${READY_TIMEOUT / 1000} s\n${this.#lastLines()}`;
    throw new ScriptError((ended && (await this.ended)) || late);
  }

  /**
   * Fetches a page and compares it with what it should be.
   * @param {import('./demo-apps.mjs').DemoPage} page
   * @returns {Promise<{ line: string, right: boolean }>} the status with the first line, or what went wrong
   */
  async look(page) {
    try {
      const response = await fetch(this.url(page.path), { signal: AbortSignal.timeout(PAGE_TIMEOUT) });
      const text = await response.text();
      // Pages may be images.
      const line = `${response.status}  ${text
        .split('\n', 1)[0]
        .slice(0, 80)
        .replace(/[\p{C}\ufffd]/gu, '.')}`;
      return { line, right: response.status === 200 && page.expect.test(text) };
    } catch (error) {
      return { line: String(error), right: false };
    }
  }

  /** Asks the server to drain and stop, and ends its whole process group when it does not. */
  async stop() {
    this.#stopping = true;
    this.#signal('SIGTERM');
    const stopped = await Promise.race([this.ended.then(() => true), wait(STOP_TIMEOUT, false, { ref: false })]);
    if (stopped) return;
    this.stopNow();
    await this.ended;
  }

  stopNow() {
    this.#stopping = true;
    if (this.#isRunning()) this.#signal('SIGKILL');
  }

  async #answers() {
    try {
      const response = await fetch(this.url(this.app.pages[0].path), { signal: AbortSignal.timeout(5000) });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  #isRunning() {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** @param {NodeJS.Signals} signal */
  #signal(signal) {
    if (!this.#isRunning()) return;
    if (signal === 'SIGKILL' && this.#child?.pid) process.kill(-this.#child.pid, signal);
    else this.#child?.kill(signal);
  }

  /**
   * @param {number | null} code
   * @param {NodeJS.Signals | null} signal
   */
  #unexpectedEnd(code, signal) {
    return `${this.app.name} ended with ${signal ?? `exit code ${code}`}\n${this.#lastLines()}`;
  }

  #lastLines() {
    const lines = readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-LINES_SHOWN);
    return [...lines.map((line) => `    ${line}`), `(the whole log: ${relative(ROOT, this.log)})`].join('\n');
  }
}

/**
 * @param {number[]} ports
 * @returns {Promise<number[]>} those on which something listens already
 */
export async function portsInUse(ports) {
  const taken = await Promise.all(ports.map(isTaken));
  return ports.filter((_, index) => taken[index]);
}

/** @returns {Promise<number>} a port on which nothing listens at the moment */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isTaken(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(true));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)));
  });
}
