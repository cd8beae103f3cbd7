// The default of an optional schema as PHP text, where PHP can have the same one.

import { isDeepStrictEqual } from 'node:util';
import { type AnySchema, defOf } from '../../plugins/bridge/services/schema-tree.ts';
import { phpString } from './php-names.ts';

/** `'webp'`, `80`, `[]`; undefined when there is none, or none that PHP can write down: the service then uses its own. */
export function defaultOf(schema: AnySchema): string | undefined {
  const def = defOf(schema);
  if (def.type === 'readonly' || def.type === 'catch') return defaultOf(def.innerType);
  if (def.type !== 'default' && def.type !== 'prefault') return undefined;
  // One that a function makes, such as the time of day, belongs to the call and not into a file.
  const [first, second] = [def.defaultValue, def.defaultValue];
  return isDeepStrictEqual(first, second) ? literal(first) : undefined;
}

function literal(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return isPrintable(value) ? phpString(value) : undefined;
    case 'number':
      return Number.isFinite(value) ? String(value) : undefined;
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Object.keys(value).length === 0 && (Array.isArray(value) || isPlain(value)) ? '[]' : undefined;
    default:
      return undefined;
  }
}

function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}
