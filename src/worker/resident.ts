// The memory of one worker, read so cheaply that it can be looked at after every request.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** `statm` is a line of seven numbers. */
const LINE_BYTES = 128;

/**
 * Resident set of a process, from Linux' /proc/PID/statm. The file is opened once: a further reading is one system call, and
 * can never be that of another process with the same number.
 */
export class ResidentMemory {
  readonly #line = Buffer.allocUnsafe(LINE_BYTES);
  readonly #pageBytes: number;
  #descriptor: number | undefined;

  constructor(pid: number) {
    this.#pageBytes = pageBytes();
    this.#descriptor = open(pid);
  }

  /** Bytes now; 0 when the process is gone or its system does not tell. */
  get bytes(): number {
    if (this.#descriptor === undefined) return 0;
    try {
      const length = readSync(this.#descriptor, this.#line, 0, LINE_BYTES, 0);
      return residentPages(this.#line.toString('latin1', 0, length)) * this.#pageBytes;
    } catch {
      return 0; // ESRCH: it has just ended
    }
  }

  /** Lets go of the file. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** True where the memory of processes can be read. */
export function canReadMemory(): boolean {
  return pageBytes() > 0;
}

function open(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/statm`, 'r');
  } catch {
    return undefined;
  }
}

/** The second number; the first is the size of the address space. */
function residentPages(line: string): number {
  const pages = Number(line.split(' ', 2)[1]);
  return Number.isFinite(pages) ? pages : 0;
}

/** Size of a page: Node knows its own resident set in bytes and Linux tells it in pages. A power of two; 0 on other systems. */
export function pageBytes(): number {
  try {
    const pages = residentPages(readFileSync('/proc/self/statm', 'latin1'));
    return pages === 0 ? 0 : 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages));
  } catch {
    return 0;
  }
}
