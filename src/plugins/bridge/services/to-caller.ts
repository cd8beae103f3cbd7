// Turns what a handler gave into what the codecs can send: plain trees of texts, numbers, lists and mappings.

/** A tree deeper than this holds itself, or is refused by the codecs anyhow. */
const MAX_DEPTH = 128;

/** Something in a result cannot be sent; the message says what, and where. */
export class UnsendableError extends Error {}

/**
 * Dates become ISO 8601 text, sets become lists, maps become mappings. For JSON bytes become base64, and
 * integers beyond 2^53 become text; MessagePack has both.
 * @param path - where the value is, for the message: '' for the result itself.
 * @throws UnsendableError for functions, symbols, objects of classes, and a tree deeper than 128 levels.
 */
export function sendable(value: unknown, json: boolean, path = '', depth = 0): unknown {
  switch (typeof value) {
    case 'bigint':
      if (!json) return value;
      return BigInt.asIntN(54, value) === value ? Number(value) : String(value);
    case 'function':
    case 'symbol':
      throw new UnsendableError(`${where(path)} is a ${typeof value}, which cannot be sent`);
    case 'object':
      return value === null ? null : sendableObject(value, json, path, depth);
    default:
      return value;
  }
}

function sendableObject(value: object, json: boolean, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH)
    throw new UnsendableError(`${where(path.slice(0, 80))}... is nested too deeply, or holds itself`);
  const below = (item: unknown, key: PropertyKey): unknown =>
    sendable(item, json, path === '' ? String(key) : `${path}.${String(key)}`, depth + 1);
  if (value instanceof Date) return dateText(value, path);
  if (ArrayBuffer.isView(value)) return sendableBytes(value, json);
  if (Array.isArray(value) || value instanceof Set) return [...value].map(below);
  if (value instanceof Map)
    return fromEntries(
      [...value].map(([key, item]) => [String(key), item]),
      below,
    );
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return fromEntries(Object.entries(value), below);
  if ('toJSON' in value && typeof value.toJSON === 'function') return sendable(value.toJSON(), json, path, depth + 1);
  throw new UnsendableError(
    `${where(path)} is an object of the class ${prototype.constructor?.name ?? '?'}, which cannot be sent`,
  );
}

function fromEntries(
  entries: readonly (readonly [string, unknown])[],
  below: (item: unknown, key: string) => unknown,
): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, item] of entries) if (item !== undefined) result[key] = below(item, key);
  return result;
}

function dateText(date: Date, path: string): string {
  if (Number.isNaN(date.getTime())) throw new UnsendableError(`${where(path)} is a date that is no date`);
  return date.toISOString();
}

function sendableBytes(value: ArrayBufferView, json: boolean): unknown {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return json ? buffer.toString('base64') : buffer;
}

function where(path: string): string {
  return path === '' ? 'the result' : path;
}
