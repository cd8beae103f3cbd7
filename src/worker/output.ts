// What a worker prints, as log lines: whole lines, capped, escaped, and limited in rate.

import { StringDecoder } from 'node:string_decoder';
import type { Logger } from '../core/logger.ts';
import { escapeControls, fitJson } from '../core/text.ts';

/** Of a longer line the rest is not kept. */
const LINE_LIMIT = 8 * 1024;
/** Bytes of a line in the JSON log, escapes included: with the log's own words around it 8 KiB are enough. */
const LOGGED_LIMIT = 7.5 * 1024;
/** Bytes per second that one worker may log; the rest is counted and dropped. */
const RATE_LIMIT = 1024 * 1024;
/** What a line costs besides its bytes: the log's own words around it, which are more than those of a short line. */
const LINE_COST = 100;
/** Lines and characters kept for the error report of a worker that dies, which is one line of the log too. */
const TAIL_LINES = 10;
const TAIL_LIMIT = 5 * 1024;

/** Splits the output of one worker into log lines and remembers the last ones. */
export class WorkerOutput {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #tail: string[] = [];
  /** A chunk can end inside a character. */
  readonly #decoder = new StringDecoder('utf8');
  #partial = '';
  #partialCut = false;
  #second = 0;
  #bytesThisSecond = 0;
  #dropped = 0;

  constructor(logger: Logger, now: () => number = Date.now) {
    this.#logger = logger;
    this.#now = now;
  }

  /** The last lines, oldest first; escaped. 5 KiB at most: of more, the last. */
  get tail(): readonly string[] {
    const lines = this.#partial === '' ? this.#tail : [...this.#tail, escapeControls(this.#partial)].slice(-TAIL_LINES);
    const kept: string[] = [];
    let left = TAIL_LIMIT;
    for (let i = lines.length - 1; i >= 0 && left > 0; i--) {
      const line = fitJson(lines[i] ?? '', left);
      kept.unshift(line);
      left -= Buffer.byteLength(JSON.stringify(line));
    }
    return kept;
  }

  /** Takes bytes as they come. */
  push(chunk: Buffer): void {
    if (!this.#admit(chunk.length)) return;
    let text = this.#decoder.write(chunk);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      this.#append(text.slice(0, end));
      this.#endLine();
      text = text.slice(end + 1);
    }
    this.#append(text);
  }

  /** Logs what is left without a line end; the worker is gone. */
  flush(): void {
    if (this.#partial !== '') this.#endLine();
    this.#reportDropped();
  }

  #admit(bytes: number): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.#reportDropped();
      this.#second = second;
      this.#bytesThisSecond = 0;
    }
    this.#bytesThisSecond += bytes;
    // The chunk that crosses the limit still goes in, so that the start of a flood can be read.
    if (this.#bytesThisSecond - bytes < RATE_LIMIT) return true;
    this.#dropped += bytes;
    return false;
  }

  #append(text: string): void {
    if (this.#partialCut || text === '') return;
    this.#partial += text;
    if (this.#partial.length <= LINE_LIMIT) return;
    this.#partial = `${this.#partial.slice(0, LINE_LIMIT)}...`;
    this.#partialCut = true;
  }

  #endLine(): void {
    const line = fitJson(escapeControls(this.#partial.replace(/\r$/, '')), LOGGED_LIMIT);
    this.#partial = '';
    this.#partialCut = false;
    if (line === '') return;
    this.#bytesThisSecond += LINE_COST;
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    this.#logger.info({}, line);
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    this.#logger.warn({ bytes: this.#dropped }, 'it printed more than 1 MiB in a second; the rest was dropped');
    this.#dropped = 0;
  }
}
