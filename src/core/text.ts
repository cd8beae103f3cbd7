// Makes bytes that came from PHP fit for an error message or a log line.

/** Ends a text that was cut. */
const CUT_MARK = '...';

/** Control characters as `\n`, `\t` or `\x1b`, so that output of a worker cannot forge or recolour a log line. */
export function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\t') return '\\t';
    if (char === '\r') return '\\r';
    const code = char.charCodeAt(0);
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

/** The first printable part of `bytes` in quotes, at most `limit` characters; empty when there is none. */
export function quoteBytes(bytes: Uint8Array, limit = 200): string {
  if (bytes.length === 0) return '';
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, limit)).toString('utf8');
  return `"${escapeControls(text)}${bytes.length > limit ? '...' : ''}"`;
}

/**
 * The text, or as much of its start as takes `limit` bytes in a JSON line, quotes included, with `...` at its end when something
 * is missing. Never half a character.
 */
export function fitJson(text: string, limit: number): string {
  // No code unit takes more than the six bytes of an escape.
  if (text.length * 6 + 2 <= limit || jsonBytes(text) <= limit) return text;
  let [fits, tooMuch] = [0, Math.min(text.length, limit)];
  while (tooMuch - fits > 1) {
    const middle = (fits + tooMuch) >> 1;
    if (jsonBytes(text.slice(0, middle)) <= limit - CUT_MARK.length) fits = middle;
    else tooMuch = middle;
  }
  const last = text.charCodeAt(fits - 1);
  const half = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, half ? fits - 1 : fits)}${CUT_MARK}`;
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
