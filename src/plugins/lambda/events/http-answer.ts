// The response of PHP in the shape that the sender of the event understands. Pure.

import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { AnswerStyle } from './http-request.ts';

/** The head of a response. */
export interface AnswerHead {
  readonly status: number;
  /** Name, value, name, value ... one byte per character. */
  readonly headers: readonly string[];
}

/** These concern the internal connection; Lambda's front writes its own. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'date',
]);
const COOKIE = 'set-cookie';

/** The answer as JSON. Bytes that are no UTF-8, or are compressed, travel as base64. */
export function httpAnswer(style: AnswerStyle, head: AnswerHead, body: Buffer): string {
  const isText = isUtf8(body) && !isCompressed(head);
  return JSON.stringify({
    ...headOf(style, head),
    body: body.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  });
}

/** What goes before the first byte of a streamed response. */
export function streamPrelude(head: AnswerHead): string {
  return JSON.stringify(headOf('api-v2', head));
}

function headOf(style: AnswerStyle, { status, headers }: AnswerHead): object {
  const values = byName(headers);
  switch (style) {
    case 'api-v1':
      return { statusCode: status, multiValueHeaders: Object.fromEntries(values) };
    case 'alb-multi':
      return { ...albStatus(status), multiValueHeaders: Object.fromEntries(values) };
    case 'alb':
      return { ...albStatus(status), headers: { ...joined(values), ...cookieSpellings(values.get(COOKIE) ?? []) } };
    case 'api-v2': {
      const cookies = values.get(COOKIE);
      return { statusCode: status, headers: joined(values), ...(cookies === undefined ? {} : { cookies }) };
    }
  }
}

function albStatus(status: number): object {
  return { statusCode: status, statusDescription: `${status} ${STATUS_CODES[status] ?? 'Unknown'}` };
}

function byName(headers: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (LEFT_OUT.has(name)) continue;
    const text = textOf(headers[index + 1] as string);
    const list = values.get(name);
    if (list === undefined) values.set(name, [text]);
    else list.push(text);
  }
  return values;
}

function joined(values: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const others = [...values].filter(([name]) => name !== COOKIE);
  return Object.fromEntries(others.map(([name, list]) => [name, list.join(', ')]));
}

/** A load balancer without multi-value headers takes one value for each spelling of a name; cookies cannot be joined. */
function cookieSpellings(cookies: readonly string[]): Record<string, string> {
  return Object.fromEntries(cookies.map((cookie, index) => [spelling(COOKIE, index), cookie]));
}

function spelling(name: string, index: number): string {
  let bit = 1;
  let text = '';
  for (const letter of name) {
    const isLetter = letter !== '-';
    text += isLetter && (index & bit) !== 0 ? letter.toUpperCase() : letter;
    if (isLetter) bit <<= 1;
  }
  return text;
}

/** What PHP wrote is UTF-8 as a rule. */
function textOf(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}

function isCompressed({ headers }: AnswerHead): boolean {
  return headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-encoding');
}
