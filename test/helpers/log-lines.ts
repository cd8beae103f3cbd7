// Collects what a server prints, line by line, and wakes those who wait for a line.

/** One line: its text, and its facts when it was JSON. */
export interface LogRecord {
  readonly text: string;
  readonly stream: 'stdout' | 'stderr';
  readonly facts: Readonly<Record<string, unknown>>;
}

const TAIL = 40;

/** The lines so far. */
export class LogLines {
  readonly records: LogRecord[] = [];
  readonly #waiting = new Set<(record: LogRecord) => void>();
  readonly #rest = { stdout: '', stderr: '' };

  push(bytes: Buffer, stream: LogRecord['stream']): void {
    const lines = (this.#rest[stream] + bytes.toString('utf8')).split('\n');
    this.#rest[stream] = lines.pop() ?? '';
    for (const line of lines) this.#add(line, stream);
  }

  /** Takes what has no newline at its end. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream] !== '') this.#add(this.#rest[stream], stream);
      this.#rest[stream] = '';
    }
  }

  /** Everything printed, as text. */
  text(): string {
    return this.records.map((record) => record.text).join('\n');
  }

  /** The last lines, for the message of a failed assertion. */
  tail(): string {
    return this.records
      .slice(-TAIL)
      .map((record) => record.text.slice(0, 600))
      .join('\n');
  }

  /** All lines that satisfy a test. */
  all(test: (record: LogRecord) => boolean): LogRecord[] {
    return this.records.filter(test);
  }

  /** The first line that satisfies a test, come or to come. */
  first(test: (record: LogRecord) => boolean): Promise<LogRecord> {
    const found = this.records.find(test);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const look = (record: LogRecord) => {
        if (!test(record)) return;
        this.#waiting.delete(look);
        resolve(record);
      };
      this.#waiting.add(look);
    });
  }

  #add(text: string, stream: LogRecord['stream']): void {
    const record = { text, stream, facts: factsOf(text) };
    this.records.push(record);
    for (const look of this.#waiting) look(record);
  }
}

/** Whether the text of the line matches; JSON escapes are undone first. */
export function mentions(pattern: RegExp): (record: LogRecord) => boolean {
  return (record) =>
    pattern.test(record.text) || Object.values(record.facts).some((fact) => pattern.test(String(fact)));
}

function factsOf(text: string): Readonly<Record<string, unknown>> {
  if (!text.startsWith('{')) return {};
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
