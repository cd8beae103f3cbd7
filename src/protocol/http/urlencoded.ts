// application/x-www-form-urlencoded: bytes to fields and back, as PHP reads it.

import type { FormField } from './head.ts';

/**
 * The fields of a form body or query, in order, byte for byte. `+` is a space, `%XX` a byte, a broken `%` stays as it is,
 * a field without `=` has an empty value and empty fields between `&` do not count: the rules of PHP's parse_str.
 * Stops after `maxFields`, so that a hostile body costs no more than an honest one.
 */
export function parseUrlencoded(body: Buffer, maxFields = Number.POSITIVE_INFINITY): FormField[] {
  const text = body.toString('latin1');
  const fields: FormField[] = [];
  let start = 0;
  while (start < text.length && fields.length < maxFields) {
    let end = text.indexOf('&', start);
    if (end < 0) end = text.length;
    if (end > start) fields.push(parseField(text.slice(start, end)));
    start = end + 1;
  }
  return fields;
}

/** Decodes `+` and `%XX`; anything that is not a full escape stays. One byte per character. */
export function unescapeForm(text: string): string {
  if (!/[+%]/.test(text)) return text;
  return text
    .replace(/\+/g, ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Fields as a body that PHP's parse_str turns back into the same bytes. */
export function formatUrlencoded(fields: readonly FormField[]): Buffer {
  let text = '';
  for (const { name, value } of fields) {
    if (text !== '') text += '&';
    text += `${escapeForm(name)}=${escapeForm(value)}`;
  }
  return Buffer.from(text, 'latin1');
}

const ESCAPES = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);

// Everything but the unreserved characters: what separates arguments is a setting in php.ini (arg_separator.input).
function escapeForm(text: string): string {
  return text.replace(/[^A-Za-z0-9_.~-]/g, (char) => ESCAPES[char.charCodeAt(0) & 0xff] as string);
}

function parseField(text: string): FormField {
  const equals = text.indexOf('=');
  if (equals < 0) return { name: unescapeForm(text), value: '' };
  return { name: unescapeForm(text.slice(0, equals)), value: unescapeForm(text.slice(equals + 1)) };
}
