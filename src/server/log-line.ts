// Keeps every line of the log one line, of at most 8 KiB, whoever gave the text: a client's URL, the error of an application, the output of a worker.

import { escapeControls, fitJson } from '../core/text.ts';

/** Most bytes of a line, its end included: what collectors of logs take as one. */
export const MAX_LINE_BYTES = 8 * 1024;
/** A text that is cut keeps at least this many bytes. */
const LEAST_BYTES = 64;

/** What JSON leaves as it is, though terminals and readers of lines may obey it: DEL, the C1 controls, the line ends of Unicode. */
const UNESCAPED = /[\x7f-\x9f\u2028\u2029]/g;

/** A line of JSON without raw control characters, with its longest texts cut when it is too long. */
export function safeLine(line: string): string {
  return boundLine(line.replace(UNESCAPED, escaped));
}

/** A message for people: each line after the first stands further in, so that none looks like a line of the log. */
export function readable(message: string): string {
  return message.includes('\n') ? message.split('\n').map(escapeControls).join('\n    ') : escapeControls(message);
}

function boundLine(line: string): string {
  // No code unit takes more than three bytes.
  if (line.length * 3 <= MAX_LINE_BYTES || Buffer.byteLength(line) <= MAX_LINE_BYTES) return line;
  const facts: unknown = JSON.parse(line);
  for (let limit = MAX_LINE_BYTES / 2; limit >= LEAST_BYTES; limit /= 2) {
    const shorter = `${JSON.stringify(facts, (_key, value) => cut(value, limit))}\n`.replace(UNESCAPED, escaped);
    if (Buffer.byteLength(shorter) <= MAX_LINE_BYTES) return shorter;
  }
  const { level, ts, time, logger, msg } = facts as Readonly<Record<string, unknown>>;
  const short = { level, ts, time, logger, msg: cut(String(msg ?? ''), MAX_LINE_BYTES / 8) };
  return `${JSON.stringify(short)}\n`.replace(UNESCAPED, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function cut(value: unknown, limit: number): unknown {
  return typeof value === 'string' ? fitJson(value, limit) : value;
}
