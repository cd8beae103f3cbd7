// Byte strings (one byte per character, latin1) to text and back.

import { isUtf8 } from 'node:buffer';

const HIGH = /[\u0080-\u00ff]/;

/**
 * A byte string as text, for codecs that have no bytes (JSON): decoded as UTF-8 when it is valid UTF-8, else as latin1.
 * So ordinary clients lose nothing, and for the rest every byte is still told apart.
 */
export function bytesToText(bytes: string): string {
  if (!HIGH.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : bytes;
}

/** The UTF-8 bytes of a text as a byte string. */
export function textToBytes(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is looked for
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** A URI as text. Bytes that are not UTF-8 are percent-encoded, which means the same in a URI and is valid in any codec. */
export function uriText(bytes: string): string {
  if (!HIGH.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  if (isUtf8(buffer)) return buffer.toString('utf8');
  return bytes.replace(/[\u0080-\u00ff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
