// One place that log lines go to. A reader that stands still or goes away costs lines, never requests or memory.

import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';

/** Bytes that may wait for a slow reader; further lines are dropped and counted. */
const BUFFER_LIMIT = 8 * 1024 * 1024;

/** Longest time to wait for a slow reader at the end. */
const CLOSE_TIMEOUT_MS = 1000;

/** A buffered descriptor. */
export class LogOutput {
  readonly #stream: ReturnType<typeof pino.destination>;
  #broken = false;
  #dropped = 0;

  /** @param synchronous - write each line at once: for terminals, where order beside other output matters. */
  constructor(descriptor: number, synchronous: boolean) {
    this.#stream = pino.destination({ dest: descriptor, sync: synchronous, maxLength: BUFFER_LIMIT });
    this.#stream.on('drop', () => this.#dropped++);
    this.#stream.on('drain', () => this.#reportDropped());
    // EPIPE, or a full disk: there is nobody left to tell.
    this.#stream.on('error', () => {
      this.#broken = true;
    });
  }

  /** Takes a line with its line end. */
  write(text: string): void {
    if (!this.#broken) this.#stream.write(text);
  }

  /** Waits until all is written, but not for ever, and closes. */
  async close(): Promise<void> {
    if (this.#broken) return;
    this.#broken = true;
    const closed = new Promise<void>((resolve) => {
      this.#stream.once('close', resolve);
      this.#stream.once('error', () => resolve());
    });
    this.#stream.end();
    const timeout = new AbortController();
    await Promise.race([closed, delay(CLOSE_TIMEOUT_MS, undefined, { signal: timeout.signal }).catch(() => undefined)]);
    timeout.abort();
    // Otherwise pino flushes once more when the process exits, and that would wait for the reader without end.
    this.#stream.destroy();
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const message = `${this.#dropped} log lines were dropped because the reader of this log is too slow`;
    this.#dropped = 0;
    this.write(`${JSON.stringify({ level: 'warn', ts: Date.now() * 1e6, logger: 'rrts', msg: message })}\n`);
  }
}
