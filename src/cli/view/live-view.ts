// The live view: what a command shows, drawn again every second, until somebody has seen enough.

import { createLogUpdate } from 'log-update';
import type { Screen } from './workers-table.ts';

const EVERY_MS = 1000;
/** Where a terminal does not tell its size. */
const DEFAULT_SCREEN = { columns: 120, rows: 24 };
const CONTROL_C = '\u0003';

/** The text of what was asked for. `now` is the clock of this machine. */
export type Render<T> = (view: T, screen: Screen, now: number) => string;

/**
 * Draws until `q`, Ctrl-C, SIGINT or SIGTERM, and leaves the terminal as it was, with the last picture on it. Where stdout is no
 * terminal the pictures follow one another.
 * @throws what `ask` rejects with.
 */
export async function watch<T>(ask: () => Promise<T>, render: Render<T>): Promise<void> {
  const enough = new Enough();
  const draw = process.stdout.isTTY ? onTerminal(render) : onPaper(render);
  try {
    while (!enough.seen) {
      draw.show(await ask());
      await enough.within(EVERY_MS);
    }
  } finally {
    draw.end();
    enough.close();
  }
}

interface Drawing<T> {
  show(view: T): void;
  end(): void;
}

function onTerminal<T>(render: Render<T>): Drawing<T> {
  const update = createLogUpdate(process.stdout);
  return {
    show(view) {
      const { columns = DEFAULT_SCREEN.columns, rows = DEFAULT_SCREEN.rows } = process.stdout;
      const hint = process.stdin.isTTY ? '\n\nq ends' : '';
      update(render(view, { columns, rows: rows - 2 }, Date.now()) + hint);
    },
    end: () => update.done(),
  };
}

function onPaper<T>(render: Render<T>): Drawing<T> {
  const screen = { columns: DEFAULT_SCREEN.columns, rows: undefined };
  return {
    show: (view) => console.log(`${new Date().toISOString()}\n${render(view, screen, Date.now())}\n`),
    end: () => undefined,
  };
}

/** Listens for the wish to end. Keys are read one by one while it is open. */
class Enough {
  seen = false;
  #wake: () => void = () => undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#end);
    process.stdout.on('error', this.#end);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.on('data', this.#onKey);
    process.stdin.resume();
  }

  /** Waits so long, or until the wish comes. */
  async within(ms: number): Promise<void> {
    if (this.seen) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  close(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#end);
    process.stdout.off('error', this.#end);
    if (!process.stdin.isTTY) return;
    process.stdin.off('data', this.#onKey);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }

  readonly #end = (): void => {
    this.seen = true;
    this.#wake();
  };

  // A terminal in raw mode sends Ctrl-C as a key.
  readonly #onKey = (keys: Buffer): void => {
    const text = keys.toString();
    if (text.includes('q') || text.includes('Q') || text.includes(CONTROL_C)) this.#end();
  };
}
