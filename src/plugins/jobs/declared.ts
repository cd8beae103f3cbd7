// A pipeline that a client declares: RoadRunner's flat map of texts, as the section of a file would have it.

import { CallError } from '../rpc-router/method.ts';
import { findDriver } from './drivers.ts';

/** Keys of a pipeline that do not belong to `config`. `retry` and the like are written as `retry.max_attempts`. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  'driver',
  'pool',
  'timeout',
  'max_payload',
  'max_waiting',
  'dead_letter',
]);

/** Name and section. @throws CallError ERR_JOBS_INVALID without a name, or for a driver that there is not. */
export function declaredSection(map: Readonly<Record<string, string>>): { name: string; section: object } {
  const { name = '', driver = '' } = map;
  if (!/^[A-Za-z0-9_.:-]{1,128}$/.test(name)) {
    throw new CallError(
      `a pipeline needs a name of letters, digits and _ . : -, not ${JSON.stringify(name)}`,
      'ERR_JOBS_INVALID',
    );
  }
  const type = findDriver(driver);
  if (type === undefined) throw new CallError(`no such driver: ${JSON.stringify(driver)}`, 'ERR_JOBS_INVALID');
  const section: Record<string, unknown> = {};
  const retry: Record<string, unknown> = {};
  const config: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(map)) {
    if (key === 'name' || type.ignored.includes(key)) continue;
    if (OWN_KEYS.has(key)) section[key] = typed(text);
    else if (key.startsWith('retry.')) retry[key.slice('retry.'.length)] = typed(text);
    else if (key === 'permissions') config[key] = octal(text);
    // RoadRunner's package sends every setting that it knows, with nothing or an empty list for those that nobody has set.
    else if (text !== '' && text !== '[]') config[key] = typed(text);
  }
  return { name, section: { ...section, retry, config } };
}

/** RoadRunner's package sends the rights of a file, 0755 in PHP, as the number 493. What is not such a number is checked as it came. */
function octal(text: string): string {
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text).toString(8).padStart(3, '0') : text;
}

/** Everything is text on the wire. */
function typed(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
